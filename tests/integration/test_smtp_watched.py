"""Somebody looks on while a product is set up: what swaks does is told step by step, by a real door, on both loops."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from auth import watches
from auth.watches import Sighting, Step
from relay.smtp.conversation import Kind
from tests.harness.smtp_door import LOOPS, Client, Door, plain, run_on, running_door
from tests.harness.smtp_pipe import PipedSession

Test = Callable[..., None]
ENVELOPE = ["--from", "clerk@city.example", "--to", "reader@example.org"]


@pytest.fixture(params=LOOPS)
def with_door(request: pytest.FixtureRequest, tmp_path: Path) -> Test:
    def run(test: Callable[[Door], Coroutine[Any, Any, None]], **settings: Any) -> None:
        async def main() -> None:
            async with running_door(tmp_path, **settings) as door:
                await test(door)

        run_on(request.param, main())

    return run


async def swaks(door: Door, *options: str, port: int = 0) -> str:
    """What swaks says."""
    command = ("swaks", "--server", "127.0.0.1", "--port", str(port or door.port), *ENVELOPE, *options)
    running = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await asyncio.wait_for(running.communicate(), 60)
    return said.decode()


async def watch(door: Door, name: str = "normal") -> None:
    async with door.database.write() as connection:
        await watches.begin(connection, door.issued[name].key, door.clock())
    await door.watches.share()


async def seen(door: Door, name: str = "normal") -> list[Sighting]:
    await door.watches.share()
    async with door.database.read() as connection:
        return await watches.seen(connection, door.issued[name].key.id, door.clock())


def said(sightings: list[Sighting]) -> list[tuple[Step, dict[str, Any]]]:
    return [(each.step, dict(each.said)) for each in sightings]


def login(door: Door, name: str = "normal") -> tuple[str, ...]:
    username, password = door.login(name)
    return "--auth", "LOGIN", "-au", username, "-ap", password


def test_what_swaks_does_is_told_step_by_step(with_door: Test) -> None:
    async def test(door: Door) -> None:
        await watch(door)
        assert "250 2.0.0" in await swaks(door, "-tls", *login(door))
        (connected, tls, *rest) = said(await seen(door))
        group = str(door.gate.accepted[0].group_id)
        assert connected == (Step.CONNECTED, {"network": "127.0.0.0/24", "listener": "starttls"})
        assert tls[0] is Step.TLS
        assert tls[1]["version"] == "TLSv1.3"
        assert tls[1]["cipher"].startswith("TLS_")
        assert rest == [
            (Step.LOGGED_IN, {}),
            (Step.SENDER, {"domain": "city.example"}),
            (Step.RECIPIENT, {"domain": "example.org"}),
            (Step.ACCEPTED, {"group_id": group, "recipients": 1}),
        ]
        assert len({each.session for each in await seen(door)}) == 1

    with_door(test)


def test_a_wrong_password_is_told_to_who_watches_the_name_and_no_secret_or_address(with_door: Test) -> None:
    async def test(door: Door) -> None:
        await watch(door)
        username, password = door.login()
        wrong = password[::-1]
        await swaks(door, "-tlsc", "--auth", "PLAIN", "-au", username, "-ap", wrong, port=door.tls_port)
        found = await seen(door)
        assert [each.step for each in found] == [Step.CONNECTED, Step.TLS, Step.REFUSED]
        assert found[-1].said == {"reply": "credentials-invalid", "values": {}}
        await swaks(door, "-tlsc", *login(door), "--to", "reader@@example", port=door.tls_port)
        text = json.dumps([dict(each.said) for each in await seen(door)])
        assert '"reply"' in text
        for hidden in (password, wrong, username, "clerk", "reader", "127.0.0.1"):
            assert hidden not in text

    with_door(test)


def test_the_refusals_of_a_key_are_told_with_their_names_and_numbers(with_door: Test) -> None:
    async def test(door: Door) -> None:
        for name, reply in (("distant", "credentials-invalid"), ("small", "too-large"), ("admin", "key-admin")):
            await watch(door, name)
            content = "Subject: large\n\n" + "line of text\n" * 600
            await swaks(door, "-tlsc", *login(door, name), "--data", content, port=door.tls_port)
            last = (await seen(door, name))[-1]
            assert (last.step, last.said["reply"]) == (Step.REFUSED, reply)
        assert said(await seen(door, "small"))[-1][1]["values"] == {"limit": 5000}
        await watch(door)
        await door.revoke("normal")
        door.clock.ahead_seconds = 5
        await swaks(door, "-tlsc", *login(door), port=door.tls_port)
        assert (await seen(door))[-1].said["reply"] == "key-revoked"

    with_door(test)


def test_a_device_that_cannot_log_in_is_told_as_one_without_tls(with_door: Test) -> None:
    async def test(door: Door) -> None:
        await watch(door)
        assert "250 2.0.0" in await swaks(door, port=door.devices_port)
        assert said(await seen(door))[:2] == [
            (Step.CONNECTED, {"network": "127.0.0.0/24", "listener": "devices"}),
            (Step.TLS, {"version": "", "cipher": ""}),
        ]

    with_door(test, devices="127.0.0.0/8={normal}")


def test_a_session_that_was_open_before_is_told_from_its_next_message(with_door: Test) -> None:
    async def test(door: Door) -> None:
        client = await Client.connect(door, tls=True)
        await client.log_in()
        await watch(door)
        door.clock.ahead_seconds = 2
        assert (await client.ask("MAIL FROM:<>")).startswith("250 ")
        assert (await client.ask("RCPT TO:<+16135550123@sms.notification.example.ca>")).startswith("250 ")
        found = await seen(door)
        assert [each.step for each in found] == [Step.CONNECTED, Step.TLS, Step.SENDER, Step.RECIPIENT]
        assert [dict(each.said) for each in found[2:]] == [{"domain": ""}, {"domain": ""}]
        assert found[0].at < found[1].at

    with_door(test)


def test_where_nobody_watches_nothing_is_noted_and_of_another_key_nothing_told(with_door: Test) -> None:
    async def test(door: Door) -> None:
        await swaks(door, "-tlsc", *login(door), port=door.tls_port)
        assert await seen(door) == []
        await watch(door, "team")
        session = PipedSession(door, Kind.TLS)
        await session.ask(b"EHLO c.example.org\r\n")
        # A wrong password for a key that is watched, then one that nobody watches: the rest is not the first one's.
        await session.ask(f"AUTH PLAIN {plain(door.login('team')[0], 'wrong')}\r\n".encode())
        assert (await session.ask(f"AUTH PLAIN {plain(*door.login())}\r\n".encode())).startswith("235 ")
        await session.ask(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n")
        assert [each.step for each in await seen(door, "team")] == [Step.CONNECTED, Step.TLS, Step.REFUSED]
        assert await seen(door) == []
        await session.feed(b"QUIT\r\n")
        await session.ended()

    with_door(test)
