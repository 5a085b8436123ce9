"""What everybody may read of how much goes through."""

from datetime import UTC, date, datetime
from uuid import UUID, uuid4

from sqlalchemy import insert

from config.database import Database
from delivery.figures.tables import count_changes
from delivery.store.totals import Month, Totals

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC).timestamp()
_EPOCH = date(1970, 1, 1)


def row(day: date, status: str, messages: int, *, channel: str = "email", kind: str = "normal") -> dict[str, object]:
    service_id: UUID = uuid4()
    return {
        "service_id": service_id,
        "id": uuid4(),
        "start": (day - _EPOCH).days * 86_400 + 61_200,  # noon in Ottawa
        "channel": channel,
        "door": "http",
        "key_type": kind,
        "key_id": service_id,
        "template_id": service_id,
        "status": status,
        "messages": messages,
        "units": 0,
    }


async def test_months_are_counted_by_channel_without_tests(database: Database) -> None:
    rows = [
        row(date(2026, 3, 1), "created", 5),
        row(date(2026, 3, 31), "created", 2),
        row(date(2026, 3, 2), "created", 1, kind="team"),
        row(date(2026, 3, 2), "permanent-failure", 1, kind="team"),  # one of those that were accepted
        row(date(2026, 3, 2), "created", 100, kind="test"),
        row(date(2026, 2, 28), "created", 7, channel="sms"),
        row(date(2025, 12, 31), "created", 100),
    ]
    async with database.write() as connection:
        await connection.execute(insert(count_changes), rows)

    found = await Totals(database).read(3, NOW)

    assert found.live_services == 0
    assert found.months == [
        Month(date(2026, 3, 1), emails=8),
        Month(date(2026, 2, 1), texts=7),
        Month(date(2026, 1, 1)),
    ]
