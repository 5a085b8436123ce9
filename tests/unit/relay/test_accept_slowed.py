"""What a slowed key sends and is not stored takes no place of what is."""

import pytest
from sqlalchemy import insert, select

from delivery.backlog.pressure import Pressure
from delivery.store.base import StoreUnavailable
from delivery.store.reputations import slowed_keys
from messages.message import IdempotencyKey, Lane
from messages.reply import Refused
from tests.fakes.principals import make_principal
from tests.harness.accepting import NOW, Away, acceptor, submission
from tests.harness.kept import Kept

PRINCIPAL = make_principal(per_minute=4)
EVERY_SECONDS = 3.6


@pytest.fixture
async def door(kept: Kept) -> Pressure:
    row = {"key_id": PRINCIPAL.key.id, "service_id": PRINCIPAL.service.id, "per_hour": 1000, "since": NOW}
    async with kept.database.write() as c:
        await c.execute(insert(slowed_keys), [row | {"rank": lane.rank, "next_at": NOW} for lane in Lane])
    pressure = Pressure(kept.database, lambda: NOW)
    await pressure.read()
    return pressure


async def places(kept: Kept) -> float:
    async with kept.database.read() as c:
        asked = select(slowed_keys.c.next_at).where(slowed_keys.c.rank == PRINCIPAL.lane.rank)
        next_at: float = (await c.execute(asked)).scalar_one()
    return round((next_at - NOW) / EVERY_SECONDS, 3)


async def test_what_a_limit_refuses_and_what_cannot_be_stored_gives_its_places_back(kept: Kept, door: Pressure) -> None:
    for names in (("a@b.ca", "c@d.ca", "e@f.ca"), ("g@h.ca",)):
        await acceptor(kept, pressure=door).accept(submission(*names), PRINCIPAL)
    for _ in range(3):
        with pytest.raises(Refused):
            await acceptor(kept, pressure=door).accept(submission("a@b.ca", "c@d.ca"), PRINCIPAL)
    with pytest.raises(StoreUnavailable):
        await acceptor(kept, Away(), pressure=door).accept(submission(), PRINCIPAL)
    assert await places(kept) == 4


async def test_who_got_it_before_takes_no_place_again(kept: Kept, door: Pressure) -> None:
    once = IdempotencyKey("k", None)
    for names in (("a@b.ca",), ("a@b.ca",), ("a@b.ca", "c@d.ca")):
        await acceptor(kept, pressure=door).accept(submission(*names, idempotency=once), PRINCIPAL)
    assert await places(kept) == 2
