"""Messages that answer earlier ones, made to name those as their recipient knows them.

SES gives every message a Message-ID of its own, another one for each recipient, so this is done at the exit, before the
signature. Knows nothing of the queue.
"""

from collections.abc import Sequence
from typing import Protocol

from delivery.providers.base import Provider
from messages.email.content import HeaderSection
from messages.email.threads import referenced, renamed
from messages.message import Message
from messages.reply import Refused


class Searching(Protocol):
    """What this needs of delivery.store.searching."""

    async def sent_as(self, message: Message, originals: Sequence[str]) -> dict[str, str]: ...


async def continued(message: Message, content: bytes, provider: Provider, searching: Searching) -> bytes:
    """The content with In-Reply-To and References that its recipient's reader finds. Raises as the database does."""
    try:
        header = HeaderSection.parse(content)
    except Refused:  # larger than a door takes now: it was accepted, and goes out as it is
        return content
    earlier = referenced(header)
    if not earlier:
        return content
    sent = await searching.sent_as(message, earlier)
    names = {original: provider.message_id(provider_id) for original, provider_id in sent.items()}
    return renamed(content, header, {original: name for original, name in names.items() if name})
