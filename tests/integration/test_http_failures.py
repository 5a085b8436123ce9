"""Each way in which we can fail, by HTTP: 503 and when to come back; 500 for a bug only; nothing of the error."""

from structlog.testing import capture_logs

from relay.failures import Failure
from tests.fakes.auth import away
from tests.fakes.failures import SECRET, failures
from tests.harness.http_door import Door

CASES = failures()


async def test_failure_in_authentication_is_told_as_ours(door: Door) -> None:
    for error, _ in CASES.values():
        door.clock.ahead_seconds += 10
        with away(door.database, error):
            answer = await door.get("/v2/templates")
        assert (answer.status, answer.errors[0][0]) == (503, "ServiceUnavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert SECRET not in str(answer)
    assert (await door.get("/v2/templates")).status == 200


async def test_failure_after_it_is_503_and_500_for_a_bug_only(door: Door) -> None:
    for error, failure in CASES.values():
        await door.get("/v2/templates")  # the key is known from now on
        with away(door.database, error), capture_logs() as logs:
            answer = await door.get("/v2/notifications")
        expected = (500, "Exception") if failure is Failure.BUG else (503, "ServiceUnavailable")
        assert (answer.status, answer.errors[0][0]) == expected, error
        assert SECRET not in str(answer)
        assert SECRET not in str(logs)
        assert [line["failure"] for line in logs if line["event"] == "http.error"] == [failure.value]


async def test_failure_to_store_is_counted_as_put_off(door: Door) -> None:
    error, _ = CASES["database full"]
    assert (await door.send()).status == 201  # template and key are known from now on
    with away(door.database, error):
        answer = await door.send()

    assert answer.status == 503
    assert door.metric("relay_submissions_total", door="http", outcome="deferred") == 1
