"""What failed log-ins lead to: who waits before the next one is looked at, and who is banned for a time.

One address may be a whole department's, so nobody pays for a neighbour: failures count for a pair of address and user
name. Failures from elsewhere only delay a user name; an address where a log-in succeeded within a day is never banned
whole. Pure: whoever calls brings the time. Knows no database, and user names by their hash only.
"""

import heapq
import math
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TypeVar

from messages.reply import THROTTLED, Refused

Pair = tuple[str, bytes]  # a place, and the hash of a user name
_Name = TypeVar("_Name")
_Kept = TypeVar("_Kept")

MAX_PAIRS = 20_000  # that failed lately; with what belongs to them about 20 MB
MAX_SUCCESSES = 50_000
MAX_NAMES_PER_ADDRESS = 64
_RENEWED_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Rules:
    """How much is too much. Times in seconds."""

    first_delay_seconds: float = 0.5  # doubles with each failure
    longest_delay_seconds: float = 4.0  # mail clients give a reply half a minute
    delayed_per_pair: int = 5  # log-ins that wait at once after failures of their own, per process
    delayed_per_address: int = 50
    pair_failures: int = 10  # so many ban the pair; each further one bans it for twice as long
    address_names: int = 20  # so many failing user names ban the whole address
    first_ban_seconds: float = 60
    longest_ban_seconds: float = 3600
    quiet_seconds: float = 7200  # without a failure, and they are forgotten; longer than a ban, or bans never grow
    trusted_seconds: float = 25 * 3600  # a success counts for a day, and is noted at most once an hour

    def delay(self, failures: int) -> float:
        if failures <= 0:
            return 0.0
        return min(self.first_delay_seconds * 2.0 ** min(failures - 1, 20), self.longest_delay_seconds)

    def ban(self, failures: int, limit: int) -> float:
        """Seconds of the ban that the last of these failures brought; 0: none."""
        if failures < limit:
            return 0.0
        return min(self.first_ban_seconds * 2.0 ** min(failures - limit, 20), self.longest_ban_seconds)


@dataclass(frozen=True, slots=True)
class Failures:
    """How many of one kind, one after the other, and when the last one was."""

    count: int = 0
    last_at: float = 0.0

    def recent(self, rules: Rules, now: float) -> int:
        # abs: a clock that was set back must not keep a ban for as long as it was wrong
        return self.count if abs(now - self.last_at) < rules.quiet_seconds else 0

    def banned_until(self, rules: Rules, limit: int, now: float) -> float:
        """0: not now."""
        seconds = rules.ban(self.recent(rules, now), limit)
        return self.last_at + seconds if abs(now - self.last_at) < seconds else 0.0

    def add(self, rules: Rules, times: int, now: float) -> "Failures":
        """With more failures of a pair: what several processes saw at once leads to one ban, not to the longest."""
        if not times or self.banned_until(rules, rules.pair_failures, now):
            return self  # these were under way when the ban began
        before = self.recent(rules, now)
        return Failures(min(before + times, max(rules.pair_failures, before + 1)), now)


RULES = Rules()
NONE = Failures()


@dataclass(frozen=True, slots=True)
class Ban:
    """`name` is None where the whole address is banned. Ends by itself, seconds since the epoch."""

    address: str
    name: bytes | None
    failures: int
    ends_at: float


@lru_cache(4096)
def place(client_ip: str) -> str:
    """The address whose failures count together: of IPv6 the /64, all of which one host may use."""
    try:
        address = ip_address(client_ip)
    except ValueError:
        return client_ip[:45]
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), 64), strict=False))


