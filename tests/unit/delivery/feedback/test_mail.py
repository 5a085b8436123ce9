"""Of mail that came in, who is to be answered: no program, nobody who was only named; and hostile JSON does nothing."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.feedback.base import Unreadable
from delivery.feedback.reading import read
from delivery.store.base import InboundMail, MailFate
from messages.address import Address
from tests.fakes.received import tell

READER, OURS = "zoe@example.org", "permits@notification.example.ca"
# As the developer guide shows what an SNS action tells: with the content, without a verdict on DMARC.
DOCUMENTED: dict[str, Any] = {
    "notificationType": "Received",
    "receipt": {
        "timestamp": "2015-09-11T20:32:33.936Z",
        "processingTimeMillis": 222,
        "recipients": ["recipient@example.com"],
        "spamVerdict": {"status": "PASS"},
        "virusVerdict": {"status": "PASS"},
        "spfVerdict": {"status": "PASS"},
        "dkimVerdict": {"status": "PASS"},
        "action": {"type": "SNS", "topicArn": "arn:aws:sns:us-east-1:012345678912:example-topic"},
    },
    "mail": {
        "timestamp": "2015-09-11T20:32:33.936Z",
        "source": "61967230-7A45-4A9D-BEC9-87CBCF2211C9@example.com",
        "messageId": "d6iitobk75ur44p8kdnnp7g2n800",
        "destination": ["recipient@example.com"],
        "headersTruncated": False,
        "headers": [
            {"name": "Return-Path", "value": "<0000014fbe1c09cf-7cb9f704-000000@amazonses.com>"},
            {"name": "From", "value": "sender@example.com"},
            {"name": "To", "value": "recipient@example.com"},
            {"name": "Subject", "value": "Example subject"},
            {"name": "MIME-Version", "value": "1.0"},
            {"name": "Content-Type", "value": "text/plain; charset=UTF-8"},
            {"name": "Message-ID", "value": "<61967230-7A45-4A9D-BEC9-87CBCF2211C9@example.com>"},
            {"name": "X-SES-Outgoing", "value": "2015.09.11-54.240.9.183"},
        ],
        "commonHeaders": {
            "returnPath": "0000014fbe1c09cf-7cb9f704-000000@amazonses.com",
            "from": ["sender@example.com"],
            "to": ["recipient@example.com"],
            "messageId": "<61967230-7A45-4A9D-BEC9-87CBCF2211C9@example.com>",
            "subject": "Example subject",
        },
    },
    "content": "Return-Path: <61967230@example.com>\r\n\r\nExample content\r\n",
}


def mail(text: str) -> InboundMail:
    (found,) = read(text)
    assert isinstance(found, InboundMail)
    return found


def test_mail_is_read_as_documented_and_what_it_says_is_not_kept() -> None:
    found = mail(json.dumps(DOCUMENTED))
    name = "61967230-7A45-4A9D-BEC9-87CBCF2211C9"
    assert found == InboundMail(
        ("recipient@example.com",), Address.parse(f"{name}@example.com"), f"<{name}@example.com>", None
    )


@pytest.mark.parametrize(
    ("source", "fate"),
    [
        (None, "null-sender"),
        ("", "null-sender"),
        ("<>", "null-sender"),
        ("zoe", "bad-sender"),
        ("zoe@localhost", "bad-sender"),
        ("zoé@example.org", "bad-sender"),
        ("zoe@example.org, bob@example.org", "bad-sender"),
        ("zoe@example.org>\r\nBcc: <bob@example.org", "bad-sender"),
        (f"{'z' * 250}@example.org", "bad-sender"),
        ("MAILER-DAEMON@example.org", "machine"),
        ("postmaster@example.org", "machine"),
        ("owner-parks@example.org", "machine"),
        ("parks-request@example.org", "machine"),
        ("parks-owner@example.org", "machine"),
        ("parks-bounces+zoe=example.org@example.org", "machine"),
        ("bounce-31@example.org", "machine"),
        ("listserv@example.org", "machine"),
        ("no-reply@example.org", "machine"),
        ("DoNotReply@example.org", "machine"),
        ("orders.noreply@example.org", "machine"),
        ("zoe.owner@example.org", None),
        ("request@example.org", None),
        ("anoreply@example.org", None),
    ],
)
def test_who_is_nobody_or_a_program_by_name_is_not_answered(source: str | None, fate: str | None) -> None:
    found = mail(tell(source, OURS))
    assert found.refusal == fate
    assert (found.sender is None) == (fate is not None)


@pytest.mark.parametrize(
    ("fields", "fate"),
    [
        ({"Return-Path": "<>"}, "null-sender"),
        ({"Auto-Submitted": "auto-replied"}, "automatic"),
        ({"auto-submitted": "Auto-Generated; owner=x"}, "automatic"),
        ({"Auto-Submitted": ""}, "automatic"),
        ({"Auto-Submitted": "No"}, None),
        ({"Auto-Submitted": "no; reason=x"}, None),
        ({"X-Relay-Notice": "answer"}, "automatic"),
        ({"X-Auto-Response-Suppress": "OOF, AutoReply"}, "automatic"),
        ({"X-Auto-Response-Suppress": "None"}, None),
        ({"Content-Type": 'multipart/report; report-type=disposition-notification; boundary="x"'}, "automatic"),
        ({"List-Id": "<parks.example.org>"}, "list"),
        ({"LIST-UNSUBSCRIBE": "<https://example.org>"}, "list"),
        ({"Precedence": "Bulk"}, "list"),
        ({"Precedence": "list"}, "list"),
        ({"Precedence": "junk"}, "list"),
        ({"Precedence": "first-class"}, None),
    ],
)
def test_what_a_program_or_a_list_wrote_is_not_answered(fields: dict[str, str], fate: str | None) -> None:
    assert mail(tell(READER, OURS, fields=fields)).refusal == fate


@pytest.mark.parametrize(
    ("verdicts", "fate"),
    [
        ({"virus": "FAIL"}, "unclean"),
        ({"virus": "PROCESSING_FAILED"}, "unclean"),
        ({"spam": "FAIL"}, "unclean"),
        ({"spam": "GRAY"}, "unclean"),
        ({"spam": "DISABLED", "virus": "DISABLED"}, "unclean"),
        ({"dmarc": "FAIL"}, "unproved"),
        ({"spf": "FAIL", "dkim": "FAIL", "dmarc": "GRAY"}, "unproved"),
        ({"spf": "GRAY", "dkim": "PASS", "dmarc": "PASS"}, "unproved"),  # a signature of whom, nobody says
        ({"spf": "PROCESSING_FAILED", "dkim": "GRAY", "dmarc": "PROCESSING_FAILED"}, "unproved"),
        ({"spf": "PASS", "dkim": "GRAY", "dmarc": "GRAY"}, None),
    ],
)
def test_who_may_have_been_named_by_somebody_else_is_not_answered(verdicts: dict[str, str], fate: str | None) -> None:
    assert mail(tell(READER, OURS, **verdicts)).refusal == fate


@pytest.mark.parametrize("headers", [[], [{"name": "X", "value": "y"}] * 1001, None])
def test_where_not_all_fields_are_told_nobody_is_answered(headers: Any) -> None:
    told = json.loads(tell(READER, OURS))
    told["mail"]["headers"] = headers
    assert mail(json.dumps(told)).refusal is MailFate.HEADERS_CUT
    assert mail(tell(READER, OURS, cut=True)).refusal is MailFate.HEADERS_CUT


@pytest.mark.parametrize(
    "value", ["<a@b>\r\nBcc: x@example.org", "<a b@c>", "a@b", "<" + "a" * 901 + ">", "<a@b> <c@d>"]
)
def test_a_message_id_that_is_none_is_not_named(value: str) -> None:
    assert mail(tell(READER, OURS, fields={"Message-ID": value})).message_id is None


def test_no_more_recipients_are_read_than_ses_takes() -> None:
    assert len(mail(tell(READER, *(f"a{each}@example.org" for each in range(5000)))).recipients) == 100


_SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("PASS")
_ANYTHING = st.recursive(
    _SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
_FIELD = st.fixed_dictionaries({"name": st.text(max_size=20) | _ANYTHING, "value": st.text(max_size=40) | _ANYTHING})


@given(
    source=_ANYTHING | st.text(max_size=60),
    recipients=_ANYTHING | st.lists(st.text(max_size=40), max_size=4),
    headers=_ANYTHING | st.lists(_FIELD, max_size=5),
    verdict=_ANYTHING | st.fixed_dictionaries({"status": _ANYTHING}),
    more=_ANYTHING,
)
def test_no_json_raises_anything_but_unreadable_or_is_answered_without_a_proof(
    source: Any, recipients: Any, headers: Any, verdict: Any, more: Any
) -> None:
    told = json.loads(tell(READER, OURS))
    told["mail"] |= {"source": source, "headers": headers, "headersTruncated": more}
    told["receipt"] |= {"recipients": recipients, "spfVerdict": verdict}
    try:
        found = mail(json.dumps(told))
    except Unreadable:
        return
    assert (found.sender is None) == (found.refusal is not None)
    if found.sender is not None:
        assert verdict == {"status": "PASS"}


@pytest.mark.parametrize("part", ["mail", "receipt", "headers"])
@given(anything=_ANYTHING)
def test_no_part_of_another_kind_raises_anything_but_unreadable(part: str, anything: Any) -> None:
    told = json.loads(tell(READER, OURS))
    (told["mail"] if part == "headers" else told)[part] = anything
    with contextlib.suppress(Unreadable):
        assert mail(json.dumps(told)).sender is None
