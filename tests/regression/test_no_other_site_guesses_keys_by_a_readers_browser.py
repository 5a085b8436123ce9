"""The form of /docs takes a key from its own pages only: another site's would count as its reader guessing."""

from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest

from tests.harness.http_door import Door, running_door
from tests.harness.migrated import migrated

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def door(sqlite_url: str) -> AsyncIterator[Door]:
    database = await migrated(sqlite_url, synchronous="OFF")
    async with running_door(database) as running:
        yield running
    await database.close()


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 401), ("same-site", 401), ("same-origin", 200), ("none", 200), (None, 200)]
)
async def test_a_key_is_looked_at_from_our_pages_only(door: Door, site: str | None, status: int) -> None:
    sent = {**FORM, **({"Sec-Fetch-Site": site} if site else {})}
    key = urlencode({"key": door.issued["normal"].api_key})
    answer = await door.ask("POST", "/docs/send_email", sent, data=key)
    assert answer.status == status
    assert (str(door.template.id) in answer.body.decode()) == (status == 200)


async def test_wrong_keys_that_another_site_sends_count_for_nobody(door: Door) -> None:
    wrong = urlencode({"key": door.issued["normal"].api_key[:-36] + "00000000-0000-4000-8000-000000000000"})
    for site, counted in (("cross-site", 0), ("same-origin", 1)):
        await door.ask("POST", "/docs/send_email", {**FORM, "Sec-Fetch-Site": site}, data=wrong)
        assert door.metric("relay_auth_failures_total", reason="credentials") == counted
