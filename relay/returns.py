"""Which senders are told what became of their messages, of which occasions, and where.

Notices go to a sender at a domain of the service, whose records prove whose it is, else to where the service wants
them: never to somebody who may not have sent anything.
"""

from collections.abc import Set

from auth.principal import Principal
from messages.address import Address, AddressError
from messages.email.content import HeaderSection
from messages.email.notice import is_answer
from messages.message import Door, Dsn, KeyType, Occasion, Submission


def can_be_told(principal: Principal) -> bool:
    """Whether there are senders of this principal whom we tell; what test keys send reaches nobody, notices too."""
    has_place = bool(principal.domains) or principal.service.notice_address is not None
    return has_place and principal.key.type is not KeyType.TEST


def place(reverse_path: str, domains: Set[str], notice_address: str | None) -> Address | None:
    """Where a sender is told; None: nowhere. The null sender never is (RFC 5321 4.5.5)."""
    if not reverse_path:
        return None
    try:
        sender = Address.parse(reverse_path)
    except AddressError:
        sender = None
    if sender is not None and sender.ascii and sender.domain in domains:
        return sender
    return Address.parse(notice_address) if notice_address else None


def is_told(submission: Submission, principal: Principal) -> bool:
    """Whether the sender is told anything; of a notice or an answer nobody is, or two programs never end."""
    if submission.door is not Door.SMTP or not isinstance(submission.content, bytes) or not can_be_told(principal):
        return False
    reverse_path = submission.envelope.reverse_path or ""
    to = place(reverse_path, principal.domains, principal.service.notice_address)
    if to is None or not principal.may_reach(to.key):  # of a trial service its guests alone hear anything
        return False
    return not is_answer(HeaderSection.parse(submission.content))


def occasions(asked: Dsn | None) -> frozenset[Occasion]:
    """What NOTIFY says; without it failures, as servers do by themselves (RFC 3461 4.1)."""
    if asked is None or not asked.notify:
        return frozenset({Occasion.FAILURE})
    return frozenset(Occasion(each) for each in asked.notify if each != "NEVER")
