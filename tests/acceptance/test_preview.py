"""`message preview` tells what happens to a message, and nothing happens."""

import asyncio
import contextlib
import json
import re
import sqlite3
import subprocess
from typing import Any

import pytest

from tests.acceptance.conftest import Make
from tests.fakes.aws import CREDENTIALS, FakeAws
from tests.harness.mail import CONTENT, address, connect, read
from tests.harness.relay import COMMAND, Credentials, Relay

LETTER = b"""From: Ann Lee <ann@city.example>
To: reader@example.org
Bcc: hidden@example.org
Subject: Your case
Subject: again
Message-ID: <case-1@product.example>
Content-Language: fr
X-Notify-Lane: priority
Content-Type: text/plain; charset=utf-8

Passer l'\xc3\xa9t\xc3\xa9 au bord de la mer
"""


def previewed(relay: Relay, key: Credentials, content: bytes, *options: str, code: int = 0) -> dict[str, Any]:
    path = relay.folder / "letter.eml"
    path.write_bytes(content)
    arguments = ("message", "preview", str(path), "--service", key.service_id, "--key", key.key_id, *options, "--json")
    done = relay.run(*arguments, check=False)
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_preview_says_what_then_happens(relay: Relay, key: Credentials) -> None:
    recipient = address()
    told = previewed(relay, key, LETTER, "--to", recipient)
    with connect(relay, key) as client:
        client.submit([recipient], LETTER.replace(b"\n", b"\r\n"))
    octets = relay.wait_for_mail(recipient)[1]
    sent = read(octets)

    assert (told["accepted"], told["lane"], told["language"], told["branded"]) == (True, "priority", "fr", True)
    assert told["header_from"] == str(sent["From"])
    assert told["subject"] == sent["Subject"] == "Your case"
    assert told["original_message_id"] == "<case-1@product.example>"
    signed = len(octets) - octets.index(b"Received:")
    assert told["size"]["sent"] == pytest.approx(signed, abs=20)
    assert told["size"]["encoded"] == (told["size"]["sent"] + 2) // 3 * 4
    assert f"d={told['dkim']['domain']}; s={told['dkim']['selector']};".encode() in octets
    assert told["dmarc"]["verdict"] == "pass"


def test_preview_tells_the_fate_of_each_field_and_every_changed_line(relay: Relay, key: Credentials) -> None:
    told = previewed(relay, key, LETTER)

    fates = [(row["field"], row["fate"]) for row in told["fields"]]
    assert fates[:6] == [
        ("from", "rewrite"),
        ("to", "keep"),
        ("bcc", "strip"),
        ("subject", "keep"),
        ("subject", "strip"),
        ("message-id", "keep"),
    ]
    assert {name for name, fate in fates if fate == "add"} == {
        "received", "date", "references", "mime-version", "dkim-signature"
    }  # fmt: skip
    assert [row["recipient"] for row in told["recipients"]] == ["reader@example.org", "hidden@example.org"]
    assert 3 in [row["line"] for row in told["changes"]]


PHONE = "+16135550100@sms.notification.example.ca"


def test_preview_shows_a_phone_what_it_gets_and_what_that_costs(relay: Relay, key: Credentials) -> None:
    letter = b"Subject: s\nContent-Type: text/plain; charset=utf-8\n\nLa f\xc3\xaate commence.\n"
    told = previewed(relay, key, letter, "--to", PHONE)

    assert told["accepted"] is True
    assert [each["recipient"] for each in told["recipients"]] == ["+16135550100"]
    assert "header_from" not in told  # no mail goes
    text = told["text"]
    assert text["sent"].endswith(": La fête commence.")
    assert (text["encoding"], text["parts"], text["parts_without"]) == ("ucs-2", 1, 1)
    assert text["beyond_gsm"] == [{"sign": "ê", "place": text["sent"].index("ê") + 1, "times": 1}]
    both = previewed(relay, key, letter, "--to", PHONE, "--to", address())
    assert both["text"] == text
    assert both["header_from"]


