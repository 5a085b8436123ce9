"""Building at the exit what was only checked at the door: recipe, template and branding become a MIME message.

Knows nothing of the queue; what cannot be built is the worker's to keep waiting.
"""

import asyncio

from config.fairness import FairLock
from delivery.library.brandings import Brandings
from delivery.library.templates import Templates
from messages.email.compose import Recipe, RecipeError, compose
from messages.message import Message
from messages.template import Template, TooLong
from messages.variant import Variant


class RenderingError(Exception):
    """The message cannot be built now; an operator can mend it. The text is one word for the log."""


class Renderer:
    """One per worker."""

    def __init__(self, templates: Templates, brandings: Brandings) -> None:
        self._templates = templates
        self._brandings = brandings
        self._turn = FairLock()  # one at a time is as fast, and needs the memory of one

    async def render(self, message: Message, recipe: bytes) -> bytes:
        """The message but for a signature: the same octets each time. Raises RenderingError, or as the database does.

        `recipe` is the message's stored content.
        """
        template = await self._templates.find(message.service_id, message.template_id, message.template_version)
        if template is None:
            raise RenderingError("template_gone")
        try:
            made_of = Recipe.from_json(recipe)
        except RecipeError:
            raise RenderingError("recipe_damaged") from None
        variant = await self._brandings.find(message.service_id, made_of.branding, made_of.branding_version)
        if variant is None:
            raise RenderingError("branding_gone")
        async with self._turn.taken(message.service_id):
            # A message takes a millisecond, the largest fifty: the worker goes on meanwhile.
            return await asyncio.to_thread(self._compose, message, made_of, template, variant)

    def _compose(self, message: Message, recipe: Recipe, template: Template, variant: Variant) -> bytes:
        branding = self._brandings.render(variant, recipe.service_name, recipe.language)
        try:
            return compose(recipe, template, branding, message.recipient, message.id)
        except TooLong:
            raise RenderingError("too_long") from None
