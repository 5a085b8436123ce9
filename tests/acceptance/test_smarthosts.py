"""Mail servers that send all their mail through the relay, set up as docs/clients.md says."""

import time
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.conftest import skip_or_fail
from tests.harness import exim, postfix
from tests.harness.exim import Exim
from tests.harness.letters import check_arrived, letters
from tests.harness.mail import address, email, read
from tests.harness.postfix import Postfix
from tests.harness.relay import Credentials, Relay

MakePostfix = Callable[..., Postfix]
MakeExim = Callable[..., Exim]


@pytest.fixture
def make_postfix() -> Iterator[MakePostfix]:
    """Starts instances; stops them after the test."""
    if problem := postfix.missing():
        skip_or_fail(f"NOT TESTED WITH POSTFIX: {problem}")
    made: list[Postfix] = []

    def make(relay: Relay, key: Credentials, *, tls: bool = False) -> Postfix:
        made.append(Postfix(relay, key, tls=tls).start())
        return made[-1]

    yield make
    for each in made:
        each.end()


def test_every_part_of_every_letter_arrives_through_postfix(
    relay: Relay, author_key: Credentials, make_postfix: MakePostfix, tmp_path: Path
) -> None:
    smarthost = make_postfix(relay, author_key)
    given = letters(tmp_path)
    for letter in given:
        smarthost.submit(letter.message().as_bytes())
    for letter in given:
        check_arrived(relay, author_key, letter)
    recipient = address()
    smarthost.test_line(recipient)
    relay.wait_for_mail(recipient)


def test_mail_of_the_machines_own_users_has_a_domain_that_can_be_answered(
    relay: Relay, author_key: Credentials, make_postfix: MakePostfix
) -> None:
    recipient = address()
    content = f"From: root\nTo: {recipient}\nSubject: Cron <root@web01>\n\nIt ran.\n"
    make_postfix(relay, author_key).run("sendmail", "-i", "-t", "-f", "root", given=content.encode())
    envelope, octets = relay.wait_for_mail(recipient)
    assert envelope["reverse_path"] == "root@city.example"
    assert read(octets)["Reply-To"].addresses[0].addr_spec == "root@city.example"


def test_postfix_sends_over_tls_from_the_first_byte(
    relay: Relay, author_key: Credentials, make_postfix: MakePostfix
) -> None:
    recipient = address()
    make_postfix(relay, author_key, tls=True).test_line(recipient)
    relay.wait_for_mail(recipient)


def test_postfix_sends_later_what_was_over_a_limit(relay: Relay, make_postfix: MakePostfix) -> None:
    key = relay.create_key("--per-minute", "1")
    smarthost = make_postfix(relay, key)
    recipients = [address(), address(), address()]  # one a minute, and a minute may end between them
    for recipient in recipients:
        smarthost.submit(email(To=recipient).as_bytes())
    smarthost.wait_for_log("status=deferred", "451 4.7.1 limit of 1 messages a minute")
    relay.run("key", "update", key.key_id, "--per-minute", "100")
    for recipient in recipients:
        relay.wait_for_mail(recipient)
    assert "status=bounced" not in smarthost.log


def test_postfix_tells_the_sender_what_was_refused_for_good(relay: Relay, make_postfix: MakePostfix) -> None:
    smarthost = make_postfix(relay, relay.create_key(key_type="team"))
    recipient = address()
    smarthost.submit(email(To=recipient).as_bytes())
    smarthost.wait_for_log("status=bounced", "550 5.7.1 a team key sends only to the guest list")
    smarthost.wait_for_log("to=<clerk@city.example>", "status=sent")
    notice = message_from_bytes(smarthost.inbox.partition(b"\n")[2], policy=policy.default)
    assert notice.get_content_type() == "multipart/report"
    assert relay.mail_to(recipient) == []


@pytest.fixture
def make_exim() -> Iterator[MakeExim]:
    """Instances with a spool of their own."""
    if not exim.PROGRAM.exists():
        skip_or_fail(f"NOT TESTED WITH EXIM: no {exim.PROGRAM} (.ci/run unpacks it)")
    made: list[Exim] = []

    def make(relay: Relay, key: Credentials, *, tls: bool = False) -> Exim:
        made.append(Exim(relay, key, tls=tls))
        return made[-1]

    yield make
    for each in made:
        each.end()


def test_every_part_of_every_letter_arrives_through_exim(
    relay: Relay, author_key: Credentials, make_exim: MakeExim, tmp_path: Path
) -> None:
    smarthost = make_exim(relay, author_key)
    given = letters(tmp_path)
    for letter in given:
        smarthost.submit(letter.message().as_bytes())
    for letter in given:
        check_arrived(relay, author_key, letter)
    assert "CV=yes" in smarthost.log


@pytest.mark.parametrize("tls", [False, True], ids=["starttls", "tls"])
def test_settings_and_test_line_of_the_page_work_for_exim(
    relay: Relay, author_key: Credentials, make_exim: MakeExim, tls: bool
) -> None:
    recipient = address()
    assert "250 2.0.0 " in make_exim(relay, author_key, tls=tls).test_line(recipient)
    relay.wait_for_mail(recipient)


def test_exim_sends_later_what_was_over_a_limit(relay: Relay, make_exim: MakeExim) -> None:
    key = relay.create_key("--per-minute", "1")
    smarthost = make_exim(relay, key)
    recipients = [address(), address(), address()]  # one a minute, and a minute may end between them
    for recipient in recipients:
        smarthost.submit(email(To=recipient).as_bytes())
    assert "451 4.7.1 limit of 1 messages a minute" in smarthost.log
    relay.run("key", "update", key.key_id, "--per-minute", "100")
    deadline = time.monotonic() + 60
    while smarthost.run("exim", "-bpc").strip() != "0":
        assert time.monotonic() < deadline
        smarthost.run("exim", "-qff")
    for recipient in recipients:
        relay.wait_for_mail(recipient)
    assert " ** " not in smarthost.log
