"""Callbacks, as people change them. Of a URL the audit names the host only: its path is often as good as a password."""

from typing import Any
from uuid import UUID

from yarl import URL

from delivery.callbacks import health, trial, urls
from delivery.callbacks.trial import Trial
from delivery.callbacks.urls import CallbackUrlError, Issued
from delivery.store.base import CallbackKind
from relay.actions.errors import CALLBACK_WELL, ActionError
from relay.actions.transaction import Transaction, Transactions
from relay.plain import plain

STATUS = CallbackKind.STATUS


async def put(t: Transaction, service: str, *, kind: CallbackKind = STATUS, url: str, bearer_token: str) -> Issued:
    """Sets the service's URL of that kind, with a new signing secret, which is seen this once. Raises a TextError."""
    service_id = (await t.service(service)).id
    before = await _told(t, service_id, kind)
    issued = await urls.put(
        t.connection,
        t.secret,
        service_id,
        t.now,
        kind=kind,
        url=url,
        bearer_token=bearer_token,
        allow_private=t.settings.callbacks.allow_private,
    )
    after = await _told(t, service_id, kind)
    await t.record("service.callback.set", "callback", service_id, before, after, service_id=service_id)
    return issued


async def remove(t: Transaction, service: str, *, kind: CallbackKind = STATUS) -> UUID:
    """Tells the service nothing more of that kind; returns its id. Raises a TextError when it has no URL."""
    service_id = (await t.service(service)).id
    before = await _told(t, service_id, kind)
    await urls.remove(t.connection, service_id, kind)
    await t.record("service.callback.remove", "callback", service_id, before, None, service_id=service_id)
    return service_id


async def resume(t: Transaction, service: str, *, kind: CallbackKind = STATUS) -> UUID:
    """Calls a suspended URL again, at once; returns the service's id. Raises a TextError when it is well."""
    service_id = (await t.service(service)).id
    before = await health.show(t.connection, service_id, kind)
    if before is None:
        raise urls.unknown(service_id, kind)
    if not await health.resume(t.connection, service_id, kind, t.now):
        raise ActionError(CALLBACK_WELL)
    was = {"kind": kind.value, "suspended_at": plain(before)["suspended_at"]}
    after = was | {"suspended_at": None}
    await t.record("service.callback.resume", "callback", service_id, was, after, service_id=service_id)
    return service_id


async def try_out(transactions: Transactions, service: str, *, kind: CallbackKind = STATUS) -> Trial:
    """Calls the URL once, signed as every call is, and says what it answered. Changes nothing. Raises a TextError."""
    async with transactions.read() as t:
        service_id = (await t.service(service)).id
        receiver = await trial.receiver(t.connection, t.secret, service_id, kind)
    return await trial.call(receiver, transactions.settings.callbacks, transactions.now())


async def _told(t: Transaction, service_id: UUID, kind: CallbackKind) -> dict[str, Any] | None:
    try:
        found = await urls.find(t.connection, service_id, kind)
    except CallbackUrlError:
        return None
    return {"kind": kind.value, "host": URL(found.url).host, "created_at": plain(found)["created_at"]}
