"""Who wants no more texts, for people. The numbers are people's: the audit knows them by their rows."""

from uuid import UUID

from delivery.store import opt_outs
from delivery.store.opt_outs import OptOut
from messages.phone import PhoneNumber
from relay.actions.errors import NOT_OPTED_OUT, ActionError
from relay.actions.transaction import Transaction

LISTED = 1000  # at most, of the newest


async def newest(t: Transaction, service: str | None) -> list[OptOut]:
    """Of a service; without one, of the numbers that services share. Raises a TextError."""
    scope, codec = await _scope(t, service), opt_outs.Codec(t.secret)
    return await t.connection.run_sync(lambda connection: codec.newest(connection, scope, LISTED))


async def remove(t: Transaction, service: str | None, number: str) -> str:
    """That person gets texts again; returns the number as it is compared. Raises a TextError."""
    scope, codec, known = await _scope(t, service), opt_outs.Codec(t.secret), PhoneNumber.parse(number).e164
    gone = await t.connection.run_sync(lambda connection: codec.remove(connection, scope, known))
    if gone is None:
        raise ActionError(NOT_OPTED_OUT)
    whose = None if scope == opt_outs.SHARED else scope
    await t.record("opt-out.remove", "opt-out", gone, {}, None, service_id=whose)
    return known


async def _scope(t: Transaction, service: str | None) -> UUID:
    return opt_outs.SHARED if service is None else (await t.service(service)).id
