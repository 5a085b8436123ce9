"""The queue where mail leaves at a rate that all workers of all machines share.

A claim and its places are taken in one transaction: what is claimed leaves within half a second, and whoever comes next
claims the message that is most urgent then. What has no rate is claimed as it always is, in turn with mail: where
workers are slower than the rate there is always room for more of that.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from config.database import Database, is_outage
from delivery.commit import GroupCommit
from delivery.queue.base import Claim, Kind, Slot, Turn
from delivery.queue.clock import Clock
from delivery.queue.lanes import Lanes
from delivery.queue.sql import SqlQueue, Taking
from delivery.queue.turns import wanted
from delivery.rate import shared
from delivery.rate.bucket import LEAD_SECONDS, Answers, Bucket
from messages.message import Channel

MAIL = Kind(Channel.EMAIL, test=False)  # what test keys send goes nowhere


class RatedQueue(SqlQueue):
    """Of one worker. Implements delivery.queue.base.Queue."""

    def __init__(self, database: Database, account: str) -> None:
        super().__init__(database)
        self._account = account
        self._clock = Clock()
        self._answers = Answers()
        self._seen: Bucket | None = None
        self._places: list[Slot] = []  # that were given back
        self._is_mail_s_turn = True
        self._lanes_of_mail = Lanes()  # what else is claimed meanwhile is no share of what those are owed
        self._late: GroupCommit[None, Slot | None] = GroupCommit(
            database.transact, lambda connection, late: self._others(connection, len(late)), is_outage=is_outage
        )

    def note(self, answers: Answers) -> None:
        """What the provider said; written down with the next claim."""
        self._answers += answers

    def give_back_places(self, places: Iterable[Slot]) -> None:
        """Of what is not sent: our next claims have them, if they still come in time."""
        self._places += places

    async def another(self) -> Slot | None:
        """For a message that missed its place; those who come together share a transaction. None: go."""
        return await self._late.submit(None)

    async def _claimed(self, taking: Taking) -> list[Claim]:
        waiting, kinds = wanted(await self._due(taking.now), taking.kinds), taking.kinds
        if not waiting:
            return []
        bucket = await self._bucket(wanted(waiting, {MAIL}))
        if bucket is None:
            return await self._claimed_of(waiting, taking)
        for is_mail in (self._is_mail_s_turn, not self._is_mail_s_turn):
            some = {MAIL} & set(kinds) if is_mail else set(kinds) - {MAIL}
            turns, less = wanted(waiting, some), replace(taking, kinds=some)
            if claims := await (self._claim_mail(bucket, turns, less) if is_mail else self._claimed_of(turns, less)):
                self._is_mail_s_turn = not is_mail
                return claims
        return []

    async def _bucket(self, turns: Mapping[int, Sequence[Turn]]) -> Bucket | None:
        """As our last claim left it, where some of these may leave by that: the next one looks at it anyway."""
        seen = self._seen
        if seen is not None and _of(seen, turns) and seen.room(self._clock.now()):
            return seen
        return await shared.find(self._database, self._account)

    async def _claim_mail(self, bucket: Bucket, turns: Mapping[int, Sequence[Turn]], taking: Taking) -> list[Claim]:
        if not (_of(bucket, turns) and (self._in_time() or bucket.room(self._clock.now()))):
            return []
        answers, self._answers = self._answers, Answers()
        try:
            return await self._database.transact(lambda c: self._take_mail(c, turns, taking, answers))
        except BaseException:
            self._answers += answers
            raise

    def _take_mail(
        self, connection: Connection, turns: Mapping[int, Sequence[Turn]], taking: Taking, answers: Answers
    ) -> list[Claim]:
        bucket = self._seen = shared.locked(connection, self._account, patient=False)
        if bucket is None:  # who has it takes what there is
            self.note(answers)
            return []
        now = self._clock.read(connection)  # locked: the time at which nobody else can take any more
        bucket = bucket.told(answers, now)
        turns = _of(bucket, turns)
        places = self._in_time()
        limit = min(taking.limit, len(places) + bucket.room(now))
        taking = replace(taking, limit=limit)
        claims = self._take(connection, turns, taking, self._lanes_of_mail) if turns and limit > 0 else []
        self._places = places[len(claims) :]
        bucket, slots = bucket.take(max(len(claims) - len(places), 0), now, self._clock.offset)
        shared.save(connection, self._account, bucket)
        self._seen = bucket
        return [replace(claim, slot=slot) for claim, slot in zip(claims, places[: len(claims)] + slots, strict=True)]

    def _in_time(self) -> list[Slot]:
        """Of the places that were given back, the first to come first."""
        until = time.monotonic() + LEAD_SECONDS
        return sorted((each for each in self._places if each.at + each.tolerance_seconds > until), key=_at)

    def _others(self, connection: Connection, number: int) -> list[Slot | Exception | None]:
        bucket = shared.locked(connection, self._account)
        if bucket is None:
            return [None] * number
        bucket, slots = bucket.take(number, self._clock.read(connection), self._clock.offset, lead=0.0)
        shared.save(connection, self._account, bucket)
        return list(slots)


def _of(bucket: Bucket, turns: Mapping[int, Sequence[Turn]]) -> dict[int, Sequence[Turn]]:
    """Those of lanes that the day's quota lets leave."""
    ranks = {lane.rank for lane in bucket.lanes}
    return {rank: each for rank, each in turns.items() if rank in ranks}


def _at(slot: Slot) -> float:
    return slot.at
