"""Sender rewriting: header From names the service, or its own author where the service may name authors; Reply-To the
author as the service's policy says (RFC 5322 3.6.2).

Knows nothing of sessions, stores or the envelope.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from messages import reply
from messages.address import Address, AddressError, parse_domain
from messages.email.author import mailboxes
from messages.email.charset import guessed
from messages.email.content import Edit, HeaderSection, decode
from messages.email.encoded_words import fold
from messages.email.mailboxes import Mailbox, parse_mailboxes
from messages.reply import Refused
from messages.text import clean, normalised

MAX_NAME_CHARACTERS = 128
MAX_REPLY_TO = 25
MAX_LISTED_CHARACTERS = 85

_UNICODE_DOMAIN = re.compile(r"@([\w.-]*[^\x00-\x7f][\w.-]*)")


@dataclass(frozen=True, slots=True)
class SenderPolicy:
    """How a service's mail names its sender. `registered` holds `Address.key` forms, and domains as "@domain".

    An author at a domain of `own_domains` stays in header From; others give way to `address`, or are refused.
    """

    name: str
    address: Address
    author_name: bool
    reply_to: str  # registered | any | none
    own_reply_to: str | None
    registered: frozenset[str]
    own_domains: frozenset[str] = frozenset()
    refuse_others: bool = False

    def permits(self, address: Address) -> bool:
        """Whether an author's address may stand in Reply-To. SES carries no local part beyond ASCII."""
        if self.reply_to == "any":
            return address.ascii
        return self.reply_to == "registered" and (address.domain in self.own_domains or address.is_in(self.registered))


def sender(header: HeaderSection, policy: SenderPolicy, charset: str | None) -> Mailbox:
    """Who stands in header From. Raises Refused where the service wants its authors named, and this is none of them.

    `charset`: of the message's text, for names in raw octets.
    """
    if not (policy.author_name or policy.own_domains or policy.refuse_others):
        return Mailbox(_bounded(policy.name), policy.address)
    authors = [mailbox for field in _mailboxes(header, "from", charset) for mailbox in field]
    kept = _kept(authors, policy)
    if kept is not None and _is_certain(header, kept):
        return kept
    if policy.refuse_others:
        allowed = (str(policy.address), *(f"@{domain}" for domain in sorted(policy.own_domains)))
        raise Refused(reply.AUTHOR_NOT_ALLOWED, allowed=", ".join(allowed)[:MAX_LISTED_CHARACTERS])
    author = authors[0] if authors else Mailbox("", None)
    name = author.name if policy.author_name and _is_safe_name(author.name) else _bounded(policy.name)
    return Mailbox(name, policy.address)


def rewrite(header: HeaderSection, policy: SenderPolicy, sender: Mailbox, charset: str | None) -> Iterator[Edit]:
    """The edits that leave exactly one From, naming `sender`, and at most one Reply-To: no author is no Reply-To."""
    new = fold("From", sender.pieces())
    wished = [each for field in _mailboxes(header, "reply-to", charset) for each in _usable(field)]
    if not wished and sender.address == policy.address:
        wished = _usable(next(_mailboxes(header, "from", charset), []))
    replies = _permitted(wished, policy)
    if replies:
        new += fold("Reply-To", _list(replies))
    elif policy.own_reply_to:
        new += fold("Reply-To", [clean(policy.own_reply_to)])

    old = [*header.named("from"), *header.named("reply-to")]
    place = header.named("from")[0].start if header.named("from") else 0
    yield Edit(place, place, new)
    yield from (Edit(field.start, field.end, b"") for field in old)


def _kept(authors: list[Mailbox], policy: SenderPolicy) -> Mailbox | None:
    """The one author, where the service may name him; SES carries no local part beyond ASCII."""
    author = authors[0] if len(authors) == 1 else Mailbox("", None)
    if author.address is None or not author.address.ascii:
        return None
    if author.address.domain not in policy.own_domains and not (
        policy.refuse_others and author.address == policy.address
    ):
        return None
    return author if not author.name or _is_safe_name(author.name) else Mailbox(_bounded(policy.name), author.address)


def _is_certain(header: HeaderSection, author: Mailbox) -> bool:
    """Whether From can be read as that author only. A domain that is not ASCII stands for its ASCII form."""
    [field] = header.named("from")
    try:
        value = _UNICODE_DOMAIN.sub(lambda found: "@" + parse_domain(found[1]), decode(header.raw(field)))
    except AddressError:
        return False
    return mailboxes(value.encode()) == [author.address]


def _mailboxes(header: HeaderSection, name: str, charset: str | None) -> Iterator[list[Mailbox]]:
    """Of each field of that name, from the top."""
    return (parse_mailboxes(guessed(header.raw(field), charset)) for field in header.named(name))


def _usable(mailboxes: list[Mailbox]) -> list[tuple[str, Address]]:
    """Those that SES carries: no local part beyond ASCII."""
    return [(each.name, each.address) for each in mailboxes if each.address and each.address.ascii]


def _permitted(wished: list[tuple[str, Address]], policy: SenderPolicy) -> list[Mailbox]:
    unique: dict[str, Mailbox] = {}
    for name, address in wished:
        if policy.permits(address):
            unique.setdefault(address.key, Mailbox(name if _is_safe_name(name) else "", address))
    return list(unique.values())[:MAX_REPLY_TO]


def _list(mailboxes: list[Mailbox]) -> list[str]:
    pieces: list[str] = []
    for mailbox in mailboxes:
        pieces += mailbox.pieces()
        pieces[-1] += ","
    return [*pieces[:-1], pieces[-1].removesuffix(",")]


def _is_safe_name(name: str) -> bool:
    """A name that holds an address could pass for the sender; compatibility forms of @ look the same."""
    return 0 < len(name) <= MAX_NAME_CHARACTERS and "@" not in normalised("NFKC", name)


def _bounded(name: str) -> str:
    return clean(name)[:MAX_NAME_CHARACTERS]
