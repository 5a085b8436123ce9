"""What a stored message says, as it left: mail built as the exit builds it, a text as the phone shows it."""

import asyncio
from dataclasses import dataclass

from delivery.exit.rendering import Renderer, RenderingError
from delivery.library.brandings import Brandings
from delivery.library.templates import Templates
from delivery.store.contents import Contents
from messages.email.shown import Shown, shown
from messages.message import Channel, ContentKind, Message
from messages.sms import recipe as sms
from messages.text import Text

GONE = Text("What the message said is no longer kept: the settings of its service say how long contents are.")
NOTICE = Text("A notice to the sender of a message: it was made of what was known as it left, and is not kept.")
UNREADABLE = Text("What the message said cannot be shown.")


@dataclass(frozen=True, slots=True, repr=False)
class Said:
    """`problem` says why there is nothing to show."""

    shown: Shown
    problem: Text | None = None


class SentContent:
    """Held by whoever shows people what was sent."""

    def __init__(self, contents: Contents, templates: Templates, brandings: Brandings) -> None:
        self._contents = contents
        self._renderer = Renderer(templates, brandings)

    async def of(self, message: Message) -> Said:
        if message.content_kind is ContentKind.NOTICE:
            return Said(Shown(None, None), NOTICE)
        found = await self._contents.load([message.content_id])
        if message.content_id not in found:
            return Said(Shown(None, None), GONE)
        content = found[message.content_id]
        if content is None:
            return Said(Shown(None, None), UNREADABLE)
        try:
            return Said(await self._shown(message, content))
        except (RenderingError, sms.RecipeError):
            return Said(Shown(None, None), UNREADABLE)

    async def _shown(self, message: Message, content: bytes) -> Shown:
        if message.channel is Channel.SMS:
            return Shown(None, sms.Recipe.from_json(content).text)
        if message.content_kind is ContentKind.RENDERED:
            content = await self._renderer.render(message, content)
        return await asyncio.to_thread(shown, content)
