"""Which channels rest: after its provider throttled, a channel waits, then one message asks whether it takes more.

The other channels go on. Times are the event loop's: the wall clock may be set.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from delivery.providers.base import Provider
from delivery.providers.table import Providers
from messages.message import Channel, KeyType

MAX_SECONDS = 60.0  # then one message is tried: somebody may have mended what the provider complained of


@dataclass(slots=True)
class _State:
    provider: Provider
    until: float = 0.0
    probing: bool = False


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
            if state.until > now or (state.probing and self._under_way[channel])
        )

    def probing(self, now: float) -> frozenset[Channel]:
        """Of which one message may be claimed."""
        asking = {channel for channel, state in self._states.items() if state.probing}
        return frozenset(asking - self.resting(now))

    def seconds(self, now: float) -> float:
        """Until a channel that is paused ends its pause; 0 where none is."""
        return min((state.until - now for state in self._states.values() if state.until > now), default=0.0)

    def begin(self, channels: Iterable[Channel]) -> None:
        self._under_way.update(channels)

    def end(self, channels: Iterable[Channel]) -> None:
        self._under_way.subtract(channels)

    def throttled(self, provider: Provider, seconds: float, now: float) -> None:
        for state in self._of(provider):
            state.until = max(state.until, now + min(seconds, MAX_SECONDS))
            state.probing = True

    def answered(self, provider: Provider) -> None:
        """In another way."""
        for state in self._of(provider):
            state.probing = False

    def _of(self, provider: Provider) -> list[_State]:
        return [state for state in self._states.values() if state.provider is provider]
