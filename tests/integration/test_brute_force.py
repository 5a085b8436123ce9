"""Whoever guesses passwords over real sockets waits longer and longer and is then shut out; nobody else notices."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from auth import services
from auth.bans import Rules
from config.settings import Limits
from tests.fakes.auth import away
from tests.harness.smtp_door import LOOPS, QUICK, Client, Door, plain, run_on, running_door

WRONG = "0" * 32
BANNED = "421 4.7.0 too many failed log-ins; try again in "
Test = Callable[..., None]


@pytest.fixture(params=LOOPS)
def with_door(request: pytest.FixtureRequest, tmp_path: Path) -> Test:
    """Runs a coroutine function with a door on each kind of event loop."""

    def run(test: Callable[[Door], Coroutine[Any, Any, None]], rules: Rules = QUICK) -> None:
        async def main() -> None:
            async with running_door(tmp_path, rules) as door:
                await test(door)

        run_on(request.param, main())

    return run


async def log_in(door: Door, username: str, password: str) -> str:
    """The reply to AUTH, on a connection of its own."""
    client = await Client.connect(door, tls=True)
    await client.reply()
    await client.ask("EHLO client.example.org")
    answer = await client.ask(f"AUTH PLAIN {plain(username, password)}")
    if answer.startswith("421 "):
        assert await client.reply() == []  # closed
    client.writer.transport.abort()
    return answer


async def fail(door: Door, username: str, times: int) -> None:
    for _ in range(times):
        assert (await log_in(door, username, WRONG)).startswith("535 5.7.8 ")


def test_tenth_wrong_password_shuts_out_its_user_name_even_with_the_right_one(with_door: Test) -> None:
    async def test(door: Door) -> None:
        username, password = door.login()
        with capture_logs() as logs:
            await fail(door, username, 10)
            for secret in (WRONG, password):
                assert (await log_in(door, username, secret)).startswith(BANNED)

        assert [line for line in logs if line["event"].startswith("auth.")] == [
            {"event": "auth.banned", "log_level": "warning", "address": "127.0.0.1", "whole": False}
            | {"failures": 10, "seconds": 60}
        ]
        assert door.metric("relay_auth_failures_total", reason="credentials") == 10
        assert door.metric("relay_auth_failures_total", reason="throttled") == 2

    with_door(test)


def test_ban_is_no_neighbours_and_ends(with_door: Test) -> None:
    async def test(door: Door) -> None:
        await fail(door, door.login()[0], 10)
        assert (await log_in(door, *door.login("team"))).startswith("235 ")
        door.clock.ahead_seconds = 61

        assert (await log_in(door, *door.login())).startswith("235 ")
        await fail(door, door.login()[0], 9)  # the log-in cleared what was before

    with_door(test)


def test_fifth_wrong_password_ends_the_session(with_door: Test) -> None:
    async def test(door: Door) -> None:
        client = await Client.connect(door, tls=True)
        await client.reply()
        await client.ask("EHLO client.example.org")
        wrong = f"AUTH PLAIN {plain(door.login()[0], WRONG)}"
        answers = [(await client.ask(wrong))[:9] for _ in range(5)]

        assert answers == ["535 5.7.8"] * 4 + ["421 4.7.0"]
        assert await client.reply() == []

    with_door(test)


def test_wait_grows_for_who_failed(with_door: Test) -> None:
    async def test(door: Door) -> None:
        waits = []
        for _ in range(4):
            started = time.monotonic()
            await fail(door, door.login()[0], 1)
            waits.append(time.monotonic() - started)

        assert [wait >= least for wait, least in zip(waits, (0, 0.1, 0.2, 0.4), strict=True)] == [True] * 4

    with_door(test, Rules(first_delay_seconds=0.1, longest_delay_seconds=0.4))


def test_nobody_waits_for_who_failed(with_door: Test) -> None:
    async def test(door: Door) -> None:
        username, _ = door.login()
        await fail(door, username, 1)
        guesser = await Client.connect(door, tls=True)
        await guesser.reply()
        await guesser.ask("EHLO client.example.org")
        guesser.send(f"AUTH PLAIN {plain(username, WRONG)}\r\n".encode())
        waiting = asyncio.create_task(guesser.reply())

        assert (await log_in(door, *door.login("team"))).startswith("235 ")
        assert not waiting.done()
        waiting.cancel()

    with_door(test, Rules(first_delay_seconds=60, longest_delay_seconds=60))


def test_many_at_once_are_answered_or_shut_out_and_hold_no_connection(with_door: Test) -> None:
    async def test(door: Door) -> None:
        await fail(door, door.login()[0], 1)
        answers = await asyncio.gather(*(log_in(door, door.login()[0], WRONG) for _ in range(40)))

        assert {answer[:9] for answer in answers} == {"535 5.7.8", "421 4.7.0"}
        assert sum(answer.startswith("535 ") for answer in answers) <= 20
        assert (await log_in(door, *door.login("team"))).startswith("235 ")

    with_door(test, Rules(first_delay_seconds=1))


def test_key_that_has_ended_hears_so_however_often_it_asks(with_door: Test) -> None:
    async def test(door: Door) -> None:
        await door.revoke("normal")
        for _ in range(12):
            assert "revoked or has expired" in await log_in(door, *door.login())

        assert door.metric("relay_auth_failures_total", reason="revoked") == 12

    with_door(test)


def test_service_on_hold_is_not_banned_for_trying(with_door: Test) -> None:
    async def test(door: Door) -> None:
        service_id = door.issued["normal"].key.service_id
        async with door.database.write() as connection:
            await services.hold(connection, Limits(), service_id)
        for _ in range(12):
            assert (await log_in(door, *door.login())).startswith("451 4.7.1 ")
        async with door.database.write() as connection:
            await services.release(connection, Limits(), service_id)
        door.clock.ahead_seconds = 6

        assert (await log_in(door, *door.login())).startswith("235 ")

    with_door(test)


def test_outage_of_ours_is_nobodys_failure(with_door: Test) -> None:
    async def test(door: Door) -> None:
        with away(door.database):
            for _ in range(12):
                assert (await log_in(door, *door.login())).startswith("454 4.7.0 ")

        assert (await log_in(door, *door.login())).startswith("235 ")

    with_door(test)


def test_twenty_user_names_shut_out_an_address_where_nobody_logs_in(with_door: Test) -> None:
    async def test(door: Door) -> None:
        for number in range(20):
            await fail(door, f"user-{number}", 1)

        assert (await log_in(door, *door.login())).startswith(BANNED)

    with_door(test)


def test_address_where_somebody_logged_in_today_is_not_shut_out(with_door: Test) -> None:
    async def test(door: Door) -> None:
        assert (await log_in(door, *door.login("team"))).startswith("235 ")
        for number in range(30):
            await fail(door, f"user-{number}", 1)

        assert (await log_in(door, *door.login("team"))).startswith("235 ")
        assert (await log_in(door, *door.login())).startswith("235 ")

    with_door(test)
