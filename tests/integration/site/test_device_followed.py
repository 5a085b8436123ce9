"""Waiting for a device on the page of its product, in a real browser: swaks is the device, and the door is real."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from auth import keys, services
from auth.people.permissions import Permission
from messages.message import KeyType
from tests.conftest import skip_or_fail
from tests.harness.branded import missing
from tests.harness.sampled import sampled
from tests.harness.site import DOMAIN, Person, RunningSite
from tests.harness.site_door import smtp_beside

NODE = Path(__file__).parents[2] / "node"
WRONG = "the password is not"
ACCEPTED = "Message accepted, recipients: 1"


async def swaks(port: int, username: str, password: str) -> str:
    login = ("--auth", "LOGIN", "-au", username, "-ap", password)
    envelope = ("--from", "clerk@city.example", "--to", "reader@example.org")
    command = ("swaks", "--server", "127.0.0.1", "--port", str(port), "-tls", *login, *envelope)
    running = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await asyncio.wait_for(running.communicate(), 60)
    return said.decode()


async def a_key(site: RunningSite, product: str) -> keys.Issued:
    limits, now = site.site.settings.limits, site.clock()
    async with site.database.write() as connection:
        service = await services.create(
            connection,
            limits,
            now,
            name=f"Passports {product}",
            email_from=f"followed-{product}",
            domain=DOMAIN,
            live=True,
        )
        return await keys.create(
            connection, site.site.secret, limits, service, now, name="Scanner", type=KeyType.NORMAL
        )


@pytest.mark.parametrize("product", sampled(["swaks", "zabbix"], lambda at: at == 0))
async def test_the_page_shows_what_the_device_does_while_it_does_it(
    site: RunningSite, tmp_path: Path, product: str
) -> None:
    device = None if shutil.which("swaks") else "SWAKS IS NOT INSTALLED (Debian: apt-get install swaks)"
    if problem := missing() or device:
        skip_or_fail(f"NO DEVICE WAS FOLLOWED IN A BROWSER: {problem}")
    issued, person = await a_key(site, product), Person()
    site.people.members[person.id, issued.key.service_id] = frozenset({Permission.MANAGE_API_KEYS})
    browser = await site.signed_in(person)
    url = f"{site.url}en/services/{issued.key.service_id}/keys/{issued.key.id}/smtp/{product}"
    process = await asyncio.create_subprocess_exec(
        "node", NODE / "follow.cjs", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None

    async def told() -> Any:
        assert process.stdout is not None
        return json.loads(await asyncio.wait_for(process.stdout.readline(), 60))

    async with smtp_beside(site, tmp_path) as port:
        asked = {"url": url, "cookies": browser.cookies, "texts": [WRONG, ACCEPTED]}
        process.stdin.write(json.dumps(asked).encode() + b"\n")
        assert (await told())["open"].lower().startswith(f"set up {product}")
        await asyncio.sleep(3)  # the door learns once a second
        assert " 535 5.7.8 " in await swaks(port, issued.key.smtp_username, "0" * 32)
        assert await told() == {"text": WRONG, "said": "There is news of your device."}
        assert " 250 2.0.0 " in await swaks(port, issued.key.smtp_username, issued.smtp_password)
        assert (await told())["text"] == ACCEPTED
        assert await told() == {"violations": [], "complaints": []}
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 60) == 0
