"""The SMTP door as clients, operators and attackers meet it: over real sockets and TLS, on both event loops."""

import asyncio
import base64
import smtplib
import socket
import ssl
from collections.abc import Callable, Coroutine
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from tests.harness.smtp_door import HOST, LOOPS, Client, Door, plain, run_on, running_door
from tests.harness.waiting import until

Test = Callable[..., None]
HEAD = b"From: app@example.org\r\nSubject: s\r\n\r\n"


@pytest.fixture(params=LOOPS)
def with_door(request: pytest.FixtureRequest, tmp_path: Path) -> Test:
    """Runs a coroutine function with a door on each kind of event loop."""

    def run(test: Callable[[Door], Coroutine[Any, Any, None]], **settings: Any) -> None:
        async def main() -> None:
            async with running_door(tmp_path, **settings) as door:
                await test(door)

        run_on(request.param, main())

    return run


def email(subject: str = "Grüße") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "app@example.org"
    message["To"] = "reader@example.org"
    message["Subject"] = subject
    message.set_content("Good day,\n.\n..two dots\n")
    return message


async def data(client: Client, recipient: str = "reader@example.org") -> None:
    """A transaction up to DATA's 354."""
    assert (await client.ask("MAIL FROM:<app@example.org>")).startswith("250 ")
    assert (await client.ask(f"RCPT TO:<{recipient}>")).startswith("250 ")
    assert (await client.ask("DATA")).startswith("354 ")


async def connected(door: Door, name: str = "normal") -> Client:
    client = await Client.connect(door, tls=True)
    await client.log_in(name)
    return client


def send_with_smtplib(door: Door, *, tls: bool) -> dict[str, Any]:
    if tls:
        server: smtplib.SMTP = smtplib.SMTP_SSL("127.0.0.1", door.tls_port, context=door.client_context, timeout=60)
    else:
        server = smtplib.SMTP("127.0.0.1", door.port, timeout=60)
        server.starttls(context=door.client_context)
    with server:
        server.login(*door.login())
        return server.send_message(email())


@pytest.mark.parametrize("tls", [True, False], ids=["tls", "starttls"])
def test_smtplib_sends_a_message(with_door: Test, tls: bool) -> None:
    async def test(door: Door) -> None:
        assert await asyncio.to_thread(send_with_smtplib, door, tls=tls) == {}
        submission = door.gate.submissions[0]
        assert submission.content.endswith(b"\r\n\r\nGood day,\r\n.\r\n..two dots\r\n")
        assert submission.trace.client_ip == "127.0.0.1"
        assert submission.trace.protocol == "ESMTPSA"
        assert submission.trace.by == HOST

    with_door(test)


@pytest.mark.parametrize("tls", [True, False], ids=["tls", "starttls"])
def test_aiosmtplib_sends_messages_in_one_session(with_door: Test, tls: bool) -> None:
    async def test(door: Door) -> None:
        username, password = door.login()
        async with aiosmtplib.SMTP(
            hostname="127.0.0.1",
            port=door.tls_port if tls else door.port,
            use_tls=tls,
            start_tls=not tls,
            tls_context=door.client_context,
            username=username,
            password=password,
            timeout=60,
        ) as client:
            for number in range(3):
                errors, reply = await client.send_message(email(str(number)), recipients=["a@b.org", "c@d.org"])
                assert errors == {}
                assert reply == f"2.0.0 {door.gate.accepted[-1].group_id} queued for 2 recipients"
        assert len(door.kept.messages) == 6
        assert door.metric("relay_submissions_total", door="smtp", outcome="accepted") == 3
        assert door.metric("relay_accept_seconds_count") == 3

    with_door(test)


def test_client_gone_after_the_final_dot_leaves_a_whole_message(with_door: Test) -> None:
    async def test(door: Door) -> None:
        client = await connected(door)
        await data(client)
        door.gate.open.clear()
        client.send(HEAD + b"x\r\n.\r\n")
        await door.gate.reached.wait()
        client.writer.transport.abort()
        await asyncio.sleep(0.05)
        with capture_logs() as logs:
            door.gate.open.set()
            async with asyncio.timeout(60):
                while len(logs) < 2 or door.metric("relay_smtp_connections"):
                    await asyncio.sleep(0.01)
        assert len(door.kept.messages) == 1
        assert [line["event"] for line in logs] == ["message.accepted", "message.reply_not_delivered"]
        assert door.metric("relay_smtp_connections") == 0

    with_door(test)


