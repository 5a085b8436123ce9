"""Loads what callback rows tell of: messages, and texts that came in."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from delivery.callbacks.bodies import Fields, Told, of_message, of_retired, of_text
from delivery.store.base import CallbackKind, InboundText
from messages.message import Message


class Searching(Protocol):
    """What this needs of delivery.store.searching."""

    async def load(self, message_ids: Sequence[UUID]) -> dict[UUID, Message]: ...


class Inbound(Protocol):
    """What this needs of whoever keeps texts that came in."""

    async def load(self, text_ids: Sequence[UUID]) -> Mapping[UUID, InboundText]:
        """Texts by id; one that does not open, or is gone, is missing."""


class Sources:
    """One per process."""

    def __init__(self, searching: Searching, inbound: Inbound) -> None:
        self._searching = searching
        self._inbound = inbound

    async def fields(self, told: Sequence[Told]) -> dict[UUID, Fields]:
        """What each says, by its id; missing where the message or the text can not be read."""
        of_messages = [each.message_id for each in told if each.message_id is not None]
        of_texts = [each.source_id for each in told if each.message_id is None and each.source_id is not None]
        messages = await self._searching.load(of_messages) if of_messages else {}
        texts = await self._inbound.load(of_texts) if of_texts else {}
        found: dict[UUID, Fields] = {}
        for each in told:
            if each.message_id is None:
                if each.source_id is not None and each.source_id in texts:
                    found[each.id] = of_text(each, texts[each.source_id])
            elif each.message_id in messages:
                found[each.id] = of_message(each, messages[each.message_id])
            elif each.kind is CallbackKind.COMPLAINT:
                found[each.id] = of_retired(each)
        return found
