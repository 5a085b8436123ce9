"""What a submission becomes as email, before it is stored: MIME as it is sent, or what a template is filled with."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from auth.principal import FromPolicy, Option, Principal, Received, ReplyTo
from delivery.library.brandings import Brandings
from delivery.library.templates import HIDDEN_VERSION
from messages import reply
from messages.address import Address
from messages.email import answer, notice, pipeline
from messages.email.compose import Recipe, message_id_field
from messages.email.pipeline import Preparation, prepare
from messages.email.rewrite import SenderPolicy
from messages.markdown import MAX_MARKS, marks
from messages.message import Channel, ContentKind, DeliveryNotice, Language, MailAnswer, Personalised, Submission
from messages.reply import Refused
from messages.template import (
    MAX_FILLED_LINES,
    MAX_FILLED_OCTETS,
    Template,
    TooLong,
    fill_body,
    fill_subject,
    own_names,
    own_values,
)
from messages.text import Text
from messages.variant import Variant
from relay.checks import check_size, size_limit
from relay.preparation.base import Prepared, Templates, template_of

# Thousands of addresses, fields or parts take 2 ms for each KB: above this size it runs in a thread, and the other
# sessions go on.
_THREAD_BYTES = 16 * 1024
# SES takes 40 MB after base64 (v2 API); what branding or re-encoding makes larger is refused here, not after the 250.
_SENDABLE_BYTES = 29_900_000
_NO_BRANDING = Text("the service has no such branding; use its id, not its name, or none, or leave it out")


class EmailPreparer:
    """Implements Preparer. `max_message_bytes` is what a client may hand us at most."""

    def __init__(self, brandings: Brandings, templates: Templates, max_message_bytes: int) -> None:
        self._brandings = brandings
        self._templates = templates
        self._max_message_bytes = max_message_bytes

    async def prepare(self, submission: Submission, principal: Principal, group_id: UUID, now: float) -> Prepared:
        """Raises Refused."""
        content = submission.content
        if isinstance(content, Personalised):
            return await self._fill(content, submission, principal, now)
        if isinstance(content, DeliveryNotice):
            return _noticed(content, principal)
        if isinstance(content, MailAnswer):
            return _answered(content, submission, principal, group_id, now)
        assert isinstance(content, bytes)  # to a keyword nobody answers by mail
        return await self._rewrite(content, submission, principal, group_id, now)

    async def rewritten(
        self, content: bytes, submission: Submission, principal: Principal, group_id: UUID, now: float
    ) -> pipeline.Rewritten:
        """What a raw message of theirs becomes. Raises Refused."""
        check_size(content, size_limit(principal, self._max_message_bytes))
        preparation = await self._preparation(submission, principal, group_id, now)
        if len(content) > _THREAD_BYTES:
            done = await asyncio.to_thread(prepare, content, preparation)
        else:
            done = prepare(content, preparation)
        if len(done.content) > _SENDABLE_BYTES:
            raise Refused(reply.TOO_LARGE_ENCODED, octets=len(done.content), limit=_SENDABLE_BYTES)
        return done

    async def _rewrite(
        self, content: bytes, submission: Submission, principal: Principal, group_id: UUID, now: float
    ) -> Prepared:
        done = await self.rewritten(content, submission, principal, group_id, now)
        assert done.sender.address
        return Prepared(
            content=done.content,
            kind=ContentKind.RAW,
            subject=done.subject,
            original_message_id=done.original_message_id,
            template_id=principal.service.email_template_id,
            template_version=HIDDEN_VERSION,
            header_from=done.sender.address,
            remarks=_remarks(done),
        )

    async def _preparation(
        self, submission: Submission, principal: Principal, group_id: UUID, now: float
    ) -> Preparation:
        variant, service = await self._variant(submission, principal), principal.service
        language = asked_language(submission, principal)
        spoken = [language] if language else list(Language)
        rendered = {each: self._brandings.render(variant, service.name_in(each), each) for each in spoken}
        return Preparation(
            sender=_sender_policy(principal, language or principal.language),
            branding=rendered[language or principal.language],
            translated={} if language else rendered,
            trace=submission.trace,
            keep_received=principal.service.received is Received.KEEP,
            group_id=group_id,
            now=now,
        )

    async def _fill(self, content: Personalised, submission: Submission, principal: Principal, now: float) -> Prepared:
        service = principal.service
        template = await template_of(content, self._templates, service.id, Channel.EMAIL)
        variant = await self._variant(submission, principal)
        subject, body = filled(template, content.personalisation, content.sanitised)
        check_size(body.encode(), size_limit(principal, self._max_message_bytes))
        sender = Address(service.email_from, service.domain)
        language = asked_language(submission, principal) or principal.language
        recipe = Recipe(
            personalisation=own_values(template, content.personalisation),
            sanitise_content_for=own_names(template, content.sanitised),
            one_click_unsubscribe_url=content.one_click_unsubscribe_url,
            service_name=service.name_in(language),
            sender=sender,
            reply_to=submission.reply_to or principal.reply_to_address,
            branding=str(variant.id),
            branding_version=variant.version if isinstance(variant.id, UUID) else None,
            language=language,
            created_at=now,
        )
        return Prepared(
            content=recipe.to_json(),
            kind=ContentKind.RENDERED,
            subject=subject,
            original_message_id=None,
            template_id=template.id,
            template_version=template.version,
            header_from=sender,
            body=body,
        )

    async def _variant(self, submission: Submission, principal: Principal) -> Variant:
        """The branding as it now is, whose version the message keeps."""
        return await variant_of(self._brandings, principal.service.id, submission.branding or principal.branding)


def _noticed(content: DeliveryNotice, principal: Principal) -> Prepared:
    """It is built at the exit, where what it tells of is known."""
    service = principal.service
    sender = Address(service.email_from, service.domain)
    recipe = notice.Recipe(
        about=content.about,
        occasion=content.occasion,
        at=content.at,
        status=content.status,
        reason=content.reason,
        subject=content.subject,
        language=content.language,
        sender_name=service.name,
        sender=sender,
    )
    return Prepared(
        content=recipe.to_json(),
        kind=ContentKind.NOTICE,
        subject=content.subject,
        original_message_id=None,
        template_id=service.email_template_id,
        template_version=HIDDEN_VERSION,
        header_from=sender,
    )


def _answered(
    content: MailAnswer, submission: Submission, principal: Principal, group_id: UUID, now: float
) -> Prepared:
    service = principal.service
    sender = Address(service.email_from, service.domain)
    (recipient,) = submission.envelope.recipients
    return Prepared(
        content=answer.compose(content, (service.name, sender), to=str(recipient), message_id=group_id, created_at=now),
        kind=ContentKind.RAW,
        subject=content.subject,
        original_message_id=message_id_field(group_id, sender.domain),
        template_id=service.email_template_id,
        template_version=HIDDEN_VERSION,
        header_from=sender,
    )


async def variant_of(brandings: Brandings, service_id: UUID, asked: str) -> Variant:
    """A branding that the service may use now. Raises Refused."""
    variant = await brandings.find(service_id, asked)
    if variant is None or variant.archived:
        raise Refused(reply.BAD_OPTION, field="X-Notify-Branding", reason=_NO_BRANDING)
    return variant


def filled(template: Template, personalisation: Mapping[str, Any], sanitised: tuple[str, ...] = ()) -> tuple[str, str]:
    """Subject and body, in Markdown, of an email made of a template whose values are all there. Raises Refused."""
    try:
        subject = fill_subject(template, personalisation, sanitised)
        body = fill_body(template, personalisation, sanitised)
    except TooLong as error:
        sizes = {"octets": error.octets, "lines": error.lines}
        limits = {"max_octets": MAX_FILLED_OCTETS, "max_lines": MAX_FILLED_LINES}
        raise Refused(reply.TEXT_TOO_LONG, **sizes, **limits) from None
    if not body.strip():
        raise Refused(reply.EMPTY)
    if (found := marks(body)) > MAX_MARKS:
        raise Refused(reply.TEXT_TOO_MARKED, marks=found, limit=MAX_MARKS)
    return subject, body


def _remarks(done: pipeline.Rewritten) -> dict[str, object]:
    """What a product's owner may ask: of which fields the first was kept, and why there is no branding."""
    found = {"repeated_fields": done.repeated, "not_branded": done.not_branded_because}
    return {name: value for name, value in found.items() if value}


def asked_language(submission: Submission, principal: Principal) -> Language | None:
    """What the submission asks for, or the key fixes; None: as the message says, else as the key or service does."""
    return submission.language or (principal.language if Option.LANGUAGE in principal.key.fixed else None)


def _sender_policy(principal: Principal, language: Language) -> SenderPolicy:
    service = principal.service
    # A product sets From and Reply-To without knowing of keys: what a key fixes is written over it, not refused.
    fixed = Option.REPLY_TO in principal.key.fixed
    return SenderPolicy(
        name=service.name_in(language),
        address=Address(service.email_from, service.domain),
        author_name=service.display_name == "author",
        reply_to=ReplyTo.NONE if fixed else service.reply_to,
        own_reply_to=principal.reply_to_address,
        registered=principal.registered,
        own_domains=frozenset() if service.from_policy is FromPolicy.REWRITE else principal.domains,
        refuse_others=service.from_policy is FromPolicy.ALLOW_OR_REFUSE,
    )
