"""Names and numbers that lead inside, with real sockets: here 127.0.0.2 plays the public Internet, 127.0.0.1 us."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from delivery.callbacks import guard
from delivery.callbacks.calls import Answer, CallOutcome, post
from tests.fakes.receiver import Receiver, Reply

PUBLIC, INSIDE = "127.0.0.2", "127.0.0.1"
FORBIDDEN = Answer(CallOutcome.FAILED, "forbidden-address")
NOWHERE = Answer(CallOutcome.DEFERRED, "dns")


@pytest.fixture
async def inside() -> AsyncIterator[Receiver]:
    """What nobody from outside may reach."""
    async with Receiver(host=INSIDE) as receiver:
        yield receiver


class Dns:
    """Answers by turns; the last one again and again."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.asked = 0
        self._answers = list(answers)

    async def __call__(self, host: str) -> Sequence[str]:
        self.asked += 1
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if not found:
            raise OSError
        return found


async def call(url: str, dns: Dns | None = None, allowed: guard.Allowed = lambda address: address == PUBLIC) -> Answer:
    async with guard.open_session(allowed, lookup=dns) as session:
        return await post(session, url, {}, b"{}", 2)


async def test_name_is_asked_once_and_that_answer_is_connected_to(inside: Receiver) -> None:
    dns = Dns([PUBLIC], [INSIDE])
    async with Receiver(host=PUBLIC) as outside:
        answer = await call(f"http://rebound.example:{outside.port}/", dns)
    assert (answer.outcome, dns.asked, len(outside.told)) == (CallOutcome.DONE, 1, 1)
    assert outside.told[0].headers["Host"] == f"rebound.example:{outside.port}"


async def test_name_that_answers_public_first_and_inside_next_never_leads_inside(inside: Receiver) -> None:
    dns = Dns([PUBLIC], [INSIDE])
    url = f"http://rebound.example:{inside.port}/"  # nobody listens there on the public address
    assert await call(url, dns) == Answer(CallOutcome.DEFERRED, "connection")
    assert await call(url, dns) == NOWHERE
    assert inside.told == []


async def test_name_with_an_address_inside_besides_is_called_outside_only(inside: Receiver) -> None:
    answer = await call(f"http://both.example:{inside.port}/", Dns([INSIDE, PUBLIC, INSIDE]))
    assert answer == Answer(CallOutcome.DEFERRED, "connection")
    assert inside.told == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.3", "[::1]", "[::ffff:127.0.0.1]"])
async def test_number_in_the_url_leads_nowhere_inside(inside: Receiver, host: str) -> None:
    assert await call(f"http://{host}:{inside.port}/") == FORBIDDEN
    assert await call(f"http://{host}:{inside.port}/", allowed=guard.is_public) == FORBIDDEN
    assert inside.told == []


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.1", "0", "127.0.0.0x1", "127.0.0.1."],
)
async def test_no_other_way_to_write_a_number_leads_inside(inside: Receiver, host: str) -> None:
    answer = await call(f"http://{host}:{inside.port}/", allowed=guard.is_public)
    assert answer.outcome is not CallOutcome.DONE
    assert inside.told == []


async def test_redirect_inside_is_not_followed(inside: Receiver) -> None:
    async with Receiver([Reply(307, {"Location": inside.url})], host=PUBLIC) as outside:
        assert (await call(outside.url)).outcome is CallOutcome.FAILED
    assert inside.told == []


async def test_proxy_of_the_environment_is_not_used(inside: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, inside.url)
    async with Receiver(host=PUBLIC) as outside:
        assert (await call(outside.url)).outcome is CallOutcome.DONE
        assert len(outside.told) == 1
    assert inside.told == []


async def test_name_that_is_not_found_may_be_found_later() -> None:
    assert await call("http://nowhere.example/", Dns([])) == NOWHERE


async def test_label_that_is_too_long_for_dns_raises_nothing() -> None:
    assert (await call(f"http://{'a' * 64}.example/")).outcome in (CallOutcome.DEFERRED, CallOutcome.FAILED)


async def test_name_that_hangs_ends_with_the_call() -> None:
    async def hang(_: str) -> Sequence[str]:
        await asyncio.sleep(3600)
        return ()

    async with guard.open_session(guard.is_public, lookup=hang) as session:
        assert await post(session, "http://slow.example/", {}, b"{}", 0.2) == Answer(CallOutcome.DEFERRED, "timeout")
        assert await post(session, "http://slow.example/", {}, b"{}", 0.2) == Answer(CallOutcome.DEFERRED, "timeout")


@pytest.mark.parametrize(
    "answer",
    [b"", b"not http\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 " + b"x" * 100_000, b"HTTP/1.1 200 OK\r\nA: "],
)
async def test_answer_that_is_not_http_is_trouble_of_the_receiver(answer: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, PUBLIC, 0)
    async with server:
        found = await call(f"http://{PUBLIC}:{server.sockets[0].getsockname()[1]}/")
    assert found == Answer(CallOutcome.DEFERRED, "connection")
