"""What comes back of a service's mail: how it is counted, when its lanes are held, who is told, and what lifts it."""

import os
from uuid import UUID, uuid4

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import insert, select

from auth import audit, notices
from auth.notices import Kind
from auth.services import OWN_ID
from config.database import Database
from config.keyring import Keyring
from delivery.figures.folding import Folding
from delivery.figures.tables import count_changes
from delivery.guard.reputation import HELD_LANES, ReputationGuard
from delivery.metrics import GuardMetrics
from delivery.queue import interventions
from delivery.queue.base import HoldReason
from delivery.queue.sql import SqlQueue
from delivery.store import reputations
from delivery.store.base import EventKind
from delivery.store.reputations import Level, Measure, reputation_changes
from delivery.store.reputations import reputations as judged
from messages.message import KeyType, Lane, Message, new_id
from messages.status import Status
from tests.harness.noon import NOW, message
from tests.harness.store import Store
from tests.harness.told import event, relayed

MINE, OTHER = uuid4(), uuid4()
DAY = 86_400.0


class Street:
    """A database on which services send, and one that guards it."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self.database, self.now = database, NOW + 60
        self.store, self.queue = Store(database, keyring), SqlQueue(database)
        self.guard = ReputationGuard(database, GuardMetrics(CollectorRegistry()), lambda: self.now)

    async def sent(
        self, number: int, service_id: UUID = MINE, *, status: Status = Status.DELIVERED, at: float = NOW
    ) -> None:
        """So many were accepted then, and ended like that."""
        row = {"service_id": service_id, "id": new_id(NOW, os.urandom(10)), "start": int(at // 900) * 900}
        row |= {"channel": "email", "door": "smtp", "key_type": "normal", "key_id": uuid4(), "template_id": uuid4()}
        async with self.database.write() as c:
            await c.execute(insert(count_changes), [row | {"status": status.value, "messages": number, "units": 0}])

    async def bad(
        self, number: int, measure: Measure = Measure.BOUNCES, service_id: UUID = MINE, *, at: float = NOW
    ) -> None:
        await self.database.transact(lambda c: reputations.note(c, [(service_id, at, measure)] * number))

    async def told(self, sent: Message, kind: EventKind, status: Status | None = None, **changes: object) -> None:
        await relayed(self.store, self.queue, sent, f"p-{sent.id}")
        await self.store.settling.learn([event(kind, status, provider_id=f"p-{sent.id}", **changes)], NOW + 1)

    async def counted(self) -> dict[tuple[UUID, str], int]:
        async with self.database.read() as c:
            rows = (await c.execute(select(reputation_changes))).all()
        return {(row.service_id, row.measure): row.messages for row in rows}

    async def holds(self, service_id: UUID = MINE) -> list[tuple[Lane, HoldReason]]:
        async with self.database.read() as c:
            return sorted((each.lane, each.reason) for each in await interventions.held(c, service_id))

    async def letters(self, service_id: UUID = MINE) -> list[str]:
        async with self.database.read() as c:
            fates = await notices.of_service(c, service_id, Kind.REPUTATION)
        return [fate.notice.said["change"] for fate in fates]

    async def acts(self) -> None:
        async with self.database.write() as c:
            await c.execute(judged.update().values(acted_at=self.now))


@pytest.fixture
def street(database: Database, keyring: Keyring) -> Street:
    return Street(database, keyring)


async def test_permanent_bounces_and_complaints_of_real_keys_count_and_nothing_else(street: Street) -> None:
    gone = Status.PERMANENT_FAILURE
    await street.told(message(service_id=MINE), EventKind.BOUNCE, gone, reason="no-email")
    await street.told(message(service_id=MINE, recipient="b@example.org"), EventKind.COMPLAINT)
    for kind, status, changes in (
        (EventKind.BOUNCE, Status.TEMPORARY_FAILURE, {}),
        (EventKind.BOUNCE, gone, {"reason": "on-account-suppression-list"}),
        (EventKind.COMPLAINT, None, {"reason": "not-spam"}),
        (EventKind.BOUNCE, gone, {"several": True}),
        (EventKind.DELIVERY, Status.DELIVERED, {}),
    ):
        await street.told(message(service_id=OTHER), kind, status, **changes)
    await street.told(message(service_id=OTHER, key_type=KeyType.TEST), EventKind.BOUNCE, gone)
    await street.told(message(service_id=OTHER, recipient="bounce@simulator.amazonses.com"), EventKind.BOUNCE, gone)

    assert await street.counted() == {(MINE, "bounces"): 1, (MINE, "complaints"): 1}


async def test_a_service_whose_mail_comes_back_is_warned_then_held_and_only_its_own_lanes(street: Street) -> None:
    for service_id in (MINE, OTHER):
        await street.sent(940, service_id)
    await street.bad(60)
    await street.bad(40, service_id=OTHER)
    await street.guard.step()
    assert (await street.letters(), await street.holds()) == (["warned"], [])

    await street.bad(60)
    for _ in range(2):
        street.now += 60
        await street.guard.step()
    assert await street.letters() == ["warned", "held"]
    assert await street.holds() == sorted((lane, HoldReason.BOUNCES) for lane in HELD_LANES)
    assert (await street.letters(OTHER), await street.holds(OTHER)) == ([], [])
    async with street.database.read() as c:
        (entry,) = await audit.find(c, 10)
    assert (entry.action, entry.actor_kind, entry.service_id) == ("queue.hold", "relay", MINE)
    assert entry.after == {"lanes": ["normal", "bulk"], "reason": "bounces", "bad": 120, "sent": 1060}


async def test_complaints_hold_by_their_own_marks_and_test_keys_sends_do_not_dilute_them(street: Street) -> None:
    await street.sent(2_000)
    await street.sent(5_000, status=Status.PERMANENT_FAILURE)  # suppressed: never sent
    await street.bad(10, Measure.COMPLAINTS)
    await street.guard.step()

    assert await street.holds() == sorted((lane, HoldReason.COMPLAINTS) for lane in HELD_LANES)


async def test_the_relay_s_own_mail_is_warned_of_and_never_held(street: Street) -> None:
    """One service whose senders take no notices would end the letters and notices of all others."""
    await street.bad(5_000, service_id=OWN_ID)
    for _ in range(2):
        street.now += 60
        await street.guard.step()
    assert (await street.holds(OWN_ID), await street.letters(OWN_ID)) == ([], ["warned"])


async def test_fewer_than_a_thousand_sends_hold_nobody(street: Street) -> None:
    await street.bad(999)
    await street.guard.step()

    assert (await street.holds(), await street.letters()) == ([], [])


async def test_a_hold_ends_when_the_day_is_over_and_the_service_has_acted(street: Street) -> None:
    await street.bad(1_000)
    await street.guard.step()
    street.now += DAY + 1800
    await street.guard.step()
    assert await street.holds()

    await street.acts()
    await street.guard.step()
    assert (await street.holds(), await street.letters()) == ([], ["held", "lifted"])


@pytest.mark.parametrize("owner", [MINE, None], ids=["its own hold", "a hold of all"])
async def test_the_letter_of_a_hold_s_end_names_what_still_holds(street: Street, owner: UUID | None) -> None:
    await street.bad(1_000)
    await street.guard.step()
    async with street.database.write() as c:
        await interventions.hold(c, owner, street.now)
    street.now += DAY + 1800
    await street.acts()
    await street.guard.step()
    assert {reason for _, reason in await street.holds()} == {HoldReason.OPERATOR}
    async with street.database.read() as c:
        last = (await notices.of_service(c, MINE, Kind.REPUTATION))[-1].notice.said
    assert (last["change"], last["still"]) == ("lifted", ["operator"])


async def test_a_good_day_is_not_judged_by_what_came_back_in_its_last_minutes(street: Street) -> None:
    """Folded, what was sent counts by the hour; what came back by the quarter."""
    late = NOW + 50 * 60
    await street.sent(40_000, at=late)
    await street.bad(1_500, at=late)
    await Folding(street.database).fold(NOW + 3600)
    for minutes in range(-10, 130, 5):
        street.now = NOW + DAY + minutes * 60
        await street.guard.step()
    assert (await street.holds(), await street.letters()) == ([], [])


async def test_who_is_released_by_an_operator_is_not_held_again_for_what_was_before(street: Street) -> None:
    await street.bad(1_000)
    await street.guard.step()
    async with street.database.write() as c:
        await interventions.release(c, MINE)
    for _ in range(2):
        street.now += 60
        await street.guard.step()
    assert (await street.holds(), await street.letters()) == ([], ["held"])

    await street.bad(1_000)
    street.now += 60
    await street.guard.step()
    assert await street.holds()
    assert await street.letters() == ["held", "held"]


async def test_what_was_noted_goes_and_so_does_a_judgement_that_is_over(street: Street) -> None:
    await street.sent(940)
    await street.bad(60)
    await street.guard.step()
    for days in (3, 6):
        street.now = NOW + days * DAY
        await street.guard.step()

    assert await street.counted() == {}
    async with street.database.read() as c:
        assert (await c.execute(select(judged))).all() == []
    assert Level.FINE.value not in await street.letters()
