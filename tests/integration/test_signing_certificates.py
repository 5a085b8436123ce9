"""What strangers can make us fetch: SNS's certificates, from a real server that counts."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from delivery.feedback.certificates import FetchedCertificates
from delivery.feedback.sns import CertificateUnavailable, Untrusted
from tests.fakes.sns import CERTIFICATE_PATH, CERTIFICATE_URL, certificate_pem


@dataclass
class Sns:
    url: str = ""
    asked: list[str] = field(default_factory=list)
    seconds: float = 0.0


@pytest.fixture
async def there() -> AsyncIterator[Sns]:
    found = Sns()

    async def answer(request: web.Request) -> web.Response:
        found.asked.append(request.path)
        await asyncio.sleep(found.seconds)
        if request.path == CERTIFICATE_PATH:
            return web.Response(body=certificate_pem())
        return web.Response(status=403) if "beef" in request.path else web.Response(body=b"no certificate")

    application = web.Application()
    application.router.add_get("/{name}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


def named(name: str) -> str:
    return CERTIFICATE_URL.replace("0badc0de0badc0de0badc0de0badc0de", name)


async def test_those_who_ask_at_once_share_one_fetch_and_later_ones_need_none(there: Sns) -> None:
    there.seconds = 0.1
    certificates = FetchedCertificates(there.url)
    found = await asyncio.gather(*(certificates.get(CERTIFICATE_URL) for _ in range(50)))
    assert len(set(map(id, [*found, await certificates.get(CERTIFICATE_URL)]))) == 1
    assert there.asked == [CERTIFICATE_PATH]


@pytest.mark.parametrize("name", ["beef", "00"], ids=["not there", "no certificate"])
async def test_what_is_none_is_remembered_for_a_while(there: Sns, name: str) -> None:
    now = 1000.0
    certificates = FetchedCertificates(there.url, lambda: now)
    for _ in range(20):
        with pytest.raises(Untrusted):
            await certificates.get(named(name))
    assert len(there.asked) == 1
    now += 301
    with pytest.raises(Untrusted):
        await certificates.get(named(name))
    assert len(there.asked) == 2


async def test_guesses_are_fetched_at_a_pace_and_what_is_known_goes_on(there: Sns) -> None:
    now = 1000.0
    certificates = FetchedCertificates(there.url, lambda: now)
    await certificates.get(CERTIFICATE_URL)
    outcomes = await asyncio.gather(
        *(certificates.get(named(f"{each:032x}")) for each in range(500)), return_exceptions=True
    )
    assert {type(each) for each in outcomes} == {Untrusted, CertificateUnavailable}
    assert len(there.asked) == 8
    await certificates.get(CERTIFICATE_URL)
    now += 60
    with pytest.raises(Untrusted):
        await certificates.get(named("f" * 32))
    assert len(there.asked) == 9


async def test_who_leaves_while_it_is_fetched_ends_it_for_nobody(there: Sns) -> None:
    there.seconds = 0.2
    certificates = FetchedCertificates(there.url)
    first = asyncio.create_task(certificates.get(CERTIFICATE_URL))
    second = asyncio.create_task(certificates.get(CERTIFICATE_URL))
    await asyncio.sleep(0.05)
    first.cancel()
    assert await second
