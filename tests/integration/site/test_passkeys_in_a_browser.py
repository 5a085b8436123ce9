"""Passkeys in Chromium, with a device that it simulates: it is the browser that says what ours is worth."""

import asyncio
import json
import os
from typing import Any

import pytest_asyncio

from auth.people import passkeys
from auth.people.passkeys import Passkey
from tests.conftest import skip_or_fail
from tests.harness.branded import NODE, missing
from tests.harness.people import Somebody, somebody
from tests.harness.site import RunningSite


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def amala(site: RunningSite) -> Somebody:
    return await somebody(site, "amala@dept.example.ca", has_app=False)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seen(site: RunningSite, amala: Somebody) -> dict[str, Any]:
    if problem := missing():
        skip_or_fail(f"PASSKEYS NOT TRIED IN A BROWSER: {problem}")
    asked = {
        "url": site.url.replace("127.0.0.1", "localhost"),  # a browser binds no passkey to an IP address
        "cookies": [*amala.browser.cookies.items()],
        "picture": os.environ.get("RELAY_TESTS_PICTURE"),
    }
    node = await asyncio.create_subprocess_exec(
        "node", NODE / "passkeys.cjs", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(node.communicate(json.dumps(asked).encode()), 120)
    assert node.returncode == 0
    found: dict[str, Any] = json.loads(out)
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kept(site: RunningSite, amala: Somebody, seen: dict[str, Any]) -> list[Passkey]:
    async with site.database.read() as connection:
        return await passkeys.of_user(connection, amala.user.id)


async def test_a_passkey_is_added(seen: dict[str, Any], kept: list[Passkey]) -> None:
    assert not seen["offered"]  # nothing of what is there without scripts
    assert "Laptop was added" in seen["list"]
    assert [each.name for each in kept] == ["Laptop"]


async def test_the_device_keeps_who_it_is_for_and_nothing_that_says_so(seen: dict[str, Any], amala: Somebody) -> None:
    (credential,) = seen["credentials"]
    assert credential["isResidentCredential"]
    assert credential["rpId"] == "localhost"
    assert amala.user.email not in json.dumps(credential.get("userHandle"))


async def test_it_proves_who_it_is_once_the_device_has_verified_them(seen: dict[str, Any], kept: list[Passkey]) -> None:
    assert seen["proved"] == "Your account"
    assert seen["renewed"]  # ASVS 7.2.4
    assert kept[0].used_at is not None


async def test_without_scripts_the_page_says_so_and_offers_an_app(seen: dict[str, Any]) -> None:
    assert "Passkeys need scripts" in seen["plain"]
    assert "Add an authenticator app instead" in seen["plain"]
    assert "Add the passkey" not in seen["plain"]


async def test_the_policy_of_the_pages_blocks_nothing_of_it(seen: dict[str, Any]) -> None:
    assert [each for each in seen["complaints"] if "favicon" not in each] == []
