"""What can refuse a submission before its content is looked at. Each check raises Refused; none knows a protocol."""

from collections import Counter
from collections.abc import Collection, Sequence

from auth.limits import most
from auth.principal import Option, Principal
from messages import reply
from messages.address import Address, AddressError
from messages.email.author import authors
from messages.email.content import HeaderSection
from messages.message import Answer, KeyType, Lane, Submission
from messages.phone import PhoneNumber
from messages.recipient import Channel, Recipient
from messages.reply import Refused
from messages.text import Text

MAX_LISTED_CHARACTERS = 80
_ENVELOPE_SENDER = Text("envelope sender")
_ON_ITS_WAY_SECONDS = 60.0


def check(principal: Principal, submission: Submission, *, max_recipients: int, now: float) -> None:
    """Everything below but `check_size`, which the preparation asks; in the order in which a client hears of it."""
    check_recipients(principal, submission.envelope.recipients, max_recipients)
    check_senders(principal, submission)
    check_fixed(principal, submission)
    check_schedule(submission.scheduled_for, now)


def hears_that_it_reaches_nobody(principal: Principal, submission: Submission) -> bool:
    """Whether it is refused where all its recipients are suppressed: what is urgent; all else ends at the exit."""
    urgent = (submission.lane or principal.lane) is Lane.PRIORITY
    return urgent and principal.key.type is not KeyType.TEST and not isinstance(submission.content, Answer)


def check_texts_allowed(principal: Principal) -> None:
    if not principal.service.sms_allowed:
        raise Refused(reply.SMS_NOT_ALLOWED, service_id=principal.service.id)


def check_recipient(principal: Principal, recipient: Recipient) -> None:
    """Team keys and trial services reach only the guest list (test keys send nothing, so they may name anyone)."""
    if isinstance(recipient, PhoneNumber):
        check_texts_allowed(principal)
        costs = principal.key.type is not KeyType.TEST
        if recipient.international and costs and not principal.service.sms_international:
            raise Refused(reply.SMS_INTERNATIONAL, service_id=principal.service.id)
    if not str(recipient).isascii():
        raise Refused(reply.SMTPUTF8_RECIPIENT)  # SES carries ASCII local parts only
    if principal.may_reach(recipient.key):
        return
    team = principal.key.type is KeyType.TEAM
    refusal = reply.TEAM_KEY_RECIPIENT if team else reply.TRIAL_RECIPIENT
    raise Refused(refusal, service_id=principal.service.id)


def recipient_limit(principal: Principal, limit: int, channel: Channel = Channel.EMAIL) -> int:
    """How many recipients one submission may have: more than a window ever holds would be told "later" for ever."""
    return min(limit, principal.key.max_recipients or limit, most(principal, channel))


def size_limit(principal: Principal, limit: int) -> int:
    """How many octets the content of one submission may have."""
    return min(limit, principal.key.max_message_bytes or limit)


def check_recipients(principal: Principal, recipients: Sequence[Recipient], limit: int) -> None:
    if not recipients:
        raise Refused(reply.NULL_RECIPIENT)
    by_channel = Counter(recipient.channel for recipient in recipients)
    limits = {channel: recipient_limit(principal, limit, channel) for channel in by_channel}
    for channel, allowed in limits.items():
        if by_channel[channel] > allowed:
            raise Refused(reply.TOO_MANY_RECIPIENTS, limit=allowed)
    if len(recipients) > max(limits.values()):
        raise Refused(reply.TOO_MANY_RECIPIENTS, limit=max(limits.values()))
    for recipient in recipients:
        check_recipient(principal, recipient)


def check_size(content: bytes, limit: int) -> None:
    if len(content) > limit:
        raise Refused(reply.TOO_LARGE, limit=limit)


def check_reverse_path(principal: Principal, reverse_path: str | None) -> None:
    """A key that may name certain senders only, and the sender of the envelope; the null reverse-path is nobody."""
    if reverse_path is None or not principal.key.allowed_from:
        return
    try:
        sender = Address.parse(reverse_path)
    except AddressError as error:
        raise Refused(reply.BAD_SENDER, reason=error.text) from None
    _check_sender(principal, _ENVELOPE_SENDER, sender)


def check_senders(principal: Principal, submission: Submission) -> None:
    """Such a key, and all whom a submission names: envelope, header From, Sender. A template's mail has no author."""
    if not principal.key.allowed_from:
        return
    check_reverse_path(principal, submission.envelope.reverse_path)
    if isinstance(submission.content, bytes):
        for role, address in authors(HeaderSection.parse(submission.content)):
            _check_sender(principal, role, address)


def _check_sender(principal: Principal, role: Text, address: Address) -> None:
    allowed = principal.key.allowed_from
    if allowed and not address.is_in(allowed):
        raise Refused(reply.SENDER_NOT_ALLOWED, role=role, allowed=_listed(allowed))


def _listed(allowed: Collection[str]) -> str:
    """As many as a reply has room for, in two languages."""
    listed = ""
    for each in sorted(allowed):
        if len(listed) + len(each) > MAX_LISTED_CHARACTERS:
            return f"{listed}..."
        listed += f"{each}, "
    return listed.removesuffix(", ")


def check_fixed(principal: Principal, submission: Submission) -> None:
    """What the key fixes no message asks for otherwise; to ask for the same does no harm."""
    lane = submission.lane or principal.lane
    for option, field, asked, value in (
        (Option.LANE, "X-Notify-Lane", submission.lane, principal.lane),
        (Option.LANGUAGE, "X-Notify-Language", submission.language, principal.language),
        (Option.BRANDING, "X-Notify-Branding", submission.branding, principal.branding),
        (Option.REPLY_TO, "email_reply_to_id", submission.reply_to, principal.reply_to_address),
        (Option.EXPIRES, "X-Notify-Expires", submission.lifetime_seconds, principal.lifetime_seconds(lane)),
    ):
        if option in principal.key.fixed and asked not in (None, value):
            raise Refused(reply.OPTION_FIXED, field=field, value=value)


def check_schedule(scheduled_for: float | None, now: float) -> None:
    """What became due on its way here is sent at once."""
    if scheduled_for is not None and scheduled_for < now - _ON_ITS_WAY_SECONDS:
        raise Refused(reply.SCHEDULED_IN_PAST)
