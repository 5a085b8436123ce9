"""Asking resolvers over real sockets: what is there, what is not, and what nobody knows."""

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from auth.domains.resolvers import Answer, Found, Missing, Resolver, Unknown, ask_all, configured
from config.settings import Dns
from tests.fakes.dns import FakeDns

NAME = "nr202611._domainkey.mail.example.ca"
LONG = "v=DKIM1; k=rsa; p=" + "A" * 400


async def ask(dns: FakeDns, name: str = NAME, type_: str = "TXT", seconds: float = 30) -> Answer:
    return await Resolver("127.0.0.1", dns.port, seconds).ask(name, type_)


async def test_strings_of_a_record_are_joined_and_records_are_kept_apart() -> None:
    async with FakeDns({(NAME, "TXT"): [LONG, "other"]}, ttl=120) as dns:
        answer = await ask(dns)

    assert answer == Found(("other", LONG), 120)


async def test_mail_exchanger_is_preference_and_host_in_lower_case() -> None:
    async with FakeDns({("mail.example.ca", "MX"): ["10 Feedback-SMTP.example.com"]}) as dns:
        assert await ask(dns, "mail.example.ca", "MX") == Found(("10 feedback-smtp.example.com",), 300)


async def test_alias_is_followed() -> None:
    async with FakeDns({(NAME, "CNAME"): ["keys.example.net"], ("keys.example.net", "TXT"): ["key"]}) as dns:
        assert await ask(dns) == Found(("key",), 300)


@pytest.mark.parametrize(
    ("name", "type_", "no_such_name"),
    [("none.example.ca", "TXT", True), (NAME, "MX", False), ("example.ca", "TXT", False)],
)
async def test_no_such_name_and_no_such_record_are_missing(name: str, type_: str, no_such_name: bool) -> None:
    async with FakeDns({(NAME, "TXT"): ["key"]}) as dns:
        assert await ask(dns, name, type_) == Missing(no_such_name)


@pytest.mark.parametrize("trouble", ["servfail", "refused", "garbage", "silence", "referral", "empty"])
async def test_trouble_of_a_resolver_is_no_answer_and_costs_its_time_at_most(trouble: str) -> None:
    async with FakeDns({(NAME, "TXT"): ["key"]}, trouble={"*": trouble}) as dns:
        started = time.monotonic()
        answer = await ask(dns, seconds=0.4)
        assert time.monotonic() - started < 5

    assert isinstance(answer, Unknown)


async def test_resolver_that_is_not_there_is_no_answer() -> None:
    async with FakeDns() as dns:
        pass
    assert isinstance(await ask(dns, seconds=0.3), Unknown)


async def test_question_that_gets_lost_is_asked_again() -> None:
    async with FakeDns({(NAME, "TXT"): ["key"]}, trouble={"*": "silence"}) as dns:
        asking = asyncio.create_task(ask(dns))
        while not dns.asked:
            await asyncio.sleep(0.01)
        dns.trouble.clear()
        assert await asking == Found(("key",), 300)


async def test_answer_that_is_too_large_comes_by_tcp() -> None:
    async with FakeDns({(NAME, "TXT"): [LONG]}, trouble={"*": "truncate"}) as dns:
        assert await ask(dns) == Found((LONG,), 300)
        assert [transport for *_, transport in dns.asked] == ["udp", "tcp"]


async def test_name_that_dns_cannot_have_is_no_answer() -> None:
    async with FakeDns() as dns:
        assert isinstance(await ask(dns, "a" * 64 + ".example.ca"), Unknown)


async def test_all_configured_resolvers_are_asked_and_may_differ() -> None:
    async with AsyncExitStack() as stack:
        right = await stack.enter_async_context(FakeDns({(NAME, "TXT"): ["key"]}))
        behind = await stack.enter_async_context(FakeDns())
        broken = await stack.enter_async_context(FakeDns(trouble={"*": "servfail"}))
        settings = Dns.model_validate(
            {"resolvers": ",".join(each.address for each in (right, behind, broken)), "timeout_seconds": 30}
        )
        resolvers = configured(settings)
        answers = await ask_all(resolvers, NAME, "TXT")

    assert [each.name for each in resolvers] == [right.address, behind.address, broken.address]
    assert answers == [Found(("key",), 300), Missing(no_such_name=True), Unknown("failure")]


def test_names_of_resolvers_are_as_they_are_set() -> None:
    names = [each.name for each in configured(Dns.model_validate({"resolvers": "192.0.2.1,[2001:db8::1]:5353,::1"}))]

    assert names == ["192.0.2.1", "[2001:db8::1]:5353", "::1"]


def test_without_a_setting_the_system_is_asked_which_resolvers_it_has() -> None:
    assert configured(Dns())
