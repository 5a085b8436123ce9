"""X-Notify-Idempotency-Key over a real connection: each recipient gets one message, however often a client sends."""

import asyncio
from collections import Counter
from pathlib import Path
from uuid import UUID

from structlog.testing import capture_logs

from tests.harness.smtp_door import Client, Door, running_door

HEAD = b"From: app@example.org\r\nSubject: s\r\n"


async def send(client: Client, recipients: list[str], key: str, *, added: bytes = b"", body: bytes = b"x") -> str:
    """One transaction: the reply to its content."""
    lines = [f"RCPT TO:<{recipient}>\r\n" for recipient in recipients]
    client.send(("MAIL FROM:<app@example.org>\r\n" + "".join(lines) + "DATA\r\n").encode())
    replies = [(await client.reply())[-1] for _ in range(len(lines) + 2)]
    assert {reply[:3] for reply in replies[:-1]} == {"250"}, replies
    return await client.ask(
        added + HEAD + b"X-Notify-Idempotency-Key: " + key.encode() + b"\r\n\r\n" + body + b"\r\n.\r\n"
    )


def group_of(reply: str, recipients: int) -> UUID:
    assert reply.startswith("250 2.0.0 "), reply
    assert reply.endswith(f" queued for {recipients} recipients"), reply
    return UUID(reply.split()[2])


def sent_to(door: Door) -> Counter[str]:
    return Counter(str(message.recipient) for message in door.kept.messages.values())


async def logged_in(door: Door, name: str = "normal") -> Client:
    client = await Client.connect(door, tls=True)
    await client.log_in(name)
    return client


async def test_a_list_sent_in_two_transactions_and_then_all_over_reaches_everybody_once(tmp_path: Path) -> None:
    everybody = [f"reader-{number}@example.org" for number in range(12)]
    async with running_door(tmp_path, max_recipients=10) as door:
        client = await logged_in(door)
        for _ in range(2):
            # RFC 5321 4.5.3.1.10: a client that is told 452 sends the rest in another transaction.
            replies = [await client.ask(f"{verb}:<{each}>") for verb, each in [("MAIL FROM", "a@example.org")]]
            replies += [await client.ask(f"RCPT TO:<{each}>") for each in everybody]
            assert [reply[:3] for reply in replies] == ["250"] * 11 + ["452"] * 2
            await client.ask("RSET")
            firsts = group_of(await send(client, everybody[:10], "list 7"), 10)
            rest = group_of(await send(client, everybody[10:], "list 7", added=b"Received: by a\r\n"), 2)

        assert sent_to(door) == Counter(everybody)
        groups = {message.group_id for message in door.kept.messages.values()}
        assert groups == {firsts, rest}
        assert door.metric("relay_submissions_total", door="smtp", outcome="accepted") == 2
        assert door.metric("relay_submissions_total", door="smtp", outcome="repeated") == 2


async def test_the_log_tells_how_many_were_known(tmp_path: Path) -> None:
    async with running_door(tmp_path) as door:
        client = await logged_in(door)
        with capture_logs() as logs:
            first = group_of(await send(client, ["ann@example.org", "bob@example.org"], "k"), 2)
            second = group_of(await send(client, ["bob@example.org", "carl@example.org"], "k", body=b"other"), 2)
            again = group_of(await send(client, ["carl@example.org"], "k"), 1)

    assert first != second == again
    assert [(line["event"], line["group_id"], line["recipients"], line["repeated"]) for line in logs] == [
        ("message.accepted", str(first), 2, 0),
        ("message.accepted", str(second), 2, 1),
        ("message.repeated", str(second), 1, 1),
    ]
    assert "list" not in str(logs)


async def test_a_trial_with_a_test_key_keeps_nobody_from_getting_the_real_one(tmp_path: Path) -> None:
    async with running_door(tmp_path) as door:
        for name in ("test", "normal", "test", "normal"):
            client = await logged_in(door, name)
            group_of(await send(client, ["ann@example.org"], "k"), 1)

        assert sorted(message.key_type for message in door.kept.messages.values()) == ["normal", "test"]


async def test_many_connections_with_one_message_send_it_once(tmp_path: Path) -> None:
    async with running_door(tmp_path) as door:
        clients = [await logged_in(door) for _ in range(8)]
        replies = await asyncio.gather(*(send(client, ["ann@example.org"], "k") for client in clients))

        assert len({group_of(reply, 1) for reply in replies}) == 1
        assert sent_to(door) == Counter({"ann@example.org": 1})


async def test_the_key_does_not_leave_the_house(tmp_path: Path) -> None:
    async with running_door(tmp_path) as door:
        client = await logged_in(door)
        await send(client, ["ann@example.org"], "case 4711")

        assert b"case 4711" not in b"".join(door.kept.contents.values())
