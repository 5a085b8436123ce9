"""The life of a DKIM key, told by what DNS shows of it: pending, published, withdrawn.

One look proves nothing: caches keep what was, and records are mended in two steps. A second one, later, that says the
same moves the key. Times are passed in; knows nothing of resolvers, rows or private keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

DOUBT_SECONDS = 300.0  # between two looks that do not find a published key
EVERY_SECONDS = 900.0  # how often keys are looked at that nobody waits for
SOON_SECONDS = 300.0  # and those that somebody does
MIN_TTL_SECONDS, MAX_TTL_SECONDS = 60.0, 86_400.0
# Mail that was signed with a key that is replaced may still be on its way, or be verified again, for so long:
# servers retry for four to five days (RFC 5321 4.5.4.1).
OVERLAP_SECONDS = 7 * 86_400.0


class State(StrEnum):
    PENDING = "pending"  # never seen twice: signs nothing where it has to be found
    PUBLISHED = "published"  # may sign
    WITHDRAWN = "withdrawn"  # was published; its record is gone or wrong


class Look(StrEnum):
    RIGHT = "right"  # all resolvers have exactly this key
    WRONG = "wrong"  # one of them positively has something else, or nothing
    UNANSWERED = "unanswered"  # none contradicts, and not all have answered


# What two looks that agree make of a key. What is not here changes nothing.
MOVES: dict[tuple[State, Look], State] = {
    (State.PENDING, Look.RIGHT): State.PUBLISHED,
    (State.PUBLISHED, Look.WRONG): State.WITHDRAWN,
    (State.WITHDRAWN, Look.RIGHT): State.PUBLISHED,
}


@dataclass(frozen=True, slots=True)
class Life:
    """`again_at`: one look has spoken against the state; from then on a second one counts."""

    state: State = State.PENDING
    again_at: float | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A key as far as the choice needs it; `signs` now."""

    life: Life
    signs: bool


def after(life: Life, look: Look, now: float, ttl: float = MIN_TTL_SECONDS) -> Life:
    """The life after a look at `now`; `ttl` is the longest that a resolver gave."""
    if look is Look.UNANSWERED:
        return life
    new = MOVES.get((life.state, look))
    if new is None:
        return Life(life.state)
    if life.again_at is None or life.again_at > now + _apart(look, MAX_TTL_SECONDS):  # or the clock was ahead then
        return Life(life.state, now + _apart(look, ttl))
    return life if now < life.again_at else Life(new)


def choose(keys: Sequence[Candidate], *, trusted: bool) -> int | None:
    """Which key signs, of those of one domain from the newest to the oldest.

    A key in doubt signs on where it does, and replaces no other. `trusted`: the domain is never left without a key.
    """
    for place, key in enumerate(keys):
        if key.life.state is State.PUBLISHED and (key.life.again_at is None or key.signs):
            return place
    return next((place for place, key in enumerate(keys) if key.signs), None) if trusted else None


def next_look_at(lives: Sequence[Life], now: float) -> float:
    """When the keys of a domain, from the newest to the oldest, are looked at again, all together."""
    awaited = any(life.again_at is not None for life in lives) or any(
        life.state is not State.PUBLISHED for life in lives[:1]
    )
    seconds = SOON_SECONDS if awaited else EVERY_SECONDS
    return min([now + seconds, *(life.again_at for life in lives if life.again_at is not None and life.again_at > now)])


def _apart(look: Look, ttl: float) -> float:
    # A resolver names what is left of a record's time: after it, the next answer is a fresh one.
    return DOUBT_SECONDS if look is Look.WRONG else min(max(ttl, MIN_TTL_SECONDS), MAX_TTL_SECONDS)
