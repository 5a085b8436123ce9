"""What has been counted, as people count it again."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from delivery.recount import Difference, Recount, mend
from relay.actions.errors import RECOUNT_RUNS, ActionError
from relay.actions.transaction import Transactions


@dataclass(frozen=True, slots=True)
class Recounted:
    services: int
    months: int  # of all of them
    differences: Sequence[Difference]


async def rebuild(asking: Transactions, *, mends: bool) -> Recounted:
    """Counts again from rows, month after month of each service; where asked, mends each in a transaction of its own.

    Raises ActionError where somebody counts just now.
    """
    recount = Recount(asking.database, asking.now())
    async with recount.alone() as is_alone:
        if not is_alone:
            raise ActionError(RECOUNT_RUNS)
        services, months, found = await recount.services(), 0, list[Difference]()
        for service_id, zone in services.items():
            for start, end in recount.months(zone):
                differences = await recount.compare(service_id, zone, start, end)
                if differences and mends:
                    await _mend(asking, service_id, datetime.fromtimestamp(start, ZoneInfo(zone)), differences)
                found += differences
                months += 1
    return Recounted(len(services), months, found)


async def _mend(asking: Transactions, service_id: UUID, month: datetime, differences: list[Difference]) -> None:
    after = {
        "month": f"{month:%Y-%m}",
        "counts": Counter(each.table.name for each in differences),
        "messages": sum(abs(each.messages) for each in differences),
        "units": sum(abs(each.units) for each in differences),
    }
    async with asking.write() as t:
        await t.connection.run_sync(mend, differences)
        await t.record("statistics.rebuild", "statistics", service_id, None, after, service_id=service_id)
