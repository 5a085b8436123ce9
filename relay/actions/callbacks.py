"""Callbacks, as people change them. Of a URL the audit names the host only: its path is often as good as a password."""

from uuid import UUID

from yarl import URL

from delivery.callbacks import claims, urls
from delivery.callbacks.claims import Backlog
from delivery.callbacks.urls import CallbackUrl, CallbackUrlError, Issued
from relay.actions.errors import UnknownError
from relay.actions.transaction import Transaction
from relay.plain import plain


async def put(t: Transaction, service: str, *, url: str, bearer_token: str) -> Issued:
    """Sets the service's URL, with a new signing secret, which is seen this once. Raises a TextError."""
    service_id = (await t.service(service)).id
    before = await _told_if_any(t, service_id)
    issued = await urls.put(
        t.connection,
        t.secret,
        service_id,
        t.now,
        url=url,
        bearer_token=bearer_token,
        allow_private=t.settings.callbacks.allow_private,
    )
    after = _told(issued.callback_url)
    await t.record("service.callback.set", "callback", service_id, before, after, service_id=service_id)
    return issued


async def look(t: Transaction, service: str) -> tuple[CallbackUrl, Backlog]:
    """The URL, and what is still to be told there. Raises a TextError when the service has none."""
    service_id = (await t.service(service)).id
    found = await _find(t, service_id)
    return found, await claims.backlog(t.connection, service_id, t.now)


async def remove(t: Transaction, service: str) -> UUID:
    """Tells the service nothing more; returns its id. Raises a TextError when it has no URL."""
    service_id = (await t.service(service)).id
    before = _told(await _find(t, service_id))
    await urls.remove(t.connection, service_id)
    await t.record("service.callback.remove", "callback", service_id, before, None, service_id=service_id)
    return service_id


async def _find(t: Transaction, service_id: UUID) -> CallbackUrl:
    try:
        return await urls.find(t.connection, service_id)
    except CallbackUrlError as error:
        raise UnknownError(error.text.source, **error.text.values) from None


async def _told_if_any(t: Transaction, service_id: UUID) -> dict[str, str | None] | None:
    try:
        return _told(await _find(t, service_id))
    except UnknownError:
        return None


def _told(found: CallbackUrl) -> dict[str, str | None]:
    return {"host": URL(found.url).host, "created_at": plain(found)["created_at"]}
