"""Reply-to addresses, as people change them. Which is the default, the service says."""

from auth import reply_tos, services
from auth.errors import REPLY_TO_UNKNOWN, AuthError
from auth.people import reply_to_codes
from auth.principal import Service
from auth.reply_tos import ReplyToAddress
from relay.actions.errors import (
    REPLY_TO_DEFAULT,
    REPLY_TO_SOON,
    REPLY_TO_UNVERIFIED,
    REPLY_TO_VERIFIED,
    ActionError,
    UnknownError,
)
from relay.actions.transaction import Transaction


async def of_service(t: Transaction, service: Service, named: str) -> ReplyToAddress:
    """The one with this id. Raises UnknownError where the service has none such."""
    for each in await reply_tos.list_all(t.connection, service.id):
        if str(each.id) == named:
            return each
    raise UnknownError(REPLY_TO_UNKNOWN, named=named)


async def add(t: Transaction, service: str, address: str) -> ReplyToAddress:
    """Registers an address, for which whoever asks vouches; messages may name its id. Raises AuthError."""
    owner = await t.service_to_change(service)
    made = await reply_tos.add(t.connection, owner.id, address, t.now, verified=True)
    await _record(t, "add", made, None, {"address": made.address})
    return made


async def begin(t: Transaction, service: str, address: str) -> tuple[ReplyToAddress, str]:
    """An address that no message may name before `confirm`, with the code for the mail to it. Raises AuthError."""
    owner = await t.service_to_change(service)
    made = await reply_tos.add(t.connection, owner.id, address, t.now, verified=False)
    await _record(t, "add", made, None, {"address": made.address})
    return made, await reply_to_codes.make(t.connection, t.secret, made, t.now)


async def send_again(t: Transaction, service: str, named: str) -> tuple[ReplyToAddress, str]:
    """Another code, which ends the one before. Raises a TextError."""
    owner = await t.service_to_change(service)
    found = await _unconfirmed(t, owner, named)
    before = await reply_to_codes.sent_at(t.connection, found.id)
    if before is not None and t.now - before < reply_to_codes.AGAIN_SECONDS:
        raise ActionError(REPLY_TO_SOON, seconds=int(reply_to_codes.AGAIN_SECONDS))
    return found, await reply_to_codes.make(t.connection, t.secret, found, t.now)


async def confirm(t: Transaction, service: str, named: str, code: str) -> ReplyToAddress | AuthError:
    """From now on messages may name it; the first is the default. What is wrong with the code is returned: the try
    has to be counted. Raises a TextError.
    """
    owner = await t.service_to_change(service)
    found = await _unconfirmed(t, owner, named)
    wrong = await reply_to_codes.check(t.connection, t.secret, found, "".join(code.split()), t.now)
    if wrong is not None:
        return wrong
    done = await reply_tos.verify(t.connection, found, t.now)
    await _record(t, "confirm", done, None, {"address": done.address})
    if owner.reply_to_address is None:
        return await make_default(t, service, str(done.id))
    return done


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
    """Where answers go unless a message or its key says otherwise. Raises a TextError."""
    owner = await t.service_to_change(service)
    found = await reply_tos.named(t.connection, owner.id, named)
    if found.verified_at is None:
        raise ActionError(REPLY_TO_UNVERIFIED, address=found.address)
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


async def _unconfirmed(t: Transaction, owner: Service, named: str) -> ReplyToAddress:
    found = await reply_tos.named(t.connection, owner.id, named)
    if found.verified_at is not None:
        raise ActionError(REPLY_TO_VERIFIED, address=found.address)
    return found


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