def test_our_fault_is_answered_451_without_its_text_and_the_session_goes_on(with_door: Test) -> None:
    async def test(door: Door) -> None:
        client = await connected(door)
        await data(client)
        door.gate.error = RuntimeError("password hunter2 of reader@example.org")
        with capture_logs() as logs:
            assert await client.ask(HEAD + b"x\r\n.\r\n") == (
                "451 4.3.0 temporary failure on our side; nothing was accepted, try again in a minute"
            )
        assert [line["event"] for line in logs] == ["smtp.error", "message.refused"]
        assert logs[0]["error"] == "RuntimeError"
        assert "hunter2" not in str(logs)
        assert "reader@" not in str(logs)
        assert (logs[1]["code"], logs[1]["enhanced"], logs[1]["stage"]) == (451, "4.3.0", "data")
        door.gate.error = None
        await data(client)
        assert (await client.ask(HEAD + b"x\r\n.\r\n")).startswith("250 2.0.0 ")
        assert door.metric("relay_submissions_total", door="smtp", outcome="deferred") == 1

    with_door(test)


def test_revoked_key_is_out_in_an_open_session(with_door: Test) -> None:
    async def test(door: Door) -> None:
        client = await connected(door)
        await door.revoke("normal")
        door.clock.ahead_seconds = 5
        assert (await client.ask("MAIL FROM:<app@example.org>")).startswith("535 5.7.8 this key was revoked")
        assert (await client.ask("MAIL FROM:<app@example.org>")).startswith("530 5.7.0 ")

    with_door(test)


def test_log_in_while_the_database_is_away_is_put_off(with_door: Test) -> None:
    async def test(door: Door) -> None:
        async with door.database.write() as connection:
            await connection.execute(text("DROP TABLE keys"))
        client = await Client.connect(door, tls=True)
        await client.reply()
        await client.ask("EHLO client.example.org")
        assert (await client.ask(f"AUTH PLAIN {plain(*door.login())}")).startswith("454 4.7.0 ")
        assert door.metric("relay_auth_failures_total", reason="unavailable") == 1

    with_door(test)


def test_connections_over_the_limit_hear_421(with_door: Test) -> None:
    async def test(door: Door) -> None:
        kept = [await Client.connect(door, tls=False) for _ in range(2)]
        for client in kept:
            assert (await client.reply())[0].startswith("220 ")
        late = await Client.connect(door, tls=False)
        assert (await late.reply())[0].startswith("421 4.7.0 too many connections")
        assert await late.reply() == []
        assert door.metric("relay_smtp_connections") == 2
        await kept[0].ask("QUIT")
        await kept[0].close()
        assert (await (await Client.connect(door, tls=False)).reply())[0].startswith("220 ")

    with_door(test, max_connections_per_address=2)


def test_drain_sends_idle_clients_away_and_lets_a_message_end(with_door: Test) -> None:
    async def test(door: Door) -> None:
        idle, in_content, in_accept = [await connected(door) for _ in range(3)]
        await data(in_content)
        in_content.send(HEAD)
        await data(in_accept)
        door.gate.open.clear()
        in_accept.send(HEAD + b"x\r\n.\r\n")
        await door.gate.reached.wait()
        draining = asyncio.create_task(door.door.drain(60))
        assert (await idle.reply())[0].startswith("421 4.3.2 ")
        with pytest.raises(ConnectionRefusedError):
            await Client.connect(door, tls=False)
        in_content.send(b"x\r\n.\r\n")
        await asyncio.sleep(0.02)
        assert not draining.done()
        door.gate.open.set()
        for client in (in_content, in_accept):
            assert (await client.reply())[0].startswith("250 2.0.0 ")
            assert (await client.reply())[0].startswith("421 4.3.2 ")
            assert await client.reply() == []
        await asyncio.wait_for(draining, 30)
        assert len(door.kept.messages) == 2

    with_door(test)


