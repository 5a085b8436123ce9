"""What can refuse a submission before its content is looked at. Each check raises Refused; none knows a protocol."""

from collections.abc import Sequence

from auth.limits import charges
from auth.principal import Principal
from messages import reply
from messages.address import Address
from messages.message import KeyType
from messages.reply import Refused

_ON_ITS_WAY_SECONDS = 60.0


def check_recipient(principal: Principal, recipient: Address) -> None:
    """Team keys and trial services reach only the guest list (test keys send nothing, so they may name anyone)."""
    if not recipient.ascii:
        raise Refused(reply.SMTPUTF8_RECIPIENT)  # SES carries ASCII local parts only
    if principal.may_reach(recipient.key):
        return
    team = principal.key.type is KeyType.TEAM
    refusal = reply.TEAM_KEY_RECIPIENT if team else reply.TRIAL_RECIPIENT
    raise Refused(refusal, service_id=principal.service.id)


def recipient_limit(principal: Principal, limit: int) -> int:
    """How many recipients one submission may have: more than a window ever holds would be told "later" for ever."""
    return min(limit, *(charge.limit for charge in charges(principal)))


def check_recipients(principal: Principal, recipients: Sequence[Address], limit: int) -> None:
    if not recipients:
        raise Refused(reply.NULL_RECIPIENT)
    limit = recipient_limit(principal, limit)
    if len(recipients) > limit:
        raise Refused(reply.TOO_MANY_RECIPIENTS, limit=limit)
    for recipient in recipients:
        check_recipient(principal, recipient)


def check_size(content: bytes, limit: int) -> None:
    if len(content) > limit:
        raise Refused(reply.TOO_LARGE, limit=limit)


def check_schedule(scheduled_for: float | None, now: float) -> None:
    """What became due on its way here is sent at once."""
    if scheduled_for is not None and scheduled_for < now - _ON_ITS_WAY_SECONDS:
        raise Refused(reply.SCHEDULED_IN_PAST)
