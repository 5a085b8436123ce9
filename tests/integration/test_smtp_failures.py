"""Each way in which we can fail, at each stage of a session: put off with the right code, and the session goes on."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from relay.failures import REPLIES, Failure
from relay.smtp.handler import Client as Whose
from tests.fakes.auth import away
from tests.fakes.failures import SECRET, failures
from tests.harness.smtp_door import Client, Door, plain, running_door

CASES = failures()
HEAD = b"From: app@example.org\r\nSubject: s\r\n\r\n"


class Unreachable(frozenset[str]):
    """A guest list that cannot be looked at."""

    error: Exception

    def __contains__(self, item: object) -> bool:
        raise self.error


def unreachable(error: Exception) -> Unreachable:
    guests = Unreachable()
    guests.error = error
    return guests


async def at_auth(door: Door, client: Client, error: Exception) -> str:
    assert (await client.reply())[0].startswith("220 ")
    await client.ask("EHLO client.example.org")
    log_in = f"AUTH PLAIN {plain(*door.login('team'))}"
    with away(door.database, error):
        answer = await client.ask(log_in)
    assert (await client.ask(log_in)).startswith("235 ")
    return answer


async def at_mail(door: Door, client: Client, error: Exception) -> str:
    await client.log_in("team")
    door.clock.ahead_seconds += 10  # nothing that is known is young enough any more
    with away(door.database, error):
        return await client.ask("MAIL FROM:<app@example.org>")


async def at_rcpt(door: Door, client: Client, error: Exception) -> str:
    await client.log_in("team")
    await client.ask("MAIL FROM:<app@example.org>")
    (session,) = door.door._connections
    transaction = session._transaction
    whose = transaction.client
    transaction.client = Whose(dataclasses.replace(whose.principal, guests=unreachable(error)), whose.door)
    answer = await client.ask("RCPT TO:<guest@example.org>")
    transaction.client = whose
    assert (await client.ask("RCPT TO:<guest@example.org>")).startswith("250 ")  # not 503: the transaction goes on
    await client.ask("RSET")
    return answer


async def at_data(door: Door, client: Client, error: Exception) -> str:
    await client.log_in("team")
    door.gate.error = error
    answer = await transaction(client)
    door.gate.error = None
    return answer


async def transaction(client: Client) -> str:
    assert (await client.ask("MAIL FROM:<app@example.org>")).startswith("250 ")
    assert (await client.ask("RCPT TO:<guest@example.org>")).startswith("250 ")
    assert (await client.ask("DATA")).startswith("354 ")
    return await client.ask(HEAD + b"x\r\n.\r\n")


STAGES: dict[str, Callable[[Door, Client, Exception], object]] = {
    "auth": at_auth,
    "mail": at_mail,
    "rcpt": at_rcpt,
    "data": at_data,
}


def expected(stage: str, failure: Failure) -> str:
    if stage == "auth":
        return "454 4.7.0 "
    if stage == "mail" and failure is Failure.BUG:  # it happened in a look-up, which then is of no use
        failure = Failure.AWAY
    return f"{REPLIES[failure].code} {REPLIES[failure].enhanced} "


@pytest.mark.parametrize("stage", STAGES)
async def test_no_failure_of_ours_is_permanent_or_tells_itself_and_the_session_goes_on(
    stage: str, tmp_path: Path
) -> None:
    async with running_door(tmp_path) as door:
        for error, failure in CASES.values():
            client = await Client.connect(door, tls=True)
            with capture_logs() as logs:
                answer = await STAGES[stage](door, client, error)
            assert answer.startswith(expected(stage, failure)), (error, answer)
            assert SECRET not in answer
            assert SECRET not in str(logs)
            assert "smtp.error" in [line["event"] for line in logs]
            assert (await transaction(client)).startswith("250 2.0.0 ")
            assert await client.ask("QUIT") == "221 2.0.0 closing, goodbye"
            assert await client.reply() == []
            door.clock.ahead_seconds += 10
        assert len(door.gate.submissions) == len(CASES)


async def test_operators_are_told_what_failed_and_clients_are_counted_as_put_off(tmp_path: Path) -> None:
    error, _ = CASES["database full"]
    async with running_door(tmp_path) as door:
        for at in (at_mail, at_data):
            client = await Client.connect(door, tls=True)
            with capture_logs() as logs:
                assert (await at(door, client, error)).startswith("452 4.3.1 no room to store the message")
            said = {line["event"]: line for line in logs}
            assert said["smtp.error"]["failure"] == "disk_full"
            assert said["message.refused"]["code"] == 452
        assert door.metric("relay_submissions_total", door="smtp", outcome="deferred") == 2