def test_drain_ends_on_time_whatever_clients_do(with_door: Test) -> None:
    async def test(door: Door) -> None:
        client = await connected(door)
        await data(client)
        client.send(HEAD)
        await asyncio.wait_for(door.door.drain(0.1), 10)
        assert await client.reply() == []
        await asyncio.sleep(0)
        assert door.kept.messages == {}
        assert door.metric("relay_smtp_connections") == 0

    with_door(test)


def test_large_message_arrives_byte_for_byte(with_door: Test) -> None:
    async def test(door: Door) -> None:
        body = base64.encodebytes(bytes(range(256)) * 20_000).replace(b"\n", b"\r\n.")
        client = await connected(door)
        await data(client)
        stuffed = (HEAD + body + b"\r\n").replace(b"\r\n.", b"\r\n..") + b".\r\n"
        half = len(stuffed) // 2
        client.send(stuffed[:half])
        await asyncio.sleep(0.02)
        assert (await client.ask(stuffed[half:])).startswith("250 2.0.0 ")
        assert door.gate.submissions[0].content == HEAD + body + b"\r\n"

    with_door(test)


def test_messages_in_transfer_share_one_budget_and_give_it_back(with_door: Test) -> None:
    async def test(door: Door) -> None:
        first, second = await connected(door), await connected(door)
        await data(first)
        first.send(HEAD + b"x" * 6000)
        await until(lambda: door.door._shared.budget.used >= 6000)
        await data(second)
        assert (await second.ask(HEAD + b"y" * 6000 + b"\r\n.\r\n")).startswith("452 4.3.1 ")
        first.writer.transport.abort()
        await until(lambda: not door.door._shared.budget.used)
        await data(second)
        assert (await second.ask(HEAD + b"y" * 6000 + b"\r\n.\r\n")).startswith("250 2.0.0 ")

    with_door(test, max_bytes_in_transfer=10_000)


@pytest.mark.alone  # a look-up of three seconds is a database that is away: here it was the machine
def test_a_key_that_fills_its_share_and_drips_keeps_no_other_waiting(with_door: Test) -> None:
    """Forty sessions of one key send nearly all of a large message, and then an octet now and then."""

    async def test(door: Door) -> None:
        greedy = await asyncio.gather(*(connected(door) for _ in range(40)))
        for client in greedy:
            await data(client)
            client.send(HEAD + b"x" * 240_000)
        await asyncio.sleep(0.3)
        assert door.door._shared.budget.used <= 2_560_000 / 3
        other = await connected(door, "french")
        await data(other)
        assert (await other.ask(HEAD + b"y" * 100_000 + b"\r\n.\r\n")).startswith("250 2.0.0 ")
        replies = []
        for client in greedy:
            client.send(b"x")
        for client in greedy:
            replies.append((await client.ask(b"\r\n.\r\n"))[:9])
        assert replies.count("250 2.0.0") == 3
        assert replies.count("452 4.3.1") == 37
        assert door.door._shared.budget.used == 0

    with_door(test, max_bytes_in_transfer=2_560_000, max_message_bytes=250_000)


def test_a_failed_log_in_leaves_a_line_that_finds_its_product(with_door: Test) -> None:
    async def test(door: Door) -> None:
        username, _ = door.login()
        with capture_logs() as logs:
            client = await Client.connect(door, tls=True)
            await client.reply()
            await client.ask("EHLO client.example.org")
            await client.ask(f"AUTH PLAIN {plain(username, 'hunter2')}")
            await client.ask(f"AUTH PLAIN {plain('No Such Key', 'hunter2')}")
            await client.ask(f"AUTH PLAIN {plain('no such key', 'hunter3')}")
            await door.revoke("team")
            door.clock.ahead_seconds = 10
            await client.ask(f"AUTH PLAIN {plain(*door.login('team'))}")
        first, second, third, fourth = ({k: v for k, v in line.items() if k != "log_level"} for line in logs)
        common = {"event": "login.failed", "door": "smtp", "network": "127.0.0.0/24"}
        assert first == {**common, "reason": "credentials", "key_id": str(door.issued["normal"].key.id)}
        assert second == third == {**common, "reason": "credentials", "name_hash": second["name_hash"]}
        assert len(second["name_hash"]) == 32
        assert fourth == {**common, "reason": "revoked", "key_id": str(door.issued["team"].key.id)}

    with_door(test)


