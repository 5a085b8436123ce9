"""Who wants no more texts, for people: entries of the suppression list for one reason."""

from delivery.store.suppressing import Entry
from delivery.store.suppressions import Reason
from messages.phone import PhoneNumber
from relay.actions import suppressions
from relay.actions.errors import NOT_OPTED_OUT, ActionError
from relay.actions.transaction import Transaction


async def newest(t: Transaction, service: str | None) -> list[Entry]:
    """Of a service; without one, of the numbers that services share. Raises a TextError."""
    return await suppressions.page(t, service, reason=Reason.OPT_OUT)


async def remove(t: Transaction, service: str | None, number: str) -> str:
    """That person gets texts again; returns the number as it is compared. Raises a TextError."""
    known = PhoneNumber.parse(number).e164
    if not await suppressions.lift(t, await suppressions.scope_of(t, service), known, Reason.OPT_OUT):
        raise ActionError(NOT_OPTED_OUT)
    return known
