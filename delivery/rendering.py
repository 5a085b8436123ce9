"""Building at the exit what was only checked at the door: recipe, template and branding become a MIME message.

Knows nothing of the queue; what cannot be built is the worker's to keep waiting.
"""

import asyncio

from delivery.brandings import Brandings
from delivery.templates import Templates
from messages.branding import Branding
from messages.compose import Recipe, RecipeError, compose
from messages.message import Message
from messages.template import Template, TooLong


class RenderingError(Exception):
    """The message cannot be built now; an operator can mend it. The text is one word for the log."""


class Renderer:
    """One per worker."""

    def __init__(self, templates: Templates, brandings: Brandings) -> None:
        self._templates = templates
        self._brandings = brandings
        self._turn = asyncio.Lock()  # one at a time is as fast, and a hostile one needs 300 MB while it is built

    async def render(self, message: Message, recipe: bytes) -> bytes:
        """The message but for a signature: the same octets each time. Raises RenderingError, or as the database does.

        `recipe` is the message's stored content.
        """
        template = await self._templates.find(message.service_id, message.template_id, message.template_version)
        if template is None:
            raise RenderingError("template_gone")
        async with self._turn:
            # A message takes milliseconds, a hostile one seconds: the worker goes on meanwhile.
            return await asyncio.to_thread(self._compose, message, recipe, template)

    def _compose(self, message: Message, stored: bytes, template: Template) -> bytes:
        try:
            recipe = Recipe.from_json(stored)
            return compose(recipe, template, self._branding(recipe), message.recipient, message.id)
        except RecipeError:
            raise RenderingError("recipe_damaged") from None
        except TooLong:
            raise RenderingError("too_long") from None

    def _branding(self, recipe: Recipe) -> Branding | None:
        try:
            return self._brandings.get(recipe.branding, recipe.service_name, recipe.language)
        except KeyError:
            raise RenderingError("branding_gone") from None
