"""Callbacks, as people change them. Of a URL the audit names the host only: its path is often as good as a password."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from yarl import URL

from auth import notices
from auth.notices import Kind, NoticeFate
from config.settings import Settings
from delivery.callbacks import claims, health, trial, urls
from delivery.callbacks import deliveries as calls
from delivery.callbacks.claims import Backlog
from delivery.callbacks.deliveries import Delivery as Delivery  # noqa: PLC0414 - who shows them finds them here
from delivery.callbacks.health import Health
from delivery.callbacks.trial import Trial as Trial  # noqa: PLC0414 - likewise
from delivery.callbacks.urls import CallbackUrl, CallbackUrlError, Issued, Receiver
from delivery.store.base import CallbackKind
from relay.actions.errors import CALLBACK_WELL, ActionError, UnknownError
from relay.actions.transaction import Transaction, Transactions
from relay.plain import plain

STATUS = CallbackKind.STATUS


async def put(t: Transaction, service: str, *, kind: CallbackKind = STATUS, url: str, bearer_token: str) -> Issued:
    """Sets the service's URL of that kind, with a new signing secret, which is seen this once. Raises a TextError."""
    service_id = (await t.service(service)).id
    before = await _told_if_any(t, service_id, kind)
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
    after = _told(issued.callback_url)
    await t.record("service.callback.set", "callback", service_id, before, after, service_id=service_id)
    return issued


async def look(t: Transaction, service: str, *, kind: CallbackKind = STATUS) -> tuple[CallbackUrl, Backlog, Health]:
    """The URL, what is still to be told there, and how it answers. Raises a TextError when the service has none."""
    service_id = (await t.service(service)).id
    found = await _find(t, service_id, kind)
    backlog = await claims.backlog(t.connection, service_id, kind, t.now)
    return found, backlog, await health.show(t.connection, service_id, kind)


@dataclass(frozen=True, slots=True)
class Overview:
    """A callback as a page shows it. `told` is what became of the last letter about its URL; None: there was none."""

    url: str
    backlog: Backlog
    health: Health
    told: NoticeFate | None

    @property
    def host(self) -> str:
        return URL(self.url).host or ""


async def overview(t: Transaction, service: str, *, kind: CallbackKind = STATUS) -> Overview | None:
    """As `look`, and whether its owner was told; None when the service has none of that kind."""
    try:
        found, backlog, well = await look(t, service, kind=kind)
    except UnknownError:
        return None
    letters = await notices.of_service(t.connection, found.service_id, Kind.CALLBACK)
    mine = [each for each in letters if each.notice.said["type"] == kind.value]
    return Overview(found.url, backlog, well, mine[-1] if mine else None)


async def deliveries(t: Transaction, service: str) -> list[Delivery]:
    """The last calls of all its callbacks, newest first."""
    return await calls.last(t.connection, (await t.service(service)).id)


async def remove(t: Transaction, service: str, *, kind: CallbackKind = STATUS) -> UUID:
    """Tells the service nothing more of that kind; returns its id. Raises a TextError when it has no URL."""
    service_id = (await t.service(service)).id
    before = _told(await _find(t, service_id, kind))
    await urls.remove(t.connection, service_id, kind)
    await t.record("service.callback.remove", "callback", service_id, before, None, service_id=service_id)
    return service_id


async def resume(t: Transaction, service: str, *, kind: CallbackKind = STATUS) -> UUID:
    """Calls a suspended URL again, at once; returns the service's id. Raises a TextError when it is well."""
    service_id = (await t.service(service)).id
    await _find(t, service_id, kind)
    before = await health.show(t.connection, service_id, kind)
    if not await health.resume(t.connection, service_id, kind, t.now):
        raise ActionError(CALLBACK_WELL)
    was = {"kind": kind.value, "suspended_at": plain(before)["suspended_at"]}
    after = was | {"suspended_at": None}
    await t.record("service.callback.resume", "callback", service_id, was, after, service_id=service_id)
    return service_id


async def receiver(t: Transaction, service: str, *, kind: CallbackKind = STATUS) -> Receiver:
    """Whom `call` is to try. Raises a TextError when the service has no URL, or none that opens."""
    service_id = (await t.service(service)).id
    await _find(t, service_id, kind)
    return await trial.receiver(t.connection, t.secret, service_id, kind)


async def call(receiver: Receiver, settings: Settings, now: float) -> Trial:
    """Calls a URL once, signed as every call is, and says what it answered. Changes nothing. Raises a TextError."""
    return await trial.call(receiver, settings.callbacks, now)


async def try_out(transactions: Transactions, service: str, *, kind: CallbackKind = STATUS) -> Trial:
    """Both of these. Raises a TextError."""
    async with transactions.read() as t:
        found = await receiver(t, service, kind=kind)
    return await call(found, transactions.settings, transactions.now())


async def _find(t: Transaction, service_id: UUID, kind: CallbackKind) -> CallbackUrl:
    try:
        return await urls.find(t.connection, service_id, kind)
    except CallbackUrlError as error:
        raise UnknownError(error.text.source, **error.text.values) from None


async def _told_if_any(t: Transaction, service_id: UUID, kind: CallbackKind) -> dict[str, Any] | None:
    try:
        return _told(await _find(t, service_id, kind))
    except UnknownError:
        return None


def _told(found: CallbackUrl) -> dict[str, Any]:
    return {"kind": found.kind.value, "host": URL(found.url).host, "created_at": plain(found)["created_at"]}
