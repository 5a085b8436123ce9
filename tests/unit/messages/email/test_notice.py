"""What a notice says to programs, and whom it names."""

import os
import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import pytest

from messages.address import Address
from messages.email import mime
from messages.email.compose import RecipeError
from messages.email.content import HeaderSection
from messages.email.notice import (
    MARKER,
    MAX_DIAGNOSTIC_CHARACTERS,
    MAX_RETURNED_BYTES,
    Recipe,
    Report,
    Returned,
    code_of,
    compose,
    diagnostic,
    is_answer,
    returned,
)
from messages.message import Dsn, Language, Occasion, new_id
from messages.status import Status
from tests.fakes.ses import check

READER, CLERK = "reader@example.org", "clerk@city.example"
CONTENT = b"From: a@b.example\r\nSubject: s\r\nMessage-ID: <1@b.example>\r\n\r\nWords\r\n"
FAILURE, DELAY, SUCCESS = Occasion.FAILURE, Occasion.DELAY, Occasion.SUCCESS
PERMANENT, TEMPORARY, TECHNICAL = Status.PERMANENT_FAILURE, Status.TEMPORARY_FAILURE, Status.TECHNICAL_FAILURE


def recipe(**changes: Any) -> Recipe:
    values: dict[str, Any] = {
        "about": uuid4(),
        "occasion": FAILURE,
        "at": 1_796_000_000.5,
        "status": PERMANENT,
        "reason": "no-email",
        "subject": "Not delivered / Non livré",
        "language": Language.EN,
        "sender_name": "notify-relay",
        "sender": Address.parse("notify-relay@notification.example.ca"),
    }
    return Recipe(**(values | changes))


def made(back: Returned, answers: str | None = "<1@b.example>", **of_report: Any) -> tuple[bytes, EmailMessage]:
    values: dict[str, Any] = {
        "reporting_mta": "mail.example.ca",
        "arrived_at": 1_796_000_000,
        "recipient": READER,
        "action": "failed",
        "code": "5.1.1",
        "dsn": Dsn(envid="case 31", orcpt="rfc822;Reader@example.org"),
        "log_id": "31",
        "diagnostic": "smtp; 550 5.1.1 " + "no such user " * 30,
    }
    octets = compose(
        recipe(),
        Report(**(values | of_report)),
        "Non livré.\n" + "x" * 1200 + "\n",
        back,
        to=CLERK,
        answers=answers,
        message_id=new_id(1_796_000_000, os.urandom(10)),
        created_at=1_796_000_001,
    )
    parsed = message_from_bytes(octets, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return octets, parsed


def test_python_reads_all_three_parts_and_ses_takes_them() -> None:
    octets, notice = made(returned(CONTENT, len(CONTENT), Dsn(), FAILURE))
    assert octets.isascii()
    assert mime.find_unsendable(octets, 0, len(octets)) is None
    assert check(octets, {"ToAddresses": [CLERK]}, []) is None
    assert not any(part.defects for part in notice.walk())
    assert notice.get_content_type() == "multipart/report"
    assert notice["Content-Type"].params["report-type"] == "delivery-status"
    assert (notice["Auto-Submitted"], notice[MARKER]) == ("auto-replied", "failure")
    assert notice["In-Reply-To"] == notice["References"] == "<1@b.example>"
    people, program, original = notice.iter_parts()
    assert people.get_content().startswith("Non livré.")
    of_message, of_recipient = program.get_payload()
    assert of_message.items() == [
        ("Original-Envelope-Id", "case 31"),
        ("Reporting-MTA", "dns; mail.example.ca"),
        ("Arrival-Date", "Mon, 30 Nov 2026 00:53:20 +0000"),
    ]
    names = ["Original-Recipient", "Final-Recipient", "Action", "Status", "Diagnostic-Code", "Final-Log-ID"]
    assert of_recipient.keys() == names
    assert of_recipient["Original-Recipient"] == "rfc822; Reader@example.org"
    assert of_recipient["Diagnostic-Code"].startswith("smtp; 550 5.1.1 no such user")
    assert original.get_content_type() == "text/rfc822-headers"
    assert original.get_content().splitlines()[-1] == "Message-ID: <1@b.example>"


def test_what_is_small_comes_back_whole_where_the_client_asks_and_it_failed() -> None:
    full = Dsn(ret="FULL")
    _, notice = made(returned(CONTENT, len(CONTENT), full, FAILURE))
    original = list(notice.iter_parts())[2]
    assert original.get_content_type() == "message/rfc822"
    assert original.get_content().get_content().splitlines() == ["Words"]
    headers = Returned(CONTENT.partition(b"\r\n\r\n")[0] + b"\r\n")
    assert [returned(CONTENT, len(CONTENT), full, each) for each in (DELAY, SUCCESS)] == [headers, headers]
    large = CONTENT + b"x" * MAX_RETURNED_BYTES
    assert returned(large, len(large), full, FAILURE) == headers
    assert returned(CONTENT, len(CONTENT) + 1, full, FAILURE) == headers  # the first part of it
    assert returned(headers.content[:-5], len(CONTENT), full, FAILURE) == Returned()  # which ends within a field
    assert returned(None, 0, full, FAILURE) == Returned()


def test_without_content_there_are_two_parts_and_a_message_id_that_is_none_is_not_answered() -> None:
    _, notice = made(Returned(), answers="no id> Bcc: <x")
    assert len(list(notice.iter_parts())) == 2
    assert notice["In-Reply-To"] is None


def test_blanks_that_a_client_names_make_no_line_of_blanks() -> None:
    """Which some readers take for the end of the fields (RFC 5322 3.2.2)."""
    octets, _ = made(Returned(), dsn=Dsn(orcpt="rfc822;a" + " " * 160 + "@b.example", envid=" x "))
    assert not re.search(rb"(?m)^[ \t]+\r?$", octets)
    assert b"Original-Recipient: rfc822; a @b.example\r\n" in octets
    assert b"Original-Envelope-Id: x\r\n" in octets


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("smtp; 550 5.1.1 <reader@example.org> unknown", "550 5.1.1 <reader@example.org> unknown"),
        ("550 READER@example.org unknown.", "550 READER@example.org unknown."),
        ("550 forwarded to boss@example.net, full", "550 forwarded to (address), full"),
        ("550 <a@b.ca>,c@d.ca;reader@example.org.", "550 <(address)>,(address);reader@example.org."),
        ('550 "the boss"@example.net, "full"', '550 (address), "full"'),
        ("550 root@[10.1.2.3] [10.1.2.4]", "550 (address) [10.1.2.4]"),
        ("550 refusé\r\nX-Bad: yes\x00", "550 refuse X-Bad: yes"),
        ("550 " + "é" * 9_000, "550 " + "e" * (MAX_DIAGNOSTIC_CHARACTERS - 4)),
    ],
)
def test_the_other_sides_words_name_nobody_but_the_recipient(said: str, told: str) -> None:
    assert diagnostic(said, READER) == told


