"""Whether a URL answers. One where nothing was done for a day is suspended: nothing is called, and what is to be told
waits; one waiting call at a time is tried as a probe, and the first that is done resumes it.

A probe is a call that the service is owed anyway, so it hears nothing twice, and needs to know of no other request.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from delivery.backoff import backoff_seconds
from delivery.callbacks.owner import Change, Changed, Inform
from delivery.store.base import CallbackKind
from delivery.store.tables import callback_urls

SUSPEND_SECONDS = 86400.0
_BASE_SECONDS, _CAP_SECONDS = 60.0, 3600.0  # between probes

_URL = tuple[UUID, CallbackKind]


@dataclass(frozen=True, slots=True)
class Call:
    """How a receiver took a call."""

    service_id: UUID
    kind: CallbackKind
    at: float
    done: bool
    reason: str | None
    probe: bool = False


@dataclass(frozen=True, slots=True)
class Health:
    """What is shown of a URL. `failed_as` is a short code."""

    first_failed_at: float | None
    failed_as: str | None
    suspended_at: float | None
    next_probe_at: float | None


async def show(connection: AsyncConnection, service_id: UUID, kind: CallbackKind) -> Health:
    """Of a URL that is there. A read."""
    c = callback_urls.c
    statement = select(c.failing_since, c.failed_as, c.suspended_at, c.probe_at)
    row = (await connection.execute(statement.where(c.service_id == service_id, c.kind == kind.value))).one()
    return Health(*row)


async def resume(connection: AsyncConnection, service_id: UUID, kind: CallbackKind, now: float) -> bool:
    """As the first call that is done would; returns whether it was suspended or failing."""
    c = callback_urls.c
    mine = (c.service_id == service_id) & (c.kind == kind.value) & c.failing_since.is_not(None)
    return bool((await connection.execute(update(callback_urls).where(mine).values(_well(now)))).rowcount)


_PROBED = (
    update(callback_urls)
    .where(
        callback_urls.c.service_id == bindparam("b_service"),
        callback_urls.c.kind == bindparam("b_kind"),
        callback_urls.c.probe_at <= bindparam("b_now"),
    )
    .values(probe_at=bindparam("b_until"))
)


def take_probe(connection: Connection, service_id: UUID, kind: str, values: Mapping[str, Any]) -> bool:
    """Whether the probe that is due is ours, until the lease ends: of all processes one probes."""
    named = {"b_service": service_id, "b_kind": kind, "b_now": values["now"], "b_until": values["until"]}
    return bool(connection.execute(_PROBED, named).rowcount)


# -- What calls say of their URL -----------------------------------------------------------------------------------


def _well(now: float) -> dict[str, Any]:
    ended = {"failing_since": None, "failed_as": None, "suspended_at": None, "probe_at": None, "probes": 0}
    return ended | {"well_since": now}


def note(connection: Connection, calls: Sequence[Call], inform: Inform) -> dict[_URL, Change]:
    """Writes what they say; returns which URLs were suspended or resumed."""
    found: dict[_URL, Change] = {}
    for row in _rows(connection, {call.service_id for call in calls}):
        named = (row.service_id, CallbackKind(row.kind))
        mine = [call for call in calls if (call.service_id, call.kind) == named]
        # Of calls that ended together one that was done counts: it answers.
        done = [call.at for call in mine if call.done]
        change = _done(connection, row, max(done), inform) if done else _failed(connection, row, mine, inform)
        if change is not None:
            found[named] = change
    return found


def _rows(connection: Connection, services: set[UUID]) -> Sequence[Any]:
    """In one order, for all writers."""
    c = callback_urls.c
    columns = (c.id, c.service_id, c.kind, c.url, c.failing_since, c.failed_as, c.suspended_at, c.probes)
    statement = select(*columns).where(c.service_id.in_(sorted(services))).order_by(c.id)
    return connection.execute(statement).all() if services else ()


def _done(connection: Connection, row: Any, at: float, inform: Inform) -> Change | None:
    if row.failing_since is None:
        return None  # what is well costs no write
    c = callback_urls.c
    suspended = update(callback_urls).where(c.id == row.id, c.suspended_at.is_not(None)).values(_well(at))
    if connection.execute(suspended).rowcount:
        return _changed(connection, row, Change.RESUMED, row.failed_as, at, inform)
    connection.execute(update(callback_urls).where(c.id == row.id).values(_well(at)))
    return None


def _failed(connection: Connection, row: Any, calls: Sequence[Call], inform: Inform) -> Change | None:
    if not calls:
        return None
    last = max(calls, key=lambda call: call.at)
    values = _after_failure(row, min(call.at for call in calls), last, any(call.probe for call in calls))
    if not values:
        return None
    c = callback_urls.c
    # Only as it was seen: one that was done meanwhile, by another process, counts.
    seen = (c.id == row.id, c.failing_since == row.failing_since, c.suspended_at == row.suspended_at)
    taken = connection.execute(update(callback_urls).where(*seen).values(values)).rowcount
    if not taken or "suspended_at" not in values:
        return None
    return _changed(connection, row, Change.SUSPENDED, values["failed_as"], last.at, inform)


def _changed(connection: Connection, row: Any, change: Change, failed_as: str, at: float, inform: Inform) -> Change:
    kind = CallbackKind(row.kind)
    inform(connection, Changed(change, row.service_id, kind, row.url, row.failing_since, failed_as or "", at))
    return change


def _after_failure(row: Any, first_at: float, last: Call, probed: bool) -> dict[str, Any]:
    """What changes of the URL's row."""
    reason = last.reason or ""
    if row.failing_since is None:
        return {"failing_since": first_at, "failed_as": reason}
    suspend = row.suspended_at is None and last.at - row.failing_since >= SUSPEND_SECONDS
    if not (suspend or (row.suspended_at is not None and probed)):
        return {}  # also of calls that were under way when it was suspended
    probing = {"failed_as": reason, "probes": row.probes + 1, "probe_at": last.at + _delay_seconds(row.probes + 1)}
    return probing | {"suspended_at": last.at} if suspend else probing


def _delay_seconds(probes: int) -> float:
    return backoff_seconds(probes, _BASE_SECONDS, _CAP_SECONDS, random.random())  # noqa: S311
