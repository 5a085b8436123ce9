"""A service whose emails wait, for what was measured of them or for what somebody said."""

from uuid import UUID

from sqlalchemy import insert

from delivery.queue import interventions
from delivery.queue.base import HoldReason
from delivery.store.reputations import reputations
from messages.message import Lane
from tests.harness.site import RunningSite


async def held(site: RunningSite, service_id: UUID, reason: HoldReason = HoldReason.BOUNCES) -> None:
    row = {"service_id": service_id, "measure": "bounces", "level": "held", "since": site.clock()}
    row |= {"bad": 1_234, "sent": 10_000, "forgiven_bad": 0, "forgiven_sent": 0}
    async with site.database.write() as c:
        await interventions.hold(c, service_id, site.clock(), [Lane.NORMAL, Lane.BULK], reason)
        if reason is HoldReason.BOUNCES:
            await c.execute(insert(reputations), [row])
