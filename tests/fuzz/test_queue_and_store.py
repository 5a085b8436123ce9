"""Any interleaving of what clients, workers, providers, people and the clock do to a message comes to a legal end.

The machine plays them all over the real queue and store, and keeps beside them what it knows: whose a message is, which
calls went out, which were taken. Workers may be slow: a claim whose lease ran out is still used, and must come to
nothing.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID, uuid5

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select

from config.database import Database
from config.keyring import Keyring
from delivery.backoff import unknown_wait_seconds
from delivery.figures.tables import FOLDED, count_changes
from delivery.queue import interventions
from delivery.queue.base import Claim
from delivery.queue.lines import Lines
from delivery.queue.sql import SqlQueue
from delivery.store.base import Attempt, Event, EventKind, Outcome, Record
from delivery.store.tables import attempts, contents, events, holds, messages, queue
from messages.message import Channel, KeyType, Lane, Message, new_id
from messages.status import FINAL, Status, advance
from tests.harness.counted import kept, recounted
from tests.harness.migrated import migrated
from tests.harness.noon import NOW, message
from tests.harness.store import Store, group_of
from tests.harness.texts import add_sender

WORKERS = ("a", "b", "c")
SERVICES = (UUID(int=1), UUID(int=2))
LEASE, WAIT, LATER = 60.0, 180.0, 5.0
REPEATABLE = {(Channel.EMAIL, True)}  # test keys': the simulator's
TOLD = {
    EventKind.SEND: None,
    EventKind.DELIVERY: Status.DELIVERED,
    EventKind.BOUNCE: Status.PERMANENT_FAILURE,
    EventKind.DELAY: None,
}


@dataclass(eq=False)
class Call:
    """A call to the provider. Its worker may die and never hear of its end."""

    letter: "Letter"
    attempt: Attempt
    worker: str
    lease_until: float
    taken: bool  # the provider has it, whatever it answers
    alive: bool = True

    @property
    def provider_id(self) -> str:
        return f"p-{self.attempt.id}"


@dataclass(eq=False)
class Letter:
    """What the machine knows of one message."""

    message: Message
    due_at: float
    status: Status = Status.CREATED
    waiting: bool = True  # in the queue
    left: bool = False  # we know that a provider took it
    attempts: int = 0
    owner: str | None = None
    open: Call | None = None  # whose end is not known here
    parked: bool = False
    lined: bool = False  # waits for its pace
    calls: list[Call] = field(default_factory=list)

    @property
    def under_way(self) -> bool:
        return self.open is not None and not self.parked

    def moved(self, status: Status) -> None:
        self.status = advance(self.status, status)

    def parks_until(self) -> float:
        test = self.message.key_type is KeyType.TEST
        return 0.0 if test else unknown_wait_seconds(self.message.lane, WAIT)


class World:
    """A database and a loop for all examples of a run."""

    def __init__(self, url: str, keyring: Keyring) -> None:
        self.runner = asyncio.Runner()
        self.database: Database = self.runner.run(migrated(url, **({"synchronous": "OFF"} if "sqlite" in url else {})))
        self.store, self.queue = Store(self.database, keyring), SqlQueue(self.database)
        self.lines = Lines(self.database)
        self.line = self.runner.run(add_sender(self.database, "+16135550100", 1000, NOW)).id
        self.done: Counter[str] = Counter()

    def close(self) -> None:
        self.runner.run(self.database.close())
        self.runner.close()

    async def empty(self) -> None:
        async with self.database.write() as connection:
            for table in (attempts, contents, count_changes, events, holds, queue, messages, *FOLDED):
                await connection.execute(delete(table))


class Machine(RuleBasedStateMachine):
    def __init__(self, world: World) -> None:
        super().__init__()
        self.world, self.run = world, world.runner.run
        self.store, self.queue = world.store, world.queue
        self.now = NOW
        self.letters: dict[UUID, Letter] = {}
        self.hands: dict[str, list[Claim]] = {name: [] for name in WORKERS}
        self.calls: list[Call] = []  # whose workers live, and have not written down what came of them
        self.held: set[UUID] = set()

    @initialize()
    def begin(self) -> None:
        self.run(self.world.empty())

    # -- clients, people, the clock --------------------------------------------------------------------------------

    @rule(
        lane=st.sampled_from(Lane),
        service=st.sampled_from(SERVICES),
        test=st.booleans(),
        later=st.sampled_from((0, 0, 0, 90)),
    )
    def put(self, lane: Lane, service: UUID, test: bool, later: int) -> None:
        made = message(
            lane=lane,
            service_id=service,
            key_type=KeyType.TEST if test else KeyType.NORMAL,
            created_at=self.now,
            scheduled_for=self.now + later if later else None,
            expires_at=self.now + 1e9,
        )
        self.run(self.store.putting.put(group_of((made,), b"x")))
        self.letters[made.id] = Letter(made, self.now + later)

    @precondition(lambda self: self.letters)
    @rule(seconds=st.sampled_from((1, 6, 31, 61, 181)))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @precondition(lambda self: self.letters)
    @rule(service=st.sampled_from(SERVICES))
    def hold_or_release(self, service: UUID) -> None:
        if service in self.held:
            assert self.run(self._intervene(interventions.release, service))
        else:
            assert self.run(self._intervene(interventions.hold, service, self.now))
        self.held ^= {service}

    @precondition(lambda self: self.letters)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        letter = data.draw(st.sampled_from(list(self.letters.values())))
        can = letter.waiting and letter.status is Status.CREATED and letter.open is None
        done = self.run(self._intervene(interventions.cancel, {letter.message.id}, self.now, ()))
        assert done == ({letter.message.id} if can else set())
        if can:
            letter.waiting = False
            letter.moved(Status.CANCELLED)

    @precondition(lambda self: self.letters)
    @rule()
    def retry(self) -> None:
        self.run(self._intervene(interventions.retry, self.now, list(self.letters)))
        for letter in self.letters.values():
            if letter.owner is None and not (letter.parked or letter.lined) and letter.due_at > self.now:
                scheduled = letter.message.scheduled_for
                letter.due_at = self.now if scheduled is None or scheduled <= self.now else letter.due_at

    async def _intervene(self, what: object, *arguments: object) -> object:
        async with self.world.database.write() as connection:
            return await what(connection, *arguments)  # type: ignore[operator]

    # -- workers ---------------------------------------------------------------------------------------------------

    @precondition(lambda self: any(each.waiting for each in self.letters.values()))
    @rule(worker=st.sampled_from(WORKERS), limit=st.integers(1, 4))
    def claim(self, worker: str, limit: int) -> None:
        for claim in self._claimed(worker, limit):
            letter = self.letters[claim.message_id]
            assert letter.waiting
            assert letter.due_at <= self.now, "before its time, or from the hands of somebody who lives"
            assert letter.message.service_id not in self.held
            assert (claim.attempts, claim.unknown) == (letter.attempts, letter.open is not None)
            if letter.open is not None:
                assert letter.open.attempt.started_at + letter.parks_until() <= self.now
            letter.owner, letter.lined, letter.due_at = worker, False, self.now + LEASE
            self.hands[worker].append(claim)

    @precondition(lambda self: any(self.hands.values()))
    @rule(data=st.data())
    def line_up(self, data: st.DataObject) -> None:
        """What has to wait for a pace; the claim may be an old one."""
        worker = data.draw(st.sampled_from([name for name in WORKERS if self.hands[name]]))
        claim = self.hands[worker].pop()
        letter = self.letters[claim.message_id]
        self.run(self.world.lines.line_up([(letter.message, self.world.line)], worker))
        if letter.waiting and letter.owner == worker and not letter.under_way:
            letter.owner, letter.lined, letter.due_at = None, True, letter.message.expires_at

    @precondition(lambda self: not self.held and any(each.lined for each in self.letters.values()))
    @rule(worker=st.sampled_from(WORKERS), limit=st.integers(1, 4))
    def claim_of_line(self, worker: str, limit: int) -> None:
        self.hands[worker] += self._claimed_of_line(worker, limit)

    def _claimed_of_line(self, worker: str, limit: int) -> list[Claim]:
        claims = self.run(self.world.lines.claim(self.world.line, limit, worker, self.now + LEASE))
        for claim in claims:
            letter = self.letters[claim.message_id]
            assert letter.waiting
            assert letter.lined
            assert (claim.attempts, claim.unknown) == (letter.attempts, letter.open is not None)
            letter.owner, letter.lined, letter.due_at = worker, False, self.now + LEASE
        return claims

    def _claimed(self, worker: str, limit: int) -> list[Claim]:
        claims = self.run(self.queue.claim(worker, limit, self.now, LEASE, WAIT, repeatable=REPEATABLE))
        taken = {claim.message_id for claim in claims}
        # Whoever was found with an attempt of somebody who died is parked, or free to be claimed next time.
        rows = {row.message_id: row for row in self.run(self._rows())}
        for letter in self.letters.values():
            row = rows.get(letter.message.id)
            assert (row is not None) == letter.waiting
            if row is not None and row.parked and not letter.parked and letter.message.id not in taken:
                assert letter.open is not None
                letter.parked, letter.owner, letter.due_at = True, None, row.available_at
                assert row.available_at == letter.open.attempt.started_at + letter.parks_until()
        return claims

    async def _rows(self) -> list[object]:
        async with self.world.database.read() as connection:
            return list(await connection.execute(select(queue)))

    @precondition(lambda self: any(self.hands.values()))
    @rule(data=st.data())
    def attempt(self, data: st.DataObject) -> None:
        """Of what a worker has in hand, however old: some leases ran out meanwhile."""
        worker = data.draw(st.sampled_from([name for name in WORKERS if self.hands[name]]))
        some = data.draw(st.lists(st.sampled_from(self.hands[worker]), min_size=1, max_size=3, unique=True))
        takes = data.draw(st.booleans())
        self.hands[worker] = [claim for claim in self.hands[worker] if claim not in some]
        self._attempted(worker, some, takes)

    def _attempted(self, worker: str, some: list[Claim], takes: bool) -> list[Call]:
        tries = {
            claim: Attempt(new_id(self.now, os.urandom(10)), claim.message_id, claim.attempts + 1, "ses", self.now)
            for claim in some
        }
        ours = self.run(self.store.attempting.attempt(list(tries.values()), worker, self.now + LEASE))
        begun = []
        for claim, tried in tries.items():
            letter = self.letters[claim.message_id]
            mine = letter.waiting and letter.owner == worker and letter.attempts == claim.attempts
            assert (claim.message_id in ours) == mine
            if mine:
                begun.append(self._call(letter, tried, worker, takes))
        return begun

    def _call(self, letter: Letter, tried: Attempt, worker: str, takes: bool) -> Call:
        assert not letter.left, "sent again though its provider had told"
        others = [call for call in letter.calls if call in self.calls and call.lease_until > self.now]
        assert others == [], "two workers at once"
        call = Call(letter, tried, worker, self.now + LEASE, takes)
        letter.calls.append(call)
        letter.attempts, letter.open, letter.parked = letter.attempts + 1, call, False
        letter.due_at = call.lease_until
        self.calls.append(call)
        self.world.done["calls"] += 1
        return call

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def record(self, data: st.DataObject) -> None:
        call = data.draw(st.sampled_from(self.calls))
        ends = (Outcome.RELAYED, Outcome.UNKNOWN)
        if not call.taken:
            ends = (Outcome.UNKNOWN, Outcome.THROTTLED, Outcome.DEFERRED, Outcome.FAILED)
        self._recorded(call, data.draw(st.sampled_from(ends)))

    def _recorded(self, call: Call, outcome: Outcome) -> None:
        letter, status, until = call.letter, None, self.now + LATER
        if outcome is Outcome.RELAYED:
            status = Status.SENDING
        elif outcome is Outcome.FAILED:
            status = Status.TECHNICAL_FAILURE
        elif outcome is Outcome.UNKNOWN:
            until = self.now + letter.parks_until()
        provider_id = call.provider_id if outcome is Outcome.RELAYED else None
        told = Record(letter.message.id, call.attempt.id, outcome, self.now, status, provider_id, "said", until)
        self.run(self.store.attempting.record(told))
        self.calls.remove(call)
        if outcome is Outcome.RELAYED:
            letter.waiting, letter.left = False, True
            letter.moved(Status.SENDING)
        elif outcome is Outcome.FAILED:
            if not letter.left:
                letter.moved(Status.TECHNICAL_FAILURE)
            letter.waiting = False
        elif letter.waiting and letter.open is call:
            letter.owner, letter.due_at = None, until
            letter.parked = outcome is Outcome.UNKNOWN
            letter.open = call if letter.parked else None
            letter.attempts -= outcome is Outcome.THROTTLED

    @precondition(lambda self: self.calls or any(self.hands.values()))
    @rule(worker=st.sampled_from(WORKERS), restarts=st.booleans())
    def crash(self, worker: str, restarts: bool) -> None:
        self.hands[worker] = []
        self.calls = [call for call in self.calls if call.worker != worker]
        self.world.done["crashes"] += 1
        if restarts:
            mine = [each for each in self.letters.values() if each.waiting and each.owner == worker]
            assert self.run(self.queue.release(worker, self.now)) == len(mine)
            for letter in mine:
                letter.owner, letter.due_at = None, self.now

    @precondition(lambda self: any(self.hands.values()))
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        worker = data.draw(st.sampled_from([name for name in WORKERS if self.hands[name]]))
        claim = self.hands[worker].pop()
        self.run(self.queue.give_back([claim.message_id], self.now + LATER))
        letter = self.letters[claim.message_id]
        if letter.waiting and not letter.under_way:  # of a successor that has not begun, too: it finds it gone
            letter.owner, letter.due_at = None, self.now + LATER

    @precondition(lambda self: any(self.hands.values()))
    @rule(data=st.data(), outcome=st.sampled_from((Outcome.EXPIRED, Outcome.STOPPED)))
    def end(self, data: st.DataObject, outcome: Outcome) -> None:
        """A claimed message is found expired, or its recipient is not to be written to; the claim may be an old one."""
        worker = data.draw(st.sampled_from([name for name in WORKERS if self.hands[name]]))
        letter = self.letters[self.hands[worker].pop().message_id]
        status = Status.PERMANENT_FAILURE if outcome is Outcome.STOPPED else None
        self.run(
            self.store.attempting.record(Record(letter.message.id, None, outcome, self.now, status, reason="said"))
        )
        if letter.waiting and not letter.under_way:
            letter.waiting = False
            letter.moved(status or Status.TECHNICAL_FAILURE)

    # -- providers -------------------------------------------------------------------------------------------------

    @precondition(lambda self: any(call.taken for each in self.letters.values() for call in each.calls))
    @rule(data=st.data())
    def hear(self, data: st.DataObject) -> None:
        """An event of a call that was taken: early, late, again, and without our tags."""
        taken = [call for letter in self.letters.values() for call in letter.calls if call.taken]
        call, kind = data.draw(st.sampled_from(taken)), data.draw(st.sampled_from(list(TOLD)))
        self._heard(call, kind, tagged=data.draw(st.booleans()))

    def _heard(self, call: Call, kind: EventKind, *, tagged: bool) -> None:
        letter, status = call.letter, TOLD[kind]
        ids = (letter.message.id, call.attempt.id) if tagged else (None, None)
        event_id = uuid5(call.attempt.id, kind)
        told = Event(event_id, kind, "ses", call.provider_id, *ids, at=self.now, status=status)
        self.run(self.store.settling.learn([told], self.now))
        self.world.done["events"] += 1
        if tagged and not letter.left:
            letter.waiting, letter.left = False, True
            letter.moved(Status.SENDING)

    # -- always, and in the end ------------------------------------------------------------------------------------

    @invariant()
    def each_message_waits_or_has_left(self) -> None:
        for row in self.run(self._statuses()):
            letter, status = self.letters[row.id], Status(row.status)
            assert letter.waiting or status is not Status.CREATED
            assert not (letter.waiting and status is not Status.CREATED)

    async def _statuses(self) -> list[object]:
        async with self.world.database.read() as connection:
            return list(await connection.execute(select(messages.c.id, messages.c.status)))

    def teardown(self) -> None:
        try:
            self._end()
        finally:
            self.world.done["runs"] += 1

    def _end(self) -> None:
        """Everybody dies, holds end, and one worker is left: all that waits goes out, and its end is told."""
        for worker in WORKERS:
            self.crash(worker, restarts=False)
        for service in list(self.held):
            self.hold_or_release(service)
        for _ in range(2):
            self.now += 1000
            while claims := self._claimed("last", 10) + self._claimed_of_line("last", 10):
                for claim in claims:
                    self.letters[claim.message_id].owner = "last"
                for call in self._attempted("last", claims, takes=True):
                    self._recorded(call, Outcome.RELAYED)
        for letter in self.letters.values():
            assert not letter.waiting
            for call in letter.calls[-1:]:
                if call.taken:
                    self._heard(call, EventKind.DELIVERY, tagged=True)
        self.run(self.store.settling.time_out(self.now + 1, self.now))
        self.run(self._ended())

    async def _ended(self) -> None:
        assert await self._rows() == []
        ends = {row.id: Status(row.status) for row in await self._statuses()}
        assert set(ends) == set(self.letters)
        assert set(ends.values()) <= FINAL
        for letter in self.letters.values():
            if letter.status in FINAL and not letter.left:
                assert ends[letter.message.id] is letter.status
        async with self.world.database.read() as connection:
            never = await connection.scalars(select(attempts.c.id).where(attempts.c.ended_at.is_(None)))
            assert never.all() == []
            assert await kept(connection) == await recounted(connection)
        self.world.done["messages"] += len(ends)


@pytest.fixture
def world(database_url: str, keyring: Keyring) -> Iterator[World]:
    made = World(database_url, keyring)
    yield made
    made.close()


def test_every_message_ends_once_and_is_one_workers_at_a_time(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    few = settings(
        max_examples=max(settings.default.max_examples // 10, 2),  # each takes a hundred times as long as others do
        stateful_step_count=40,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(lambda: Machine(world), settings=few)
    with capsys.disabled():
        print(f"\n{world.database.engine.dialect.name}: {dict(world.done)}")
