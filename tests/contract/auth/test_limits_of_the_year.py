"""A fiscal year by each channel: exact over processes, kept whatever changes, noted once when most of it is used."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, select

from auth import limits, notices
from auth.fiscal_year import FiscalYear
from auth.limits import PATIENCE_SECONDS, YEAR_SECONDS, Charge, Counts, charges, counting
from auth.notices import Kind
from auth.principal import Principal
from auth.warnings import Reached
from config.database import Database
from messages import reply
from messages.message import Channel, KeyType, Message
from messages.reply import Refused
from tests.fakes.auth import NOW, counted
from tests.fakes.messages import make_message
from tests.fakes.principals import make_principal
from tests.harness.processes import processes

ZONE = "America/Toronto"
YEAR = FiscalYear.at(NOW, ZONE)
MAIL = make_message()


def text(parts: int = 1) -> Message:
    return make_message(channel=Channel.SMS, billable_units=parts)


def sender(**of_its_own: Any) -> Principal:
    principal = make_principal()
    return replace(principal, service=replace(principal.service, **of_its_own))


def charge(connection: Connection, who: Principal, wanted: Sequence[Sequence[Message]], now: float) -> list[Any]:
    """Groups of messages in order: what is said of each; None when it was counted."""
    groups = [charges(who, {message.channel for message in group}) for group in wanted]
    with counting(connection, groups, now) as count:
        answers = [count(against, group) for against, group in zip(groups, wanted, strict=True)]
    return [answer and answer.reply for answer in answers]


async def told(database: Database, who: Principal, *wanted: Sequence[Message], now: float = NOW) -> list[Any]:
    async with database.write() as c:
        return await c.run_sync(charge, who, wanted, now)


async def noted(database: Database) -> list[tuple[Channel, int, int]]:
    async with database.read() as c:
        reached = [Reached.of(each) for each in await notices.due(c, NOW + 2 * YEAR_SECONDS, Kind.LIMIT)]
        return [(each.channel, each.percent, each.used) for each in reached]


async def used(database: Database, who: Principal, now: float = NOW) -> list[int]:
    async with database.read() as c:
        of_all = [charge for channel in Channel for charge in limits.of_service(who.service, channel)]
        return await limits.used_of(c, of_all, now)


async def test_each_channel_has_its_year_and_day_and_texts_count_by_their_parts(database: Database) -> None:
    who = sender(per_day=3, emails_per_year=5, texts_per_day=7, texts_per_year=10)
    assert await told(database, who, [MAIL] * 3, [text(3), text(3)], [MAIL, text()], [text()]) == [
        *(None, None),
        reply.SERVICE_LIMIT,  # both channels or neither
        None,
    ]
    assert await used(database, who) == [3, 3, 7, 7]
    assert await told(database, who, [MAIL], [text()]) == [reply.SERVICE_LIMIT, reply.TEXT_LIMIT]
    tomorrow = NOW + 86_400
    assert await told(database, who, [MAIL] * 3, [text(4)], [MAIL] * 2, [text(3)], now=tomorrow) == [
        *(reply.YEAR_OVER, reply.TEXT_YEAR_OVER),
        *(None, None),
    ]
    assert await used(database, who, tomorrow) == [5, 2, 10, 3]


async def test_a_text_of_more_parts_than_any_window_is_refused_for_good_and_others_come_in_turn(
    database: Database,
) -> None:
    who = sender(texts_per_day=5)
    async with database.write() as c:
        with counting(c.sync_connection, [], NOW) as count:  # type: ignore[arg-type]
            alone = count(charges(who, {Channel.SMS}), [text(6)])
            together = count(charges(who, {Channel.SMS}), [text(2)] * 3)
    assert isinstance(alone, Refused)
    assert alone.line().startswith("550 5.7.1 this text has 6 parts, and the service may send 5; shorten it")
    assert isinstance(together, Refused)
    assert together.line() == "452 4.5.3 at most 2 recipients; send the rest in another transaction"


async def test_a_full_year_is_temporary_only_while_clients_would_still_wait(database: Database) -> None:
    who = sender(emails_per_year=1, texts_per_year=1)
    end = YEAR.ends_at(ZONE)
    assert await told(database, who, [MAIL], [text()]) == [None, None]
    for now, said in (
        (NOW, [reply.YEAR_OVER, reply.TEXT_YEAR_OVER]),
        (end - PATIENCE_SECONDS - 1, [reply.YEAR_OVER, reply.TEXT_YEAR_OVER]),
        (end - PATIENCE_SECONDS, [reply.YEAR_LIMIT, reply.TEXT_YEAR_LIMIT]),
        (end - 1, [reply.YEAR_LIMIT, reply.TEXT_YEAR_LIMIT]),
        (end, [None, None]),
    ):
        assert await told(database, who, [MAIL], [text()], now=now) == said
    assert YEAR.ends_at(ZONE) == datetime.fromisoformat("2027-04-01T00:00:00-04:00").timestamp()


async def test_another_zone_or_limit_loses_no_count(database: Database) -> None:
    who = sender(emails_per_year=4)
    assert await told(database, who, [MAIL] * 3) == [None]
    for zone in ("Asia/Tokyo", "Pacific/Pago_Pago", "UTC"):
        moved = replace(who, service=replace(who.service, time_zone=zone))
        assert (await used(database, moved))[0] == 3
        assert await told(database, moved, [MAIL] * 2) == [reply.YEAR_OVER]
    lower, higher = (replace(who, service=replace(who.service, emails_per_year=limit)) for limit in (2, 5))
    assert await told(database, lower, [MAIL]) == [reply.YEAR_OVER]
    assert await told(database, higher, [MAIL] * 2) == [None]
    assert (await used(database, who))[0] == 5


async def test_tests_have_no_year_and_a_year_is_never_forgotten(database: Database) -> None:
    who = sender(emails_per_year=1)
    test = replace(who, key=replace(who.key, type=KeyType.TEST))
    assert await told(database, who, [MAIL]) == [None]
    assert await told(database, test, [MAIL] * 50, [text()] * 50) == [None, None]
    async with database.write() as c:
        await limits.forget(c, NOW + 10 * YEAR_SECONDS)
        kept = (await c.execute(select(limits.limits))).all()
    assert [(row.holder, row.span_seconds, row.window_start, row.used) for row in kept] == [
        (who.service.id, YEAR_SECONDS, YEAR.key, 1)
    ]


async def test_what_is_reached_is_noted_once_and_once_more_for_another_limit(database: Database) -> None:
    who = sender(emails_per_year=10, texts_per_year=5)
    await told(database, who, [MAIL] * 7, [text(3)])
    assert await noted(database) == []
    await told(database, who, [MAIL], [text()])
    assert sorted(await noted(database)) == [(Channel.EMAIL, 80, 8), (Channel.SMS, 80, 4)]
    await told(database, who, [MAIL], [MAIL], [text()])
    everything = [*((Channel.EMAIL, 80, 8), (Channel.EMAIL, 100, 10)), *((Channel.SMS, 80, 4), (Channel.SMS, 100, 5))]
    for _ in range(3):
        await told(database, who, [MAIL], [text()])
        assert sorted(await noted(database)) == everything

    lower, higher = (replace(who, service=replace(who.service, emails_per_year=limit)) for limit in (9, 12))
    assert await told(database, lower, [MAIL]) == [reply.YEAR_OVER]  # over 100 % of what it may now
    assert await told(database, higher, [MAIL]) == [None]
    assert sorted(await noted(database))[:4] == [
        *((Channel.EMAIL, 80, 8), (Channel.EMAIL, 80, 11), (Channel.EMAIL, 100, 10), (Channel.EMAIL, 100, 10))
    ]


async def test_a_leap_over_both_marks_is_told_as_the_higher_and_a_new_year_begins_anew(database: Database) -> None:
    who = sender(emails_per_year=10)
    await told(database, who, [MAIL] * 10)
    assert await noted(database) == [(Channel.EMAIL, 100, 10)]
    await told(database, who, [MAIL] * 8, now=YEAR.ends_at(ZONE))
    assert await noted(database) == [(Channel.EMAIL, 100, 10), (Channel.EMAIL, 80, 8)]


async def test_what_is_undone_was_not_reached(database: Database) -> None:
    who = sender(emails_per_year=1)
    async with database.write() as c:
        await c.run_sync(charge, who, [[MAIL]], NOW)
        await c.rollback()
    assert await noted(database) == []


async def test_all_of_it_takes_a_constant_number_of_statements(database: Database) -> None:
    many = [sender(emails_per_year=4, texts_per_year=1) for _ in range(30)]
    groups = [charges(who, set(Channel)) for who in many]

    def count_all(connection: Connection) -> None:
        with counting(connection, groups, NOW) as count:
            assert [count(group, [MAIL, text()]) for group in groups] == [None] * 30

    async with database.write() as c:
        with counted(database) as statements:
            await c.run_sync(count_all)
    assert len(statements) <= 4
    assert len(await noted(database)) == 30


def _spend(url: str, service: UUID, answers: Any) -> None:
    async def spend() -> list[tuple[int, int]]:
        database = Database(url, synchronous="OFF")
        year = Charge(service, YEAR_SECONDS, 50, reply.YEAR_LIMIT, Counts.EMAILS, ZONE)
        parts = Charge(service, YEAR_SECONDS, 90, reply.TEXT_YEAR_LIMIT, Counts.PARTS, ZONE)
        stored = []

        def charge_both(connection: Connection, now: float) -> list[Refused | None]:
            with counting(connection, [(year,), (parts,)], now) as count:
                return [count((year,), [MAIL]), count((parts,), [text(2)])]

        # Across the end of a year: each has its own count, in whatever order they come.
        for number in range(40):
            now = YEAR.ends_at(ZONE) - (1 if number % 2 else 0)
            async with database.write() as c:
                stored += [(number % 2, at) for at, no in enumerate(await c.run_sync(charge_both, now)) if no is None]
        await database.close()
        return stored

    answers.put(asyncio.run(spend()))


async def test_both_years_are_exact_over_four_processes_at_their_boundary(
    database_url: str, database: Database
) -> None:
    context = processes()
    answers, service = context.Queue(), uuid4()
    started = [context.Process(target=_spend, args=(database_url, service, answers)) for _ in range(4)]
    for process in started:
        process.start()
    stored = [each for _ in started for each in await asyncio.to_thread(answers.get, timeout=60)]
    for process in started:
        await asyncio.to_thread(process.join, 10)

    assert [process.exitcode for process in started] == [0] * 4
    assert {each: stored.count(each) for each in set(stored)} == {(0, 0): 50, (0, 1): 45, (1, 0): 50, (1, 1): 45}
    marks = sorted(await noted(database))
    assert marks == sorted(
        [*((Channel.EMAIL, 80, 40), (Channel.EMAIL, 100, 50)), *((Channel.SMS, 80, 72), (Channel.SMS, 100, 90))] * 2
    )


@pytest.mark.parametrize("parts", [0, 1, 4])
def test_a_text_counts_its_parts_and_one_at_least(parts: int) -> None:
    assert Counts.PARTS.of(text(parts)) == max(1, parts)
    assert (Counts.EMAILS.of(text(parts)), Counts.PARTS.of(MAIL), Counts.MESSAGES.of(text(parts))) == (0, 0, 1)
