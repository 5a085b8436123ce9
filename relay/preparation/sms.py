"""What a submission becomes as a text message, before it is stored: a template filled, or the words of a mail."""

import asyncio
from dataclasses import replace
from uuid import UUID

from auth.principal import Principal, Service
from delivery.library.templates import HIDDEN_VERSION
from messages import reply
from messages.email.pipeline import read_text
from messages.message import Answer, Channel, ContentKind, Personalised, Submission
from messages.reply import Refused
from messages.sms import parts
from messages.sms.parts import LengthError
from messages.sms.recipe import Recipe, Written, write
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
        assert isinstance(content, bytes)  # notices go by mail
        return await self._read(content, principal)

    async def _fill(self, content: Personalised, principal: Principal) -> Prepared:
        template = await template_of(content, self._templates, principal.service.id, Channel.SMS)
        done = filled(template, content.personalisation, principal.service, content.sanitised)
        check_characters(done.recipe)
        return _prepared(done.recipe, template.id, template.version)

    async def _read(self, content: bytes, principal: Principal) -> Prepared:
        words, message_id = await self.words(content, principal)
        service = principal.service
        return _prepared(written(words, service).recipe, service.sms_template_id, HIDDEN_VERSION, message_id)

    async def words(self, content: bytes, principal: Principal) -> tuple[str, str | None]:
        """What a mail says to a phone, and its Message-ID. Raises Refused."""
        check_size(content, size_limit(principal, self._max_message_bytes))
        if len(content) > _THREAD_BYTES:
            words, message_id = await asyncio.to_thread(read_text, content)
        else:
            words, message_id = read_text(content)
        if words is None:
            raise Refused(reply.SMS_WITHOUT_TEXT)
        return words, message_id


def filled(
    template: Template, personalisation: Personalisation, service: Service, sanitised: tuple[str, ...] = ()
) -> Written:
    """A template whose values are all there, as the service sends it, however long. Raises Refused where it is empty,
    or would fill the memory.
    """
    try:
        return written(fill_text(template, personalisation, sanitised), service)
    except TooLong:
        raise Refused(reply.SMS_TOO_MANY_CHARACTERS, limit=parts.MAX_CHARACTERS) from None


def written(words: str, service: Service) -> Written:
    """The words as the service sends them. Raises Refused where nothing is left of them."""
    done = write(words, service.sms_sender, downgrade=service.sms_downgrade)
    if not done.recipe.body:
        raise Refused(reply.EMPTY)
    return done


def _answering(answer: Answer, principal: Principal) -> Prepared:
    """It names the service itself, where that is of use; in GSM where that can be."""
    recipe = write(answer.words, "", downgrade=True).recipe
    prepared = _prepared(recipe, principal.service.sms_template_id, HIDDEN_VERSION)
    return replace(prepared, kind=ContentKind.ANSWER)


def check_characters(recipe: Recipe) -> None:
    """Of a text from a template. Raises Refused."""
    try:
        parts.check_characters(recipe.text)
    except LengthError:
        raise Refused(reply.SMS_TOO_MANY_CHARACTERS, limit=parts.MAX_CHARACTERS) from None


def check_units(recipe: Recipe) -> None:
    """Of any text. Raises Refused."""
    try:
        parts.check_units(recipe.text)
    except LengthError as error:
        raise Refused(reply.SMS_TOO_LONG, reason=error.text) from None


def _prepared(recipe: Recipe, template_id: UUID, version: int, original_message_id: str | None = None) -> Prepared:
    check_units(recipe)
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
