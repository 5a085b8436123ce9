"""docs/exchange-online.md: its commands in their order, and what they lead to; both languages say the same ones."""

import re
import shlex

import pytest

from tests.acceptance.conftest import Make
from tests.harness.clients_page import DOCS
from tests.harness.mail import address, connect, read
from tests.harness.relay import Credentials
from tests.harness.sampled import sampled

PAGES = ("exchange-online.md", "exchange-online.fr.md")
LETTER = b"From: Permits <permits@city.example>\nTo: reader@example.org\nSubject: Permit 7\n\nIt is granted.\n"


def commands(page: str) -> list[str]:
    return re.findall(r"^ *notify-relay (.+)$", (DOCS / page).read_text(), re.MULTILINE)


def test_commands_are_the_same_in_both_languages() -> None:
    assert commands(PAGES[0]) == commands(PAGES[1])


@pytest.mark.parametrize("page", sampled(PAGES, lambda at: at == 0))
def test_page_leads_to_mail_that_is_answered_where_it_should_be(make_relay: Make, page: str) -> None:
    relay = make_relay().start()
    (relay.folder / "letter.eml").write_bytes(LETTER)
    printed = {}
    for command in commands(page):
        if not command.startswith("smtp test"):
            words = shlex.split(command)
            printed[" ".join(words[:2]), words[-1]] = relay.json(*words)
    assert printed["message preview", "Building permits"]["accepted"]
    assert printed["message preview", "Building permits"]["reply_to"] == "Permits <permits@city.example>"
    key = printed["key create", "normal"]
    recipient = address()
    made = Credentials(*(str(key[name]) for name in ("id", "service_id", "smtp_username", "smtp_password", "api_key")))
    with connect(relay, made) as client:
        client.submit([recipient], LETTER.replace(b"\n", b"\r\n"))
    sent = read(relay.wait_for_mail(recipient)[1])
    assert str(sent["From"]) == "Building permits <permits@notification.example.ca>"
    assert sent["Reply-To"].addresses[0].addr_spec == "permits@city.example"
