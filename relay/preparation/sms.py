"""What a submission becomes as a text message, before it is stored: a template filled, or the words of a mail."""

import asyncio
from dataclasses import replace
from uuid import UUID

from auth.principal import Principal
from delivery.library.templates import HIDDEN_VERSION
from messages import reply
from messages.email.pipeline import read_text
from messages.message import Answer, Channel, ContentKind, Personalised, Submission
from messages.reply import Refused
from messages.sms import parts
from messages.sms.parts import LengthError
from messages.sms.recipe import Recipe, write
from messages.template import Template, TooLong, fill_text
from messages.values import Personalisation
from relay.checks import check_size, check_texts_allowed, size_limit
from relay.preparation.base import Prepared, Templates, template_of

_THREAD_BYTES = 16 * 1024  # as email's


class SmsPreparer:
    """Implements Preparer. `max_message_bytes` is what a client may hand us at most."""

    def __init__(self, templates: Templates, max_message_bytes: int) -> None:
        self._templates = templates
        self._max_message_bytes = max_message_bytes

    async def prepare(self, submission: Submission, principal: Principal, group_id: UUID, now: float) -> Prepared:
        """Raises Refused."""
        check_texts_allowed(principal)
        content = submission.content
        if isinstance(content, Answer):
            return _answering(content, principal)
        if isinstance(content, Personalised):
            return await self._fill(content, principal)
        return await self._read(content, principal)

    async def _fill(self, content: Personalised, principal: Principal) -> Prepared:
        template = await template_of(content, self._templates, principal.service.id, Channel.SMS)
        recipe = filled(template, content.personalisation, principal, content.sanitised)
        return _prepared(recipe, template.id, template.version)

    async def _read(self, content: bytes, principal: Principal) -> Prepared:
        check_size(content, size_limit(principal, self._max_message_bytes))
        if len(content) > _THREAD_BYTES:
            words, message_id = await asyncio.to_thread(read_text, content)
        else:
            words, message_id = read_text(content)
        if words is None:
            raise Refused(reply.SMS_WITHOUT_TEXT)
        return _prepared(written(words, principal), principal.service.sms_template_id, HIDDEN_VERSION, message_id)


def filled(
    template: Template, personalisation: Personalisation, principal: Principal, sanitised: tuple[str, ...] = ()
) -> Recipe:
    """A template whose values are all there, as the service sends it. Raises Refused for what is too long or empty."""
    try:
        recipe = written(fill_text(template, personalisation, sanitised), principal)
        parts.check_characters(recipe.text)
    except (TooLong, LengthError):
        raise Refused(reply.SMS_TOO_MANY_CHARACTERS, limit=parts.MAX_CHARACTERS) from None
    return recipe


def written(words: str, principal: Principal) -> Recipe:
    """The words as the service sends them. Raises Refused where nothing is left of them."""
    service = principal.service
    recipe = write(words, service.name if service.sms_prefix else "", downgrade=service.sms_downgrade).recipe
    if not recipe.body:
        raise Refused(reply.EMPTY)
    return recipe


def _answering(answer: Answer, principal: Principal) -> Prepared:
    """It names the service itself, where that is of use; in GSM where that can be."""
    recipe = write(answer.words, "", downgrade=True).recipe
    prepared = _prepared(recipe, principal.service.sms_template_id, HIDDEN_VERSION)
    return replace(prepared, kind=ContentKind.ANSWER)


def _prepared(recipe: Recipe, template_id: UUID, version: int, original_message_id: str | None = None) -> Prepared:
    try:
        parts.check_units(recipe.text)
    except LengthError as error:
        raise Refused(reply.SMS_TOO_LONG, reason=error.text) from None
    return Prepared(
        content=recipe.to_json(),
        kind=ContentKind.TEXT,
        subject="",
        original_message_id=original_message_id,
        template_id=template_id,
        template_version=version,
        billable_units=parts.size(recipe.text).parts,
        body=recipe.body,
    )
