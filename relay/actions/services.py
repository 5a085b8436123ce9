"""Services, as people change them: who sends, live or in trial, on hold or not."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from auth import keys, service_domains, services
from auth.domains import names
from auth.principal import Service
from auth.services import OWN_ID, OWN_TEMPLATE_ID
from auth.usage import Usage, of_service
from config.settings import Limits
from delivery.library import brandings, templates
from messages.message import Channel, Language
from relay.actions import reply_tos
from relay.actions.errors import NOTHING_NAMED, RELAY_WRITES_TO_NOBODY, ActionError
from relay.actions.templates import create as create_template
from relay.actions.transaction import Transaction
from relay.plain import plain

_OWN_NAME = "notify-relay"

Change = Callable[[AsyncConnection, Limits, UUID], Awaitable[Service]]


async def create(t: Transaction, *, domain: str | None = None, **options: Any) -> Service:
    """A service, of the default domain unless one is named, with the template and the key that nobody sees.

    `options` are those of auth.services.create; the branding may be named. Raises a TextError.
    """
    made = await _make(t, domain, **await with_branding(t, None, options))
    await _ensure_writer(t, made)
    return made


async def update(t: Transaction, named: str, **changes: Any) -> Service:
    """Changes what is named. Raises a TextError."""
    if not changes:
        raise ActionError(NOTHING_NAMED)
    if "domain" in changes:
        await names.usable(t.connection, changes["domain"], t.settings.email)
    before = await t.service_to_change(named)
    changes = await with_branding(t, before.id, changes)
    after = await services.update(t.connection, t.limits, before.id, **changes)
    await reply_tos.ensure(t, after)
    await _record(t, "update", before, after)
    await _ensure_writer(t, after)
    return after


async def usage(t: Transaction, service: Service) -> list[Usage]:
    """What it has used of its limits."""
    return await of_service(t.connection, service, t.now)


async def hold(t: Transaction, named: str) -> Service:
    """Doors take no more of its messages, within 5 seconds. Raises AuthError."""
    return await _set(t, named, "hold", services.hold)


async def release(t: Transaction, named: str) -> Service:
    """Doors take its messages again. Raises AuthError."""
    return await _set(t, named, "release", services.release)


async def go_live(t: Transaction, named: str) -> Service:
    """Out of trial: it reaches everybody. Raises AuthError."""
    return await _set(t, named, "go-live", services.go_live)


async def keep_content(t: Transaction, named: str, days: int) -> Service:
    """So long what its messages say is kept, those sent before too. Raises AuthError."""
    return await _set(t, named, "update", partial(services.keep_content, days=days))


async def with_branding(t: Transaction, service_id: UUID | None, options: dict[str, Any]) -> dict[str, Any]:
    """The options with the id of the branding that was named. Raises VariantError when the service may not use it."""
    if not options.get("branding"):
        return options
    # Only doors look at it later, and could only refuse every message.
    return options | {"branding": await brandings.usable(t.connection, service_id, options["branding"])}


async def _make(t: Transaction, domain: str | None, **options: Any) -> Service:
    email = t.settings.email
    # Made with the first service; who may not make keys of domains finds it there.
    default = await names.find(t.connection, names.parse_name(email.default_domain))
    if default is None:
        default = await names.ensure(t.connection, t.sealing, email.default_domain, t.now)
    chosen = default if domain is None else await names.usable(t.connection, domain, email)
    made = await services.create(t.connection, t.limits, t.now, domain=chosen.name, **options)
    for channel, template_id in ((Channel.EMAIL, made.email_template_id), (Channel.SMS, made.sms_template_id)):
        await templates.create_hidden(t.connection, template_id, made.id, t.now, channel)
    await keys.hidden(t.connection, t.secret, t.limits, made, t.now)
    await reply_tos.ensure(t, made)
    await _record(t, "create", None, made)
    return made


async def check_own(t: Transaction) -> None:
    """Raises ActionError: the relay cannot write yet, and no door may make its service."""
    if not await services.exists(t.connection, service_id=OWN_ID):
        raise ActionError(RELAY_WRITES_TO_NOBODY)


async def ensure_own(t: Transaction) -> None:
    """The relay's own service, made with the first contact, domain or sender: it may have to write to somebody.

    No door may make it.
    """
    if await services.exists(t.connection, service_id=OWN_ID):
        return
    taken = await services.exists(t.connection, email_from=_OWN_NAME)
    email_from = f"{_OWN_NAME}-{OWN_ID.hex[:6]}" if taken else _OWN_NAME
    own = {"service_id": OWN_ID, "name": _OWN_NAME, "email_from": email_from, "language": Language.BOTH, "live": True}
    await _make(t, None, **own)
    texts = {"name": "Letter", "subject": "((subject))", "body": "((body))"}
    await create_template(t, str(OWN_ID), channel=Channel.EMAIL, template_id=OWN_TEMPLATE_ID, **texts)


async def ensure_for_senders(t: Transaction) -> None:
    """The relay's own service, where there are services whose senders are told: made before notices were."""
    used = set((await t.connection.execute(service_domains.used())).scalars())
    if used - {names.parse_name(t.settings.email.default_domain)}:
        await ensure_own(t)


async def _ensure_writer(t: Transaction, service: Service) -> None:
    """Where we write to its contact, or to senders of its messages."""
    default = names.parse_name(t.settings.email.default_domain)
    if service.contact or service.notice_address or service.domain != default:
        await ensure_own(t)


async def _set(t: Transaction, named: str, action: str, change: Change) -> Service:
    before = await t.service_to_change(named)
    after = await change(t.connection, t.limits, before.id)
    await _record(t, action, before, after)
    return after


async def _record(t: Transaction, action: str, before: Service | None, after: Service) -> None:
    old = None if before is None else plain(before)
    await t.record(f"service.{action}", "service", after.id, old, plain(after), service_id=after.id)
