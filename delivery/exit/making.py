"""A claimed message made ready for its attempt: expired it ends, what an operator has to mend for it waits."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import structlog

from config.database import OUTAGES
from delivery.exit.outgoing import Outgoing
from delivery.exit.recording import Recording
from delivery.exit.sealing import Sealing
from delivery.providers.base import Provider
from delivery.providers.table import Providers
from delivery.queue.base import Claim, LineSlot, Queue
from delivery.store.base import Attempt, Outcome, Record
from messages.message import Channel, Message, new_id

Contents = Mapping[UUID, bytes | None]


class Origins(Protocol):
    """What this needs of delivery.exit.origin."""

    async def of(self, message: Message) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Making:
    """One per worker. A channel without `sealing` sends its contents as they are."""

    sealing: Mapping[Channel, Sealing]
    providers: Providers
    queue: Queue
    recording: Recording
    origins: Origins | None
    delay: Callable[[int, Message], float]
    now: Callable[[], float]

    async def outgoing(self, claim: Claim, message: Message, contents: Contents) -> Outgoing | None:
        """None: it is not sent now, and somebody else's to claim, or at its end. Raises as the database does."""
        try:
            return await self._made(claim, message, contents)
        except OUTAGES:
            raise
        except Exception as error:  # a bug that one message meets keeps no other waiting
            log = structlog.get_logger("worker")
            log.error("worker.not_sealed", **message.log_context(), error=type(error).__name__)
            await self.queue.give_back([message.id], self.now() + self.delay(claim.attempts + 1, message))
            return None

    async def _made(self, claim: Claim, message: Message, contents: Contents) -> Outgoing | None:
        now = self.now()
        if now >= message.expires_at or message.content_id not in contents:
            reason = "expired" if message.content_id in contents else "content_gone"
            await self.recording.write(Record(message.id, None, Outcome.EXPIRED, now, reason=reason), message)
            return None
        provider = self._provider(message)
        if provider is not None:
            content = await self._content(message, contents[message.content_id], provider)
            if content is not None:
                attempt = Attempt(new_id(now, os.urandom(10)), message.id, claim.attempts + 1, provider.name, now)
                origin = claim.slot.origin if isinstance(claim.slot, LineSlot) else await self._origin(message)
                return Outgoing(message, content, attempt, provider, claim.unknown, claim.slot, origin)
        # No provider, a content that is damaged or cannot be sealed: an operator can mend each; until then the message
        # waits.
        await self.queue.give_back([message.id], now + self.delay(claim.attempts + 1, message))
        return None

    async def _origin(self, message: Message) -> str | None:
        """What a text without a pace leaves from."""
        return await self.origins.of(message) if self.origins and message.channel is Channel.SMS else None

    def _provider(self, message: Message) -> Provider | None:
        """None for a channel that this version does not send by."""
        provider = self.providers.get((message.channel, message.key_type))
        if provider is None:
            log = structlog.get_logger("worker")
            log.error("worker.no_provider", **message.log_context(), channel=message.channel.value)
        return provider

    async def _content(self, message: Message, stored: bytes | None, provider: Provider) -> bytes | None:
        """What the provider is given; None where it cannot be had."""
        if stored is None or len(stored) != message.content_bytes:
            return None
        sealing = self.sealing.get(message.channel)
        return stored if sealing is None else await sealing.seal(message, stored, provider)
