"""Twenty services behind one address, one of which tries wrong passwords without end: the others notice nothing."""

import asyncio
import base64
import ssl
import time
from collections import Counter
from collections.abc import Callable
from statistics import quantiles

import pytest

from tests.harness.load import NotAccepted, connected, login, trusting_context
from tests.harness.relay import Credentials, Relay
from tests.harness.sampled import sampled

NEIGHBOURS = 19
GUESSES_PER_SECOND = 50
PAUSE_SECONDS = 0.5  # of a neighbour, between two log-ins: 38 a second in all


async def guess(port: int, username: str, context: ssl.SSLContext) -> str:
    """One log-in with a wrong password, on a connection of its own; the reply's code."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        await reader.readline()
        initial = base64.b64encode(f"\0{username}\0{'0' * 32}".encode())
        writer.write(b"EHLO guesser.example\r\nAUTH PLAIN " + initial + b"\r\n")
        while (line := await reader.readline()).startswith(b"250"):
            pass
        return line[:3].decode()
    finally:
        writer.transport.abort()


async def guess_steadily(port: int, username: str, until: float) -> Counter[str]:
    context, began, guesses = trusting_context(), time.monotonic(), []
    while time.monotonic() < until:
        await asyncio.sleep(began + len(guesses) / GUESSES_PER_SECOND - time.monotonic())
        guesses.append(asyncio.create_task(guess(port, username, context)))
    return Counter(await asyncio.gather(*guesses))


async def log_in_steadily(port: int, key: Credentials, offset: float, until: float) -> tuple[list[float], list[str]]:
    """Seconds from the first octet of TLS to 235, log-in for log-in; and what else was heard."""
    context, times, refusals = trusting_context(), [], []
    await asyncio.sleep(offset)
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            async with connected(port, *login(key), context):
                times.append(time.monotonic() - began)
        except (NotAccepted, OSError, asyncio.IncompleteReadError) as error:
            refusals.append(str(error))
        await asyncio.sleep(max(began + PAUSE_SECONDS - time.monotonic(), 0))
    return times, refusals


# Two cores carry the relay's processes, the guesses and whatever other tests run: the bar itself in `make soak`.
@pytest.mark.parametrize(
    ("seconds", "bar_seconds"),
    [*sampled([(4, 1.0), (8, 1.0)], lambda at: at == 0), pytest.param(60, 0.3, marks=pytest.mark.soak)],
    ids=["sample", "short", "soak"],
)
def test_wrong_passwords_of_one_service_are_not_noticed_by_those_behind_the_same_address(
    make_relay: Callable[..., Relay], seconds: float, bar_seconds: float
) -> None:
    relay = make_relay(PROCESSES=2)
    guessed, *neighbours = (relay.create_key() for _ in range(NEIGHBOURS + 1))
    relay.start()

    async def run() -> tuple[Counter[str], list[tuple[list[float], list[str]]]]:
        until = time.monotonic() + seconds
        guessing = asyncio.create_task(guess_steadily(relay.tls_port, guessed.username, until))
        offsets = (number * PAUSE_SECONDS / NEIGHBOURS for number in range(NEIGHBOURS))
        steady = (
            log_in_steadily(relay.tls_port, key, offset, until) for key, offset in zip(neighbours, offsets, strict=True)
        )
        found = await asyncio.gather(*steady)
        return await guessing, found

    guesses, found = asyncio.run(run())
    times = sorted(each for times, _ in found for each in times)
    p99 = quantiles(times, n=100)[98]
    print(
        f"\n{len(times)} log-ins of neighbours: median {times[len(times) // 2] * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms"
    )
    print(f"{guesses.total()} guesses: {dict(guesses)}")

    assert [refusal for _, refusals in found for refusal in refusals] == []
    assert len(times) > NEIGHBOURS * seconds  # each about twice a second
    assert p99 < bar_seconds
    assert set(guesses) == {"535", "421"}
    assert guesses["535"] <= 2 * (10 + 5)  # per process: what brings a ban, and what waited when it began
    (ban, *_) = relay.json("ban", "list")["bans"]
    assert (ban["address"], ban["whole"], ban["key_id"]) == ("127.0.0.1", False, guessed.key_id)
