"""Which channels rest: after its provider throttled, a channel waits, then one message asks whether it takes more.

The other channels go on. Times are the event loop's: the wall clock may be set.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from delivery.providers.base import Provider
from delivery.providers.table import Providers
from messages.message import Channel, KeyType

PAUSE_SECONDS = 2.0  # where the provider does not say how long
MAX_SECONDS = 60.0  # then one message is tried: somebody may have mended what the provider complained of


@dataclass(slots=True)
class Pause:
    """What a provider that throttled asks of us: silence for a time, then one message until it answers otherwise."""

    until: float = 0.0
    probing: bool = False

    def begin(self, seconds: float, now: float) -> None:
        self.until, self.probing = max(self.until, now + min(seconds, MAX_SECONDS)), True

    def end(self) -> None:
        self.probing = False


@dataclass(frozen=True, slots=True)
class _State:
    provider: Provider
    pause: Pause = field(default_factory=Pause)


class Pauses:
    """One per worker; told of every claim and of every answer."""

    def __init__(self, providers: Providers) -> None:
        live = {channel: provider for (channel, key_type), provider in providers.items() if key_type is KeyType.NORMAL}
        self._states = {channel: _State(provider) for channel, provider in live.items()}
        self._under_way: Counter[Channel] = Counter()

    def resting(self, now: float) -> frozenset[Channel]:
        """Of which nothing may be claimed: paused, or its one message is under way."""
        return frozenset(
            channel
            for channel, state in self._states.items()
            if state.pause.until > now or (state.pause.probing and self._under_way[channel])
        )

    def probing(self, now: float) -> frozenset[Channel]:
        """Of which one message may be claimed."""
        asking = {channel for channel, state in self._states.items() if state.pause.probing}
        return frozenset(asking - self.resting(now))

    def seconds(self, now: float) -> float:
        """Until a channel that is paused ends its pause; 0 where none is."""
        left = (state.pause.until - now for state in self._states.values())
        return min((seconds for seconds in left if seconds > 0), default=0.0)

    def begin(self, channels: Iterable[Channel]) -> None:
        self._under_way.update(channels)

    def end(self, channels: Iterable[Channel]) -> None:
        self._under_way.subtract(channels)

    def throttled(self, provider: Provider, seconds: float, now: float) -> None:
        for pause in self._of(provider):
            pause.begin(seconds, now)

    def answered(self, provider: Provider) -> None:
        """In another way."""
        for pause in self._of(provider):
            pause.end()

    def _of(self, provider: Provider) -> list[Pause]:
        return [state.pause for state in self._states.values() if state.provider is provider]