def test_preview_of_a_text_says_why_nobody_gets_it(relay: Relay, key: Credentials) -> None:
    told = previewed(relay, key, b"Subject: s\n\n" + b"x" * 1600 + b"\n", "--to", PHONE, code=1)
    assert (told["accepted"], told["text"]["parts"]) == (False, 11)
    assert "at most 1530" in told["reply"]
    nobody = previewed(relay, key, b"Subject: s\n\nx\n", "--to", "911@sms.notification.example.ca", code=1)
    assert nobody["accepted"] is False


def test_preview_reads_recipients_as_the_relay_does(relay: Relay, key: Credentials) -> None:
    to = b"To: root, Chan, Karen <k@example.org>\nCc: <First Last <first@example.com\nBcc: <>"
    told = previewed(relay, key, LETTER.replace(b"To: reader@example.org\nBcc: hidden@example.org", to))
    assert [each["recipient"] for each in told["recipients"]] == ["k@example.org", "first@example.com"]


def test_preview_stores_nothing(relay: Relay, key: Credentials) -> None:
    before = relay.run("message", "find", "--service", key.service_id, "--json").stdout
    previewed(relay, key, LETTER)
    assert relay.run("message", "find", "--service", key.service_id, "--json").stdout == before


@pytest.mark.parametrize(
    ("content", "reply"),
    [
        (b"no header section\n", "554 5.6.0 no header section"),
        (b"X-Notify-Lane: fast\n\nx\n", "554 5.6.0 header field X-Notify-Lane cannot be used"),
        (b"To: a@x.example\nX-Notify-Branding: nobodys\n\nx\n", "554 5.6.0 header field X-Notify-Branding"),
        (b"Subject: to nobody\n\nx\n", "553 5.1.3 a recipient address is needed"),
    ],
)
def test_refused_message_is_told_as_the_door_would(relay: Relay, key: Credentials, content: bytes, reply: str) -> None:
    told = previewed(relay, key, content, code=1)
    assert told["accepted"] is False
    assert told["reply"].startswith(reply)


def test_recipient_out_of_reach_is_told(relay: Relay) -> None:
    key = relay.create_key("--type", "team")
    told = previewed(relay, key, LETTER, "--to", "stranger@example.org", code=1)
    assert told["recipients"][0]["reply"] == told["reply"]
    assert told["reply"].startswith("550 5.7.1 a team key sends only to the guest list")
    assert (told["subject"], told["fields"][0]["field"]) == ("Your case", "from")


def test_one_recipient_out_of_reach_takes_the_message_from_no_other(relay: Relay) -> None:
    key = relay.create_key("--type", "team")
    relay.run("service", "guest", "add", key.service_id, "friend@example.org")
    told = previewed(relay, key, LETTER, "--to", "stranger@example.org", "--to", "friend@example.org")
    assert (told["accepted"], told["reply"], told["subject"]) == (True, None, "Your case")
    assert [bool(row["reply"]) for row in told["recipients"]] == [True, False]


def test_who_may_not_log_in_is_refused_as_at_the_door(relay: Relay) -> None:
    held, revoked = relay.create_key(), relay.create_key()
    relay.run("service", "hold", held.service_id)
    relay.run("key", "revoke", revoked.key_id)
    for key, reply in ((held, "this service is on hold"), (revoked, "revoked")):
        told = previewed(relay, key, LETTER, code=1)
        assert (told["accepted"], reply in told["reply"], told["subject"]) == (False, True, "Your case"), told["reply"]


def test_message_that_no_key_signs_waits_and_passes_nothing(make_relay: Make) -> None:
    relay = make_relay()
    key = relay.create_key()
    with contextlib.closing(sqlite3.connect(relay.folder / "var/relay.db")) as database, database:
        database.execute("UPDATE dkim_keys SET active = 0")
    told = previewed(relay, key, LETTER, code=1)
    assert (told["accepted"], told["dmarc"]["verdict"], told["dkim"]["aligned"]) == (True, None, False)
    assert told["waits"].startswith("no key of ")
    assert (told["spf"]["aligned"], told["spf"]["problem"]) == (True, None)


