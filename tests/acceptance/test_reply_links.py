"""A refusal's link, followed as whoever reads a product's log would: it leads to what is wrong, in both languages."""

import re
import urllib.request

import pytest

from tests.harness.html import Element, read_html
from tests.harness.mail import Client, address, connect, log_in
from tests.harness.relay import Credentials, Relay

LINK = re.compile(r" - (?P<root>https://[^/ ]+)(?P<path>/\S*)#(?P<anchor>[a-z0-9-]+)$")


def follow(relay: Relay, refusal: str, language: str) -> Element:
    """What stands where the link leads, for a browser of that language."""
    assert len(refusal) <= 510
    link = LINK.search(refusal)
    assert link, refusal
    assert link["root"] == relay.public_url
    request = urllib.request.Request(
        f"http://127.0.0.1:{relay.http_port}{link['path']}", headers={"Accept-Language": language}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        document = read_html(answer.read().decode())
    assert document.tagged("html")[0].attributes["lang"] == language
    return document.at(link["anchor"])


def test_refusal_before_the_log_in_is_in_both_languages_and_so_is_its_page(relay: Relay, key: Credentials) -> None:
    refusal = log_in(relay, key.username, "0" * 32)
    assert " / nom d'utilisateur ou mot de passe refuse; verifier la cle utilisee - https://" in refusal
    assert refusal.count("https://") == 1

    english, french = follow(relay, refusal, "en").text, follow(relay, refusal, "fr").text

    assert english.startswith("535 5.7.8 user name or password not accepted; check the key in use")
    assert "What to do Enter both again" in english
    assert french.startswith("535 5.7.8 nom d'utilisateur ou mot de passe refusé; vérifier la clé utilisée")
    assert "Que faire Les saisir de nouveau" in french


@pytest.mark.parametrize(
    "command", ["FROB", "MAIL FROM:<clerk@city.example> MT-PRIORITY=3", "MAIL FROM:<clerk", "DATA", "EXPN staff"]
)
def test_every_kind_of_refusal_has_its_place(relay: Relay, key: Credentials, command: str) -> None:
    with connect(relay, key) as client:
        refusal = client.ask(command)

    assert follow(relay, refusal, "en").text.startswith(refusal[:10])


def test_refusal_of_a_message_names_what_to_change(relay: Relay, key: Credentials) -> None:
    with connect(relay, key) as client:
        refusal = client.submit([address()], b"\r\nno header section\r\n")

    assert "header fields, an empty line, then the text" in follow(relay, refusal, "en").text


def test_what_is_no_refusal_has_no_link(relay: Relay) -> None:
    with Client("127.0.0.1", relay.port, timeout=60) as client:
        assert "://" not in "".join(client.ask(command) for command in ("EHLO me.example", "NOOP", "RSET", "HELP"))
