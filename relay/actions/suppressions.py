"""Who must not be written to, as people look at and change it. They are people: the audit knows them by their rows.

What ends here ends at the provider soon after (delivery/suppression/list_at_ses.py).
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from delivery.store import suppressing as keeping
from delivery.store.suppressing import Codec
from delivery.store.suppressing import Entry as Entry  # noqa: PLC0414 - who shows them finds them here
from delivery.store.suppressions import EVERYBODY
from delivery.store.suppressions import Reason as Reason  # noqa: PLC0414 - likewise
from messages.address import Address, AddressError
from messages.phone import PhoneNumber
from messages.text import Text
from relay.actions.errors import (
    BAD_ADDRESS,
    NOT_SUPPRESSED,
    SUPPRESSION_ENDS_BEFORE,
    SUPPRESSION_UNKNOWN,
    SUPPRESSIONS_FULL,
    ActionError,
    UnknownError,
)
from relay.actions.timeline import Clock
from relay.actions.transaction import Transaction
from relay.plain import moment

LISTED = 1000  # at most, of the newest
MAX_BY_HAND = 50_000  # of a service: what it uploads, whatever it is, costs the others nothing

_SINCE: Mapping[Reason, Text] = {
    Reason.BOUNCE: Text("Since {since}: mail came back"),
    Reason.COMPLAINT: Text("Since {since}: mail was reported as spam"),
    Reason.OPT_OUT: Text("Since {since}: they answered STOP"),
    Reason.BY_HAND: Text("Since {since}: the service asked for it"),
}
_UNTIL = Text("{begun}. It ends by itself on {until}.")
_FOR_EVER = Text("{begun}. It does not end by itself.")


async def page(
    t: Transaction,
    service: str | None,
    *,
    reason: Reason | None = None,
    older_than: UUID | None = None,
    limit: int = LISTED,
) -> list[Entry]:
    """Those in force, newest first, of a service; without one, of everybody. Raises a TextError."""
    scope, codec = await scope_of(t, service), Codec(t.secret)
    return await t.connection.run_sync(
        lambda c: codec.page(c, scope, t.now, limit, older_than=older_than, reason=reason)
    )


async def about(t: Transaction, recipient: str, service: UUID | None = None) -> list[Entry]:
    """Those in force about somebody: of one service, or of all and of everybody. Raises a TextError."""
    key, codec = key_of(t, recipient), Codec(t.secret)
    found = await t.connection.run_sync(lambda c: codec.find(c, service, key))
    return [each for each in found if each.is_in_force(t.now)]


async def for_service(t: Transaction, recipient: str, service_id: UUID) -> list[Entry]:
    """Those in force that count for the service: its own, and those of everybody."""
    return [each for each in await about(t, recipient) if each.service_id in (service_id, EVERYBODY)]


async def add(t: Transaction, service: str | None, recipient: str, until: float | None = None) -> Entry:
    """By hand: nothing is sent to that person any more, by the service or, without one, by any. Raises a TextError."""
    key, codec = key_of(t, recipient), Codec(t.secret)
    if until is not None and until <= t.now:
        raise ActionError(SUPPRESSION_ENDS_BEFORE)
    scope = EVERYBODY if service is None else (await t.service_to_change(service)).id

    def write(c: Connection) -> Entry | None:
        known = codec.find(c, scope, key, Reason.BY_HAND)
        if scope != EVERYBODY and not known and keeping.count(c, scope, Reason.BY_HAND, MAX_BY_HAND) >= MAX_BY_HAND:
            return None
        codec.hold(c, [key])
        keeping.end(c, known, t.now)  # as it is said now, longer or shorter
        at_provider = scope == EVERYBODY and "@" in key
        added = codec.add(c, scope, key, Reason.BY_HAND, t.now, until=until, at_provider=at_provider)
        return codec.named(c, added)

    entry = await t.connection.run_sync(write)
    if entry is None:
        raise ActionError(SUPPRESSIONS_FULL, limit=MAX_BY_HAND)
    said = {"reason": entry.reason.value, "until": until}
    await t.record("suppression.add", "suppression", entry.id, None, said, service_id=_whose(scope))
    return entry


async def remove(t: Transaction, service: str | None, recipient: str) -> list[Entry]:
    """Ends all of a service about somebody, or all of everybody; returns what ended. Raises a TextError."""
    gone = await lift(t, await scope_of(t, service), key_of(t, recipient))
    if not gone:
        raise ActionError(NOT_SUPPRESSED)
    return gone


async def of_service(t: Transaction, service_id: UUID, entry_id: UUID) -> Entry:
    """One of the service's own that is in force. Raises UnknownError, whoever else's it is."""
    found = await t.connection.run_sync(lambda c: Codec(t.secret).named(c, entry_id))
    if found is None or found.service_id != service_id or not found.is_in_force(t.now):
        raise UnknownError(SUPPRESSION_UNKNOWN, id=entry_id)
    return found


async def remove_entry(t: Transaction, service_id: UUID, entry_id: UUID) -> None:
    """As `remove`, one of the service's own by its id. Raises UnknownError, as `of_service` does."""
    found = await of_service(t, service_id, entry_id)
    await t.connection.run_sync(lambda c: Codec(t.secret).hold(c, [found.recipient]))
    await _end(t, [await of_service(t, service_id, entry_id)])  # unless somebody ended it meanwhile


