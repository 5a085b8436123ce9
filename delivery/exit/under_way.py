"""How many messages of whom a worker has under way: who has the fewest is claimed next."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from delivery.queue.base import Claim, Place


@dataclass(slots=True)
class UnderWay:
    """One per worker. Texts in a line are not in it: lines have turns of their own."""

    counts: Counter[Place] = field(default_factory=Counter)
    _places: dict[UUID, Place] = field(default_factory=dict)

    def begin(self, claims: Iterable[Claim]) -> None:
        for claim in claims:
            self.end([claim.message_id])  # its lease ran out, and we have it again
            if claim.turn is not None:
                place = self._places[claim.message_id] = (claim.lane, claim.turn)
                self.counts[place] += 1

    def end(self, message_ids: Iterable[UUID]) -> None:
        """Once is enough."""
        for message_id in message_ids:
            if (place := self._places.pop(message_id, None)) is not None:
                self.counts[place] -= 1
                if not self.counts[place]:
                    del self.counts[place]