class Ledger:
    """Recent failures, and successes apart from them. Bounded: what was touched longest ago goes first."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._failures: OrderedDict[str, dict[bytes, Failures]] = OrderedDict()  # by address, then by user name
        self._pairs = 0  # in all of them
        self._names: OrderedDict[bytes, Failures] = OrderedDict()  # over all addresses
        self._successes: OrderedDict[Pair, float] = OrderedDict()  # apart: guesses push out nobody who may log in
        self._good: OrderedDict[str, float] = OrderedDict()  # addresses, and their last success
        self._ends: list[tuple[float, Pair]] = []  # a heap: when the log-ins that wait have waited enough
        self._waiting: Counter[Pair | str] = Counter()

    def admit(self, pair: Pair, now: float) -> float:
        """Seconds to wait before the password is looked at. Raises Refused: banned, or too many wait already."""
        if banned := self.banned_seconds(pair, now):
            raise Refused(THROTTLED, seconds=banned)
        own = self.rules.delay(self.failures(pair).recent(self.rules, now))
        delay = max(own, self._newcomers_delay(pair, now))
        if own:  # a newcomer waits, but no number of guessers has it refused
            self._wait(pair, delay, now)
        return delay

    def has_failures(self, address: str) -> bool:
        """Whether anybody failed from there lately: nearly always nobody did, and nobody is banned."""
        return address in self._failures

    def banned_seconds(self, pair: Pair, now: float) -> int:
        """How long the pair is still kept out, by its own ban or its address's; 0: it is not."""
        ends_at = max((ban.ends_at for ban in self._bans_of(pair, now)), default=now)
        return max(math.ceil(ends_at - now), 0)

    def is_trusted(self, pair: Pair, now: float) -> bool:
        """Whether it logged in within a day."""
        return self._is_within(self._successes.get(pair), self.rules.trusted_seconds, now)

    def failed(self, pair: Pair, now: float) -> Ban | None:
        """Notes a wrong password; gives the ban that begins with it."""
        if self._is_banned(pair, now):
            return None  # it was under way when the ban began
        self._set(pair, self.failures(pair).add(self.rules, 1, now), now)
        self._name_failed(pair[1], 1, now)
        return next(self._bans_of(pair, now), None)

    def succeeded(self, pair: Pair, now: float) -> bool:
        """Notes a log-in; whether it tells anything new. Under load most do not, and they change nothing."""
        if self._is_within(self._successes.get(pair), _RENEWED_SECONDS, now) and not self.failures(pair).count:
            return False
        self._set(pair, NONE, now)
        self._trust(pair, now)
        return True

    def learn(self, pair: Pair, failures: Failures, succeeded_at: float, now: float) -> Ban | None:
        """What is known of a pair in all, from other processes and from before; gives the ban that begins with it."""
        if succeeded_at > self._successes.get(pair, 0.0):
            self._trust(pair, succeeded_at)
        before = self.failures(pair)
        if failures == before:
            return None
        more, was_banned = failures.count - before.recent(self.rules, now), self._is_banned(pair, now)
        self._set(pair, failures if failures.recent(self.rules, now) else NONE, now)
        if more > 0:
            self._name_failed(pair[1], more, failures.last_at)
        return None if was_banned else next(self._bans_of(pair, now), None)

    def failures(self, pair: Pair) -> Failures:
        return self._failures.get(pair[0], {}).get(pair[1], NONE)

    def bans(self, now: float) -> Iterator[Ban]:
        """All that last."""
        for address, names in self._failures.items():
            yield from (ban for name in names for ban in self._bans_of((address, name), now) if ban.name is not None)
            yield from (ban for ban in self._bans_of((address, b""), now) if ban.name is None)

    # -- Decisions ------------------------------------------------------------------------------------------------
    def _bans_of(self, pair: Pair, now: float) -> Iterator[Ban]:
        """What keeps the pair out: a ban of its address, one of its own."""
        address, name = pair
        names = self._failures.get(address)
        if names is None:
            return
        if not self._is_within(self._good.get(address), self.rules.trusted_seconds, now):
            together = self._together(names.values(), now)
            until = together.banned_until(self.rules, self.rules.address_names, now)
            if until:
                yield Ban(address, None, sum(each.recent(self.rules, now) for each in names.values()), until)
        own = names.get(name, NONE)
        until = own.banned_until(self.rules, self.rules.pair_failures, now)
        if until:
            yield Ban(address, name, own.count, until)

    def _is_banned(self, pair: Pair, now: float) -> bool:
        return any(True for _ in self._bans_of(pair, now))

    def _newcomers_delay(self, pair: Pair, now: float) -> float:
        """For others' failures with the user name, or from an address that is banned only where nobody logs in."""
        address, name = pair
        if self.is_trusted(pair, now):
            return 0.0
        elsewhere = self._names.get(name, NONE).recent(self.rules, now)
        neighbours = self._together(self._failures.get(address, {}).values(), now).count
        return max(map(self.rules.delay, (elsewhere, neighbours - self.rules.address_names + 1)))

    def _together(self, failing: Iterable[Failures], now: float) -> Failures:
        """The failing user names of an address, as one count."""
        recent = [each.last_at for each in failing if each.recent(self.rules, now)]
        return Failures(len(recent), max(recent)) if recent else NONE

    def _wait(self, pair: Pair, delay: float, now: float) -> None:
        if self._ends and self._ends[0][0] > now + self.rules.longest_delay_seconds:  # the clock was set back
            self._ends.clear()
            self._waiting.clear()
        while self._ends and self._ends[0][0] <= now:
            _, ended = heapq.heappop(self._ends)
            for waiter in (ended, ended[0]):
                self._waiting[waiter] -= 1
                if not self._waiting[waiter]:
                    del self._waiting[waiter]
        of_pair, of_address = self._waiting[pair], self._waiting[pair[0]]
        if of_pair >= self.rules.delayed_per_pair or of_address >= self.rules.delayed_per_address:
            raise Refused(THROTTLED, seconds=math.ceil(delay))
        heapq.heappush(self._ends, (now + delay, pair))
        self._waiting.update((pair, pair[0]))

    @staticmethod
    def _is_within(at: float | None, seconds: float, now: float) -> bool:
        return at is not None and abs(now - at) < seconds

    # -- Keeping --------------------------------------------------------------------------------------------------
    def _set(self, pair: Pair, failures: Failures, now: float) -> None:
        address, name = pair
        names = self._failures.get(address)
        if not failures.count:
            if names is not None and names.pop(name, None) is not None:
                self._pairs -= 1
                if not names:
                    del self._failures[address]
            return
        if names is None:
            names = self._failures[address] = {}
        self._pairs += name not in names
        names[name] = failures
        self._failures.move_to_end(address)
        if len(names) > MAX_NAMES_PER_ADDRESS:  # the least of the others: guessing at random hides nothing
            least = min((each for each in names if each != name), key=lambda each: self._weight(names[each], now))
            del names[least]
            self._pairs -= 1
        while self._pairs > MAX_PAIRS:
            self._pairs -= len(self._failures.popitem(last=False)[1])

    def _weight(self, failures: Failures, now: float) -> tuple[int, float]:
        return failures.recent(self.rules, now), failures.last_at

    def _name_failed(self, name: bytes, times: int, at: float) -> None:
        found = self._names.get(name, NONE)
        before = found.recent(self.rules, at)
        _keep(self._names, name, Failures(before + times, max(at, found.last_at) if before else at), MAX_PAIRS)

    def _trust(self, pair: Pair, at: float) -> None:
        _keep(self._successes, pair, at, MAX_SUCCESSES)
        _keep(self._good, pair[0], max(at, self._good.get(pair[0], 0.0)), MAX_SUCCESSES)


def _keep(where: OrderedDict[_Name, _Kept], name: _Name, value: _Kept, limit: int) -> None:
    where[name] = value
    where.move_to_end(name)
    if len(where) > limit:
        where.popitem(last=False)
