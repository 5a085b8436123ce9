"""Every refusal of `accept()` has its place in Notify's list of errors, in both languages' shape."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from messages import reply
from messages.message import KeyType
from messages.reply import Refused, Reply
from messages.text import Text
from relay.http import errors
from relay.http.errors import ApiError, Asker, Rejection, of_refused
from tests.fakes.principals import make_principal

ROOT = Path(__file__).parents[4]
# What can stand in front of `accept()`'s answer: its own files, and what they call that raises Refused.
FILES = (
    "relay/accept.py",
    "relay/checks.py",
    "relay/preparation/base.py",
    "relay/preparation/email.py",
    "relay/preparation/sms.py",
    "auth/limits.py",
    "auth/verify.py",
)
NOT_BY_HTTP = {
    "BAD_SENDER",  # an API client names no reverse-path
    "BAD_OPTION",  # of a header field; told in its own words
    "DEVICE_KEY_UNKNOWN",  # devices do not speak HTTP
    "SMS_WITHOUT_TEXT",  # of a mail's
    "SENDER_NOT_ALLOWED",  # a template has no author
    "TOO_LARGE_ENCODED",  # a template's mail is bounded by its text
    "TOO_MANY_RECIPIENTS",  # a request names one
}
NOW = 1_700_000_000.0


def raised() -> Iterator[str]:
    """The names of replies in the files."""
    known = {name for name, value in vars(reply).items() if isinstance(value, Reply)}
    for file in FILES:
        for node in ast.walk(ast.parse((ROOT / file).read_text())):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if name in known:
                yield name


def test_every_reply_that_accept_can_raise_is_in_the_table() -> None:
    told = {name for name in raised() if getattr(reply, name) in errors.BY_REPLY}

    assert set(raised()) - told == NOT_BY_HTTP


def asker(live: bool = True, key_type: KeyType = KeyType.NORMAL) -> Asker:
    return Asker("https://api.example.ca/docs", make_principal(live=live, key_type=key_type))


VALUES: dict[str, object] = {
    "allowed": "@example.ca",
    "role": Text("header From"),
    "value": "bulk",
    "limit": 50,
    "lifts_at": "2023-11-14T22:14:00Z",
    "template_id": uuid4(),
    "names": "a, b",
    "channel": "sms",
    "client_ip": "192.0.2.1",
    "wanted": "email",
    "parts": 4,
    "octets": 3_000_000,
    "lines": 9_000,
    "max_octets": 262_144,
    "max_lines": 5_000,
    "marks": 262_144,
    "service_id": uuid4(),
}


@pytest.mark.parametrize("name", sorted(set(raised())))
def test_a_refusal_is_told_whole_and_temporary_trouble_is_never_permanent(name: str) -> None:
    answer = getattr(reply, name)
    values = VALUES | {"field": "X-Notify-Branding", "reason": Text("no branding of that name")}
    error = of_refused(Refused(answer, **values), asker(), NOW)
    body = json.loads(error.body())

    assert set(body) == {"status_code", "errors"}
    assert "{" not in body["errors"][0]["message"]
    assert "{" not in body["errors"][0]["error"]
    if answer.temporary and answer is not reply.SERVICE_HELD:  # an operator holds a service, and Notify says 403
        assert body["status_code"] in (429, 503) or name == "TOO_MANY_RECIPIENTS"
        assert int(error.headers["Retry-After"]) > 0
    else:
        assert 400 <= body["status_code"] < 500


@pytest.mark.parametrize(
    ("refused", "asked", "status", "error", "message"),
    [
        (
            Refused(reply.KEY_LIMIT, limit=50, lifts_at="2023-11-14T22:14:00Z"),
            asker(key_type=KeyType.TEAM),
            429,
            "RateLimitError",
            "Exceeded rate limit for key type TEAM of 50 requests per 60 seconds",
        ),
        (
            Refused(reply.SERVICE_LIMIT, limit=50, lifts_at="2023-11-15T00:00:00Z"),
            asker(live=False),
            429,
            "TrialServiceTooManyEmailRequestsError",
            "Exceeded email daily sending limit of 50 messages",
        ),
        (
            Refused(reply.TEMPLATE_UNSUITABLE, channel="sms", wanted="email"),
            asker(),
            400,
            "BadRequestError",
            "sms template is not suitable for email notification",
        ),
        (Refused(reply.SERVICE_HELD), asker(), 403, "BadRequestError", "Service is suspended"),
        (Refused(reply.KEY_REVOKED), asker(), 403, "AuthError", "Invalid token: API key revoked"),
    ],
    ids=["rate", "day", "unsuitable", "held", "revoked"],
)
def test_refusals_in_notifys_words(refused: Refused, asked: Asker, status: int, error: str, message: str) -> None:
    answer = of_refused(refused, asked, NOW)

    assert answer.status == status
    assert json.loads(answer.body())["errors"] == [{"error": error, "message": message}]


def test_a_limit_says_how_long_to_wait() -> None:
    refused = Refused(reply.KEY_LIMIT, limit=5, lifts_at="2023-11-14T22:14:00Z")

    assert of_refused(refused, asker(), NOW).headers == {"Retry-After": "40"}
    assert of_refused(refused, asker(), NOW + 100).headers == {"Retry-After": "1"}


def test_a_reply_that_the_table_does_not_know_keeps_its_kind_and_words() -> None:
    later = of_refused(Refused(reply.MEMORY_FULL), asker(), NOW)
    never = of_refused(Refused(reply.LOOP, limit=30), asker(), NOW)

    assert (later.status, never.status) == (503, 400)
    assert never.errors[0][1].render() == "more than 30 Received fields: the message is in a loop"


def test_what_is_said_twice_stands_there_once_and_in_the_readers_language() -> None:
    twice = ApiError.invalid([Text("{field} is not valid", {"field": "a"})] * 2)

    assert json.loads(twice.body(lambda source: source.replace("is not valid", "n\u2019est pas valide"))) == {
        "status_code": 400,
        "errors": [{"error": "ValidationError", "message": "a n\u2019est pas valide"}],
    }


def test_no_status_has_two_meanings() -> None:
    failures = [value for value in vars(errors).values() if isinstance(value, Rejection)]

    assert {failure.status for failure in failures if failure.error == "AuthError"} == {401, 403}
    assert all(failure.status in range(400, 600) for failure in failures)
