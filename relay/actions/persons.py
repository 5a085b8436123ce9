"""One person, over all tables: told, and forgotten. The audit names the person by a keyed hash."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auth.people import users
from delivery.persons import Persons
from messages.address import Address
from messages.phone import PhoneNumber
from messages.recipient import Recipient
from relay.actions import people
from relay.actions.errors import LastManagerError, OperatorError
from relay.actions.transaction import Transaction, Transactions


@dataclass(frozen=True, slots=True)
class Forgotten:
    """`account`: closed, operator, or the name of the service that nobody else manages; None: there is none."""

    messages: int
    cancelled: int
    under_way: int
    others: Mapping[str, int]
    account: str | None = None
    manages: str | None = None


def parse(text: str) -> Recipient:
    """Raises a TextError."""
    return Address.parse(text.strip()) if "@" in text else PhoneNumber.parse(text)


async def export(asking: Transactions, person: Recipient) -> dict[str, Any]:
    """Everything that is held. That it was told is on record."""
    persons = Persons(asking.database, asking.secret)
    found = await persons.export(person)
    async with asking.write() as t:
        await t.record("person.export", "person", persons.hash(person), None, {})
    return found


async def forget(asking: Transactions, person: Recipient) -> Forgotten:
    """In small steps, each of which stays done: begun again it goes on with what is left."""
    persons, after = Persons(asking.database, asking.secret), None
    forgotten, cancelled, under_way = 0, 0, 0
    async with asking.write() as t:  # first, so that it is on record whatever becomes of it
        await t.record("person.delete", "person", persons.hash(person), {}, None)
    while True:
        step = await persons.forget_messages(person, asking.now(), after)
        forgotten += step.forgotten
        cancelled += step.cancelled
        under_way += step.under_way
        if step.after is None:
            break
        after = step.after
    others = await persons.forget_rest(person)
    async with asking.write() as t:
        account, manages = await _close(t, str(person))
    return Forgotten(forgotten, cancelled, under_way, others, account, manages)


async def _close(t: Transaction, address: str) -> tuple[str | None, str | None]:
    found = await users.by_email(t.connection, t.secret, address)
    if found is None:
        return None, None
    try:
        await people.close(t, found)
    except OperatorError:
        return "operator", None
    except LastManagerError as error:
        return "manages", str(error.text.values["service"])
    return "closed", None
