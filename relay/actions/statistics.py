"""What has been counted, as people count it again."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from delivery.recount import Difference, Recount, mend
from relay.actions.errors import RECOUNT_RUNS, ActionError
from relay.actions.transaction import Transactions
from relay.plain import moment


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
                    await _mend(asking, service_id, start, differences)
                found += differences
                months += 1
    return Recounted(len(services), months, found)


async def _mend(asking: Transactions, service_id: UUID, start: int, differences: list[Difference]) -> None:
    added: Counter[str] = Counter()
    for each in differences:
        added[each.table.name] += each.messages
    async with asking.write() as t:
        await t.connection.run_sync(mend, differences)
        after = {"month": moment(start), "added": dict(added)}
        await t.record("statistics.rebuild", "statistics", service_id, None, after, service_id=service_id)