def test_a_client_that_speaks_something_else_leaves_a_line(with_door: Test) -> None:
    async def test(door: Door) -> None:
        with capture_logs() as logs:
            for sent in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01"):
                client = await Client.connect(door, tls=False)
                await client.reply()
                client.send(sent)
                assert (await client.reply())[0].startswith("554 5.5.1 ")
                assert await client.reply() == []
        assert [(line["event"], line["protocol"], line["network"]) for line in logs] == [
            ("smtp.not_smtp", protocol, "127.0.0.0/24") for protocol in ("HTTP", "TLS")
        ]

    with_door(test)


def test_nothing_personal_is_logged_nor_counted(with_door: Test) -> None:
    async def test(door: Door) -> None:
        with capture_logs() as logs:
            client = await Client.connect(door, tls=True)
            await client.reply()
            await client.ask("EHLO client.example.org (of guest@)")
            pasted = base64.b64encode(b"\0gcntfy-secret-key\0hunter2").decode()
            assert (await client.ask(f"AUTH PLAIN {pasted}")).startswith("535 5.7.8 ")
            await client.ask(f"AUTH PLAIN {plain(*door.login('team'))}")
            await client.ask("MAIL FROM:<app@example.org>")
            assert (await client.ask("RCPT TO:<stranger@example.org>")).startswith("550 5.7.1 ")
            await client.ask("RSET")
            await data(client, "guest@example.org")
            assert (await client.ask(HEAD + b"words of a private letter\r\n.\r\n")).startswith("250 ")
        assert [line["event"] for line in logs] == ["login.failed", "message.refused", "message.accepted"]
        assert set(logs[2]) == {
            *("event", "log_level", "door", "group_id", "service_id", "key_id", "key_type", "client", "client_ip"),
            *("channels", "recipients", "repeated", "size_bytes", "seconds"),
        }
        assert (logs[2]["client"], logs[2]["client_ip"]) == ("client.example.org??of?guest??", "127.0.0.1")
        for word in ("gcntfy", "hunter2", "app@", "stranger", "guest@", "private", *door.login("team")):
            assert word not in str(logs)
        assert door.metric("relay_auth_failures_total", reason="credentials") == 1
        assert door.metric("relay_submissions_total", door="smtp", outcome="refused") == 1

    with_door(test)


def test_failed_handshake_leaves_no_connection_behind(with_door: Test) -> None:
    async def test(door: Door) -> None:
        client = await Client.connect(door, tls=False)
        await client.reply()
        assert (await client.ask("STARTTLS")).startswith("220 2.0.0 ")
        client.send(b"EHLO this is no handshake\r\n")
        async with asyncio.timeout(60):
            while await client.reader.read(1000):
                pass
        await until(lambda: not door.metric("relay_smtp_connections"))

    with_door(test)


async def send_for_ever(raw: socket.socket, data: bytes) -> None:
    while True:
        await asyncio.get_running_loop().sock_sendall(raw, data)


def test_client_that_takes_no_replies_is_dropped(with_door: Test) -> None:
    async def test(door: Door) -> None:
        with socket.create_connection(("127.0.0.1", door.port)) as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.setblocking(False)
            async with asyncio.timeout(60):
                with pytest.raises(ConnectionError):
                    await send_for_ever(raw, b"VRFY somebody\r\n" * 1000)
        await until(lambda: not door.metric("relay_smtp_connections"))

    with_door(test, idle_timeout_seconds=0.5)


def test_old_tls_is_refused(with_door: Test) -> None:
    async def test(door: Door) -> None:
        door.client_context.minimum_version = ssl.TLSVersion.TLSv1
        door.client_context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await Client.connect(door, tls=True)

    with pytest.warns(DeprecationWarning, match="TLSv1"):
        with_door(test)
