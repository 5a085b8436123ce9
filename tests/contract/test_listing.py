"""A service's messages page by page: complete, in order, and each page at a bounded price."""

import os
from typing import Any
from uuid import UUID, uuid4

import pytest

from config.database import Database
from config.keyring import Keyring
from delivery.figures.folding import Folding
from delivery.store.base import Page, Search
from delivery.store.listing import LOOKS, Listing
from delivery.store.rows import Codec
from messages.message import Channel, Door, Message, new_id
from messages.phone import PhoneNumber
from messages.status import Status
from tests.harness.noon import NOW, message
from tests.harness.store import Store, group_of

SERVICE, KEY, TEMPLATE = uuid4(), uuid4(), uuid4()
LOOK, DAY = 4, 86_400


@pytest.fixture
def listing(database: Database, keyring: Keyring) -> Listing:
    return Listing(database, Codec(keyring), LOOK)


async def sent(store: Store, count: int, **changes: Any) -> list[UUID]:
    """Messages of the service, a second after each other; newest first."""
    made = [at(n, **changes) for n in range(count)]
    for each in made:
        await store.putting.put(group_of((each,), b"hello"))
    return [each.id for each in reversed(made)]


def at(seconds: float, **changes: Any) -> Message:
    made = {"id": new_id(NOW + seconds, os.urandom(10)), "created_at": NOW + seconds, "service_id": SERVICE}
    return message(**(made | changes))


def ids(page: Page) -> list[UUID]:
    return [each.message.id for each in page.found]


async def every(listing: Listing, size: int, **wanted: Any) -> tuple[list[UUID], int]:
    """All that the pages show, and how many they are."""
    found: list[UUID] = []
    older, pages = None, 0
    while True:
        page = await listing.page(Search(service_id=SERVICE, **wanted), size, older)
        found, pages, older = found + ids(page), pages + 1, page.older_than
        if older is None:
            return found, pages


async def test_pages_show_each_message_once_and_newest_first(store: Store, listing: Listing) -> None:
    mine = await sent(store, 11)
    await sent(store, 3, service_id=uuid4())

    assert await every(listing, 5) == (mine, 3)
    assert await every(listing, 11) == (mine, 1)


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        ({"key_id": KEY}, {"key_id": KEY}),
        ({"template_id": TEMPLATE}, {"template_id": TEMPLATE}),
        (
            {"channel": Channel.SMS, "recipient": PhoneNumber("+16135550100")},
            {"channels": frozenset({Channel.SMS})},
        ),
        ({"recipient": "Wanted@example.org"}, {"recipient": "wanted@example.org"}),
    ],
)
async def test_a_filter_finds_what_fits_however_far_back(
    store: Store, listing: Listing, made: dict[str, Any], wanted: dict[str, Any]
) -> None:
    rare = at(-5, **made)
    await store.putting.put(group_of((rare,), b"hello"))
    await store.putting.put(group_of((at(-4, **made, service_id=uuid4()),), b"hello"))
    await sent(store, LOOK * LOOKS + 3)

    found, _ = await every(listing, 5, **wanted)

    assert found == [rare.id]


async def test_what_was_sent_together_is_found_at_once_however_far_back(store: Store, listing: Listing) -> None:
    together = [at(-n, group_id=KEY) for n in (1, 2)]
    await store.putting.put(group_of(together, b"hello"))
    await sent(store, LOOK * LOOKS + 3)

    assert await every(listing, 5, group_id=KEY) == ([each.id for each in together], 1)
    assert await every(listing, 1, group_id=KEY) == ([each.id for each in together], 2)


async def test_statuses_are_filtered_as_they_are_now(store: Store, listing: Listing) -> None:
    mine = await sent(store, 9)
    for each in mine[::3]:
        await store.settle(each, Status.TEMPORARY_FAILURE, NOW)

    found, _ = await every(listing, 2, statuses=frozenset({Status.TEMPORARY_FAILURE}))

    assert found == mine[::3]


async def test_a_filter_that_fits_nothing_looks_so_far_back_and_says_so(store: Store, listing: Listing) -> None:
    mine = await sent(store, LOOK * LOOKS + 1)

    nothing = Search(service_id=SERVICE, door=Door.SITE)

    page = await listing.page(nothing, 5)

    assert (page.found, page.older_than) == ((), mine[LOOK * LOOKS - 1])
    assert page.looked_back_to == NOW + 1
    assert await listing.page(nothing, 5, page.older_than) == Page(())


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize(
    "wanted", [{"key_id": KEY}, {"template_id": TEMPLATE}, {"key_id": KEY, "template_id": TEMPLATE}]
)
async def test_days_without_a_key_or_a_template_are_left_out(
    store: Store, database: Database, listing: Listing, wanted: dict[str, UUID], folded: bool
) -> None:
    rare = [at(-days * DAY, **wanted) for days in (3, 40, 400)]
    for each in rare:
        await store.putting.put(group_of((each,), b"hello"))
    await sent(store, LOOK * LOOKS * 2)
    if folded:
        await Folding(database).fold(NOW + 500 * DAY)

    page = await listing.page(Search(service_id=SERVICE, **wanted), 5)

    assert ids(page) == [each.id for each in rare]
    assert page.older_than is None
    failed = Search(service_id=SERVICE, **wanted, statuses=frozenset({Status.TEMPORARY_FAILURE}))
    assert await listing.page(failed, 5) == Page(())
    await store.settle(rare[1].id, Status.TEMPORARY_FAILURE, NOW)
    assert ids(await listing.page(failed, 5)) == [rare[1].id]


async def test_what_never_was_ends_the_list_at_once(store: Store, listing: Listing) -> None:
    await sent(store, LOOK * LOOKS + 1)

    assert await listing.page(Search(service_id=SERVICE, key_id=KEY), 5) == Page(())


async def test_a_page_ends_at_the_time_that_is_asked_for(store: Store, listing: Listing) -> None:
    mine = await sent(store, 10)

    found, _ = await every(listing, 3, since=NOW + 4, until=NOW + 8)

    assert found == mine[1:6]
    page = await listing.page(Search(service_id=SERVICE, since=NOW + 100, key_id=KEY), 3)
    assert page == Page(())
