"""Services, as people change them: who sends, live or in trial, on hold or not."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from auth import keys, services
from auth.domains import names
from auth.principal import Service
from config.settings import Limits
from delivery.library import brandings, templates
from relay.actions import reply_tos
from relay.actions.errors import NOTHING_NAMED, ActionError
from relay.actions.transaction import Transaction
from relay.plain import plain

Change = Callable[[AsyncConnection, Limits, UUID], Awaitable[Service]]


async def create(t: Transaction, *, domain: str | None = None, **options: Any) -> Service:
    """A service, of the default domain unless one is named, with the template and the key that nobody sees.

    `options` are those of auth.services.create; the branding may be named. Raises a TextError.
    """
    options = await with_branding(t, None, options)
    email = t.settings.email
    default = await names.ensure(t.connection, t.sealing, email.default_domain, t.now)
    chosen = default if domain is None else await names.usable(t.connection, domain, email)
    made = await services.create(t.connection, t.limits, t.now, domain=chosen.name, **options)
    await templates.create_hidden(t.connection, made.email_template_id, made.id, t.now)
    await keys.hidden(t.connection, t.secret, t.limits, made, t.now)
    await reply_tos.ensure(t, made)
    await _record(t, "create", None, made)
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
    return after


async def hold(t: Transaction, named: str) -> Service:
    """Doors take no more of its messages, within 5 seconds. Raises AuthError."""
    return await _set(t, named, "hold", services.hold)


async def release(t: Transaction, named: str) -> Service:
    """Doors take its messages again. Raises AuthError."""
    return await _set(t, named, "release", services.release)


async def go_live(t: Transaction, named: str) -> Service:
    """Out of trial: it reaches everybody. Raises AuthError."""
    return await _set(t, named, "go-live", services.go_live)


async def with_branding(t: Transaction, service_id: UUID | None, options: dict[str, Any]) -> dict[str, Any]:
    """The options with the id of the branding that was named. Raises VariantError when the service may not use it."""
    if not options.get("branding"):
        return options
    # Only doors look at it later, and could only refuse every message.
    return options | {"branding": await brandings.usable(t.connection, service_id, options["branding"])}


async def _set(t: Transaction, named: str, action: str, change: Change) -> Service:
    before = await t.service_to_change(named)
    after = await change(t.connection, t.limits, before.id)
    await _record(t, action, before, after)
    return after


async def _record(t: Transaction, action: str, before: Service | None, after: Service) -> None:
    old = None if before is None else plain(before)
    await t.record(f"service.{action}", "service", after.id, old, plain(after), service_id=after.id)