def test_line_that_is_no_field_is_told_as_kept_in_one(relay: Relay, key: Credentials) -> None:
    told = previewed(relay, key, LETTER.replace(b"Bcc:", b"who knows\nBcc:"))
    (row,) = [row for row in told["fields"] if row["field"] == "x-unreadable"]
    assert (row["fate"], row["reason"].partition(":")[0]) == ("keep", "holds a line that is no field")


def test_message_that_cannot_be_read_is_one_line(relay: Relay, key: Credentials) -> None:
    closed = ["sh", "-c", 'exec "$@" <&-', "sh", *COMMAND, "message", "preview", "-", "--service", key.service_id]
    done = subprocess.run(closed, cwd=relay.folder, env=relay.environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "notify-relay: standard input is closed: name a file\n")
    for file, reason in ((relay.folder, "Is a directory"), (relay.folder / "none.eml", "No such file or directory")):
        done = relay.run("message", "preview", str(file), "--service", key.service_id, check=False)
        assert (done.returncode, reason in done.stderr, done.stderr.count("\n")) == (1, True, 1)


def test_people_read_the_same_in_their_language(relay: Relay, key: Credentials) -> None:
    path = relay.folder / "letter.eml"
    path.write_bytes(LETTER)
    relay.environment["LC_ALL"] = "fr_CA.UTF-8"
    try:
        said = relay.run("message", "preview", str(path), "--service", key.service_id).stdout
    finally:
        relay.environment["LC_ALL"] = "C.UTF-8"
    assert "en-tête From" in said
    assert "en-tête Reply-To" in said
    assert re.search(r"^taille reçue  ", said, re.MULTILINE)
    assert re.search(r"^bcc  +retiré  ", said, re.MULTILINE)
    assert "montrerait des destinataires cachés aux autres" in said


async def test_suppressed_recipient_is_told_by_the_provider(make_relay: Make) -> None:
    async with FakeAws() as aws:
        aws.suppression.put("gone@example.org", "BOUNCE")
        relay = make_relay(EMAIL__PROVIDER="ses", AWS__ENDPOINT_URL=aws.url, DNS__TIMEOUT_SECONDS=0.1, **CREDENTIALS)
        key = await asyncio.to_thread(relay.create_key)
        recipients = ("--to", "gone@example.org", "--to", "here@example.org")
        told = await asyncio.to_thread(previewed, relay, key, CONTENT, *recipients)
    assert [row["suppressed"] for row in told["recipients"]] == ["BOUNCE", None]
    assert [row["suppressed_problem"] for row in told["recipients"]] == [None, None]
    assert (told["spf"]["aligned"], bool(told["spf"]["problem"])) == (False, True)  # nobody has published it
    assert told["dmarc"]["verdict"] == "none"


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({}, "aws_unreachable"),
        ({"AWS_PROFILE": "nosuch"}, "aws_credentials"),
        ({"NOTIFY_RELAY_AWS__ENDPOINT_URL": "http://no_name.example:1"}, "aws_configuration"),
    ],
)
def test_suppression_that_the_provider_does_not_tell_is_not_known(
    make_relay: Make, environment: dict[str, str], problem: str
) -> None:
    settings = {"EMAIL__PROVIDER": "ses", "AWS__ENDPOINT_URL": "http://127.0.0.1:1", "DNS__TIMEOUT_SECONDS": 0.1}
    relay = make_relay(**settings, **CREDENTIALS)
    key = relay.create_key()
    relay.environment |= environment
    told = previewed(relay, key, LETTER)
    assert [(row["suppressed"], row["suppressed_problem"]) for row in told["recipients"]] == [(None, problem)] * 2
    said = relay.run("message", "preview", str(relay.folder / "letter.eml"), "--service", key.service_id).stdout
    assert f"not known ({problem})" in said
