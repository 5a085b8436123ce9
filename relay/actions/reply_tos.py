"""Reply-to addresses, as people change them. Which is the default, the service says."""

from auth import reply_tos, services
from auth.principal import Service
from auth.reply_tos import ReplyToAddress
from relay.actions.errors import REPLY_TO_DEFAULT, ActionError
from relay.actions.transaction import Transaction


async def add(t: Transaction, service: str, address: str) -> ReplyToAddress:
    """Registers an address, for which whoever asks vouches; messages may name its id. Raises AuthError."""
    owner = await t.service_to_change(service)
    made = await reply_tos.add(t.connection, owner.id, address, t.now, verified=True)
    await _record(t, "add", made, None, {"address": made.address})
    return made


async def remove(t: Transaction, service: str, named: str) -> ReplyToAddress:
    """Messages that named it keep it. Raises a TextError for one that the service has not, and for its default."""
    owner = await t.service_to_change(service)
    found = await reply_tos.named(t.connection, owner.id, named)
    if is_default(found, owner):
        raise ActionError(REPLY_TO_DEFAULT, address=found.address)
    await reply_tos.remove(t.connection, found)
    await _record(t, "remove", found, {"address": found.address}, None)
    return found


async def make_default(t: Transaction, service: str, named: str) -> ReplyToAddress:
    """Where answers go unless a message or its key says otherwise. Raises AuthError."""
    owner = await t.service_to_change(service)
    found = await reply_tos.named(t.connection, owner.id, named)
    await services.update(t.connection, t.limits, owner.id, reply_to_address=found.address)
    await _record(t, "default", found, {"default": owner.reply_to_address}, {"default": found.address})
    return found


async def ensure(t: Transaction, service: Service) -> None:
    """The service's default is one of its addresses, however it was set."""
    if service.reply_to_address is None:
        return
    present = await reply_tos.list_all(t.connection, service.id)
    if not any(is_default(each, service) for each in present):
        await reply_tos.add(t.connection, service.id, service.reply_to_address, t.now, verified=True)


def is_default(reply_to: ReplyToAddress, service: Service) -> bool:
    return reply_to.address == service.reply_to_address


async def _record(
    t: Transaction,
    action: str,
    reply_to: ReplyToAddress,
    before: dict[str, str | None] | None,
    after: dict[str, str | None] | None,
) -> None:
    service_id = reply_to.service_id
    await t.record(f"service.reply-to.{action}", "reply-to", reply_to.id, before, after, service_id=service_id)