async def lift(t: Transaction, scope: UUID, key: str, reason: Reason | None = None) -> list[Entry]:
    codec = Codec(t.secret)

    def find(c: Connection) -> list[Entry]:
        codec.hold(c, [key])  # nobody adds one that we do not see
        return codec.find(c, scope, key, reason)

    found = [each for each in await t.connection.run_sync(find) if each.is_in_force(t.now)]
    await _end(t, found)
    return found


async def _end(t: Transaction, entries: list[Entry]) -> None:
    await t.connection.run_sync(lambda c: keeping.end(c, entries, t.now))
    for each in entries:
        before = {"reason": each.reason.value, "since": each.since, "until": each.until}
        action = "opt-out.remove" if each.reason is Reason.OPT_OUT else "suppression.remove"
        kind = action.partition(".")[0]
        await t.record(action, kind, each.id, before, None, service_id=_whose(each.service_id))


def described(entry: Entry) -> dict[str, Any]:
    """For people and programs; without a service it counts for all, without `until` for ever."""
    return {
        "id": str(entry.id),
        "recipient": entry.recipient,
        "reason": entry.reason.value,
        "service_id": None if entry.for_all else str(entry.service_id),
        "since": moment(entry.since),
        "until": None if entry.until is None else moment(entry.until),
        "source_id": str(entry.source_id) if entry.source_id else None,
    }


def in_words(entry: Entry, clock: Clock) -> Text:
    """Why nothing is sent to them, since when, and until when."""
    begun = Text(_SINCE[entry.reason].source, {"since": clock(entry.since)})
    if entry.until is None:
        return Text(_FOR_EVER.source, {"begun": begun})
    return Text(_UNTIL.source, {"begun": begun, "until": clock(entry.until)})


async def scope_of(t: Transaction, service: str | None) -> UUID:
    return EVERYBODY if service is None else (await t.service(service)).id


def _whose(scope: UUID) -> UUID | None:
    return None if scope == EVERYBODY else scope


def key_of(t: Transaction, text: str) -> str:
    """As recipients are compared; what stands for a phone in mail is its number. Raises a TextError."""
    text = text.strip()
    local, _, domain = text.rpartition("@")
    if domain.lower() == t.settings.email.sms_domain:
        text = local
    if "@" not in text:
        return PhoneNumber.parse(text).key
    try:
        return Address.parse(text).key
    except AddressError as error:
        raise ActionError(BAD_ADDRESS, reason=error.text) from None
