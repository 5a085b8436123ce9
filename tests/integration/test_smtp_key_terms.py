"""The terms of a key as a client of the SMTP door meets them, changed ones in open sessions too."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from auth import keys
from auth.principal import Option
from config.settings import Limits
from messages.message import Lane
from tests.harness.smtp_door import Client, Door, plain, running_door

ANN = "ann@dept.example.ca"
HEAD = f"From: Ann <{ANN}>\r\nSubject: s\r\n".encode()


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with running_door(tmp_path) as door:
        yield door


async def change(door: Door, **terms: object) -> None:
    """What an operator changes; five seconds pass, after which every door knows it."""
    async with door.database.write() as connection:
        await keys.update(connection, door.keyring, Limits(), door.issued["normal"].key.id, **terms)  # type: ignore[arg-type]
    door.clock.ahead_seconds += 5


async def connected(door: Door) -> Client:
    client = await Client.connect(door, tls=True)
    await client.log_in()
    return client


async def submit(client: Client, head: bytes = HEAD, sender: str = ANN, recipients: int = 1) -> str:
    """The reply to the content; all before it is taken."""
    assert (await client.ask(f"MAIL FROM:<{sender}>")).startswith("250 ")
    for number in range(recipients):
        assert (await client.ask(f"RCPT TO:<reader{number}@example.org>")).startswith("250 ")
    assert (await client.ask("DATA")).startswith("354 ")
    return await client.ask(head + b"\r\nhello\r\n.\r\n")


async def test_envelope_is_refused_at_once_and_the_header_fields_after_the_content(door: Door) -> None:
    await change(door, allowed_from=[ANN, "@team.example.ca"])
    client = await connected(door)
    listed = "not allowed with this key; set the product to send from @team.example.ca, ann@dept.example.ca"

    assert (await client.ask("MAIL FROM:<bob@dept.example.ca>")).startswith(f"550 5.7.1 envelope sender {listed}")
    assert (await submit(client, b"From: bob@dept.example.ca\r\n")).startswith(f"550 5.7.1 header From {listed}")
    assert (await submit(client, HEAD + b"Sender: b@x.ca\r\n")).startswith(f"550 5.7.1 header Sender {listed}")
    assert (await submit(client, HEAD + HEAD)).startswith("550 5.7.1 header From must be one field")
    assert (await submit(client)).startswith("250 ")
    assert (await submit(client, sender="")).startswith("250 ")
    assert (await submit(client, sender="bo@team.example.ca")).startswith("250 ")
    assert door.metric("relay_submissions_total", door="smtp", outcome="refused") == 4
    assert len(door.gate.accepted) == 3


async def test_bare_line_end_hides_no_author(door: Door) -> None:
    await change(door, allowed_from=[ANN])
    client = await connected(door)

    for end in (b"\r", b"\n", b"\r\r\n"):
        answer = await submit(client, HEAD + b"X: y" + end + b"From: bob@x.ca\r\n")
        assert answer.startswith("550 5.7.1 "), end


async def test_fixed_option_is_refused_by_its_field_and_the_same_value_is_taken(door: Door) -> None:
    await change(door, lane=Lane.BULK, fixed=[Option.LANE])
    client = await connected(door)

    refused = await submit(client, HEAD + b"X-Notify-Lane: priority\r\n")
    assert refused.startswith("554 5.7.1 leave out header field X-Notify-Lane: with this key it can only be bulk")
    assert (await submit(client, HEAD + b"X-Notify-Lane: Bulk\r\n")).startswith("250 ")
    assert (await submit(client, HEAD + b"X-Notify-Expires: 60\r\n")).startswith("250 ")
    assert {message.lane for accepted in door.gate.accepted for message in accepted.messages} == {Lane.BULK}


async def test_caps_are_announced_after_the_log_in_and_kept(door: Door) -> None:
    await change(door, max_message_bytes=2000, max_recipients=2)
    client = await connected(door)
    client.send(b"EHLO again\r\n")

    assert "250-SIZE 2000" in await client.reply()
    assert (await client.ask(f"MAIL FROM:<{ANN}> SIZE=2001")).startswith("552 5.3.4 ")
    too_large = HEAD + b"X: " + b"x" * 2000 + b"\r\n"
    assert (await submit(client, too_large)).startswith("552 5.3.4 message too large: at most 2000 octets")
    assert (await submit(client, recipients=2)).startswith("250 ")
    with pytest.raises(AssertionError):
        await submit(client, recipients=3)
    assert (await client.ask("RCPT TO:<more@example.org>")).startswith("452 4.5.3 at most 2 recipients")


async def test_session_is_out_when_its_address_is_no_longer_allowed(door: Door) -> None:
    client, busy = await connected(door), await connected(door)
    await busy.ask(f"MAIL FROM:<{ANN}>")
    await busy.ask("RCPT TO:<reader@example.org>")
    await busy.ask("DATA")
    await change(door, networks=["192.0.2.0/24"])

    refused = await busy.ask(HEAD + b"\r\nhello\r\n.\r\n")
    assert refused.startswith("535 5.7.8 user name or password not accepted")
    assert (await client.ask(f"MAIL FROM:<{ANN}>")).startswith(refused)
    assert (await client.ask(f"MAIL FROM:<{ANN}>")).startswith("530 5.7.0 ")
    assert door.gate.accepted == []


@pytest.mark.parametrize("network", ["127.0.0.0/8", "::ffff:127.0.0.1/128"])
async def test_session_goes_on_from_an_address_that_is_listed(door: Door, network: str) -> None:
    client = await connected(door)
    await change(door, networks=["192.0.2.0/24", network])

    assert (await submit(client)).startswith("250 ")
    assert (await submit(await connected(door))).startswith("250 ")


async def test_a_key_of_type_admin_is_let_in_by_no_log_in(door: Door) -> None:
    client = await Client.connect(door, tls=True)
    await client.reply()
    await client.ask("EHLO client.example.org")
    refused = await client.ask(f"AUTH PLAIN {plain(*door.login('admin'))}")
    assert refused.startswith("535 5.7.8 this key is of type admin and sends nothing; use a key that sends")
    assert (await client.ask("MAIL FROM:<a@example.org>")).startswith("530 ")
    await client.close()