@pytest.mark.parametrize(
    ("occasion", "status", "reason", "words", "code"),
    [
        (FAILURE, PERMANENT, "general", "550-5.1.1 no such user", "5.1.1"),
        (FAILURE, PERMANENT, "no-email", "550 at 192.5.1.1 no such user", "5.1.1"),
        (FAILURE, PERMANENT, "mailbox-full", None, "5.2.2"),
        (FAILURE, TEMPORARY, "mailbox-full", None, "4.2.2"),
        (FAILURE, TEMPORARY, "general", "smtp; 4.4.7 expired", "4.4.7"),
        (FAILURE, PERMANENT, "suppressed", None, "5.7.1"),
        (FAILURE, TECHNICAL, "expired", None, "5.4.7"),
        (FAILURE, TECHNICAL, "of tomorrow", None, "5.3.0"),
        (FAILURE, PERMANENT, None, "2.1.5 not what it says", "5.0.0"),
        (DELAY, None, "mailbox-full", "552 5.2.2 full", "4.2.2"),
        (DELAY, None, None, "421 4.7.0 slow", "4.7.0"),
        (SUCCESS, Status.DELIVERED, None, "250 2.6.0 queued", "2.0.0"),
    ],
)
def test_the_code_is_the_other_sides_or_the_nearest_to_the_reason(
    occasion: Occasion, status: Status | None, reason: str | None, words: str | None, code: str
) -> None:
    assert code_of(occasion, status, reason, words) == code


@pytest.mark.parametrize(
    ("field", "is_one"),
    [
        (f"{MARKER}: delay", True),
        ("auto-submitted: Auto-Replied; owner=x", True),
        ("Auto-Submitted: auto-generated", False),
        ("Content-Type: Multipart/Report; report-type=disposition-notification; boundary=b", True),
        ("Content-Type: multipart/mixed; boundary=b", False),
    ],
)
def test_a_notice_or_an_answer_is_known_by_its_fields(field: str, is_one: bool) -> None:
    header = HeaderSection.parse(f"From: a@b.ca\r\n{field}\r\n\r\nx\r\n".encode())
    assert is_answer(header) == is_one


def test_a_recipe_is_read_as_it_was_written() -> None:
    for each in (recipe(), recipe(status=None, reason=None, occasion=DELAY, language=Language.FR)):
        assert Recipe.from_json(each.to_json()) == each
    for damaged in (b"", b"[]", b'{"about": 1}', recipe().to_json().replace(b"FAILURE", b"NEVER")):
        with pytest.raises(RecipeError):
            Recipe.from_json(damaged)
