"""notify-relay sender, and what `check` says of senders, with the fake of AWS behind them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes import sms
from tests.fakes.aws import CREDENTIALS
from tests.harness.ses_process import RunningAws
from tests.harness.texts import sms_settings
from tests.integration.conftest import Answer, Run

NUMBER = "+16135550100"


@pytest.fixture
def aws() -> Iterator[RunningAws]:
    with RunningAws() as running:
        running.texts.numbers.append(sms.Number(NUMBER, rate=1))
        yield running


@pytest.fixture
def settings(aws: RunningAws) -> dict[str, str]:
    return {**CREDENTIALS, **{name: str(value) for name, value in sms_settings(aws.url).items()}}


def add(answer: Answer, identity: str = NUMBER, kind: str = "long-code", *options: str) -> dict[str, Any]:
    return answer("sender", "add", identity, "--kind", kind, *options)


@pytest.mark.parametrize(
    ("identity", "kind", "rate", "countries"),
    [
        (NUMBER, "long-code", 1, ["CA"]),
        ("12345", "short-code", 100, ["CA"]),
        ("+18005550100", "toll-free", 3, ["US"]),
        ("pool-0123456789abcdef", "pool", 1, ["CA"]),
    ],
)
def test_a_sender_has_the_usual_pace_and_countries_of_its_kind(
    answer: Answer, identity: str, kind: str, rate: float, countries: list[str]
) -> None:
    made = add(answer, identity, kind)
    assert (made["identity"], made["kind"], made["parts_per_second"], made["countries"]) == (
        identity, kind, rate, countries,
    )  # fmt: skip
    assert (made["service_id"], made["preferred"], made["language"]) == (None, True, "both")
    assert answer("sender", "show", identity) == answer("sender", "show", made["id"]) == made


def test_a_sender_is_of_one_service_where_one_is_named(answer: Answer) -> None:
    ids = [answer("service", "create", "--name", each, "--email-from", each)["id"] for each in ("a", "b")]
    own = add(answer, NUMBER, "long-code", "--service", "a", "--country", "ca", "--country", "*", "--on-request")
    shared = add(answer, "+16135550101")
    assert (own["service_id"], own["countries"], own["preferred"]) == (ids[0], ["*", "CA"], False)
    assert [each["id"] for each in answer("sender", "list", "--service", "a")["senders"]] == [own["id"], shared["id"]]
    assert [each["id"] for each in answer("sender", "list", "--service", "b")["senders"]] == [shared["id"]]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("6135550100", "--kind", "long-code"), "a long-code is a number in E.164, as +16135550100"),
        (("1234", "--kind", "short-code"), "a short-code is five or six digits"),
        (("my pool", "--kind", "pool"), "AWS's id or ARN"),
        ((NUMBER, "--kind", "long-code", "--country", "CAN"), "a country is two letters"),
        ((NUMBER, "--kind", "long-code", "--parts-per-second", "1001"), "at most 1000 parts a second"),
        ((NUMBER, "--kind", "long-code", "--service", "nobody"), "there is no service nobody"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_to_write(run: Run, arguments: tuple[str, ...], reason: str) -> None:
    code, _, err = run("sender", "add", *arguments)
    assert code == 1
    assert reason in err


def test_a_number_is_added_once(answer: Answer, run: Run) -> None:
    add(answer)
    assert run("sender", "add", NUMBER, "--kind", "long-code")[2] == f"notify-relay: {NUMBER} was added before\n"


def test_changes_are_audited_and_say_what_was_before(answer: Answer, run: Run) -> None:
    made = add(answer)
    changed = answer("sender", "update", NUMBER, "--parts-per-second", "2.5", "--language", "fr")
    assert (changed["parts_per_second"], changed["language"]) == (2.5, "fr")
    assert "nothing is named" in run("sender", "update", NUMBER)[2]
    assert answer("sender", "remove", NUMBER)["id"] == made["id"]
    assert run("sender", "show", NUMBER)[0] == 1
    entries = answer("audit", "list")["entries"]
    told = [(each["action"], each["before"], each["after"]) for each in entries if each["object_id"] == made["id"]]
    removed, updated, added = told
    assert (removed[0], updated[0], added[0]) == ("sender.remove", "sender.update", "sender.add")
    assert updated[1:] == ({"parts_per_second": 1.0, "language": "both"}, {"parts_per_second": 2.5, "language": "fr"})


def test_check_says_of_each_sender_whether_aws_knows_it(answer: Answer, aws: RunningAws) -> None:
    add(answer)
    (good,) = answer("sender", "check")["checks"]
    assert (good["sender"], good["result"]) == (NUMBER, "ok")
    assert aws.texts.dry_runs == 1
    assert not aws.texts.sent

    add(answer, "+16135550999")
    answer("sender", "update", NUMBER, "--parts-per-second", "3")
    fast, unknown = answer("sender", "check", code=1)["checks"]
    assert "AWS grants +16135550100 1 parts a second" in fast["detail"]
    assert "notify-relay sender update" in fast["detail"]
    assert "the AWS account has no +16135550999" in unknown["detail"]


def test_check_tells_of_the_account_its_limit_and_its_senders(run: Run, answer: Answer, aws: RunningAws) -> None:
    def texts() -> list[tuple[str, str]]:
        checks = json.loads(run("check", "--json")[1])["checks"]
        return [(each["result"], each["detail"]) for each in checks if each["part"] in ("texts", "sender")]

    ((result, detail),) = texts()
    assert (result, "notify-relay sender add" in detail) == ("PROBLEM", True)
    add(answer)
    (_, account), (_, sender) = texts()
    assert "at most 1000 dollars a month" in account
    assert f"{NUMBER}: AWS would take a text to CA" in sender
    aws.texts.verified, aws.texts.spend_limit = set(), 1
    account, sender = (detail for _, detail in texts())
    assert "sandbox" in account
    assert "at most 1 dollars" in account
    assert "destination-phone-number-not-verified" in sender
