"""How lanes share what can be claimed: each is served before those behind it, but for what those are kept. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from messages.message import Lane

# Of what is claimed while lanes before it are full. A twentieth lets bulk reach its end: of SES's first rate, 14 a
# second, 60,000 a day, more than its first quota of a day. A tenth keeps normal mail, which expires in a day, going
# beside a service that sends everything as priority. Codes, which expire in an hour, have seventeen of twenty places.
KEPT: Mapping[int, float] = {Lane.NORMAL.rank: 0.10, Lane.BULK.rank: 0.05}


@dataclass(slots=True)
class Lanes:
    """What each lane is owed, over claims too small for a whole place. Each worker counts by itself."""

    _owed: dict[int, float] = field(default_factory=lambda: dict.fromkeys(KEPT, 0.0))

    def kept(self, ranks: Collection[int], limit: int) -> dict[int, int]:
        """The places that each of the lanes that wait is kept in a claim of so many."""
        return {rank: min(int(self._owed[rank] + limit * KEPT[rank] + 1e-9), limit) for rank in ranks if rank in KEPT}

    def note(self, ranks: Collection[int], taken: Mapping[int, int]) -> None:
        """How many each of the lanes that waited got. What one got beyond its share is held against nobody."""
        total = sum(taken.values())
        for rank, share in KEPT.items():
            owed = self._owed[rank] + total * share - taken.get(rank, 0)
            self._owed[rank] = min(max(owed, 0.0), 1.0) if rank in ranks else 0.0
