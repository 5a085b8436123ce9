"""Sender rewriting: header From names the service, or its own author where the service may name authors; Reply-To the
author as the service's policy says (RFC 5322 3.6.2).

Knows nothing of sessions, stores or the envelope.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from messages import reply
from messages.address import Address, AddressError, parse_domain
from messages.author import mailboxes
from messages.content import Edit, HeaderSection, decode
from messages.reply import Refused
from messages.words import clean, decode_words, fold, phrase

MAX_NAME_CHARACTERS = 128
MAX_REPLY_TO = 25
MAX_LISTED_CHARACTERS = 85
MAX_LIST_CHARACTERS = 65_536  # a longer list is cut: more than one author is not looked at

_UNICODE_DOMAIN = re.compile(r"@([\w.-]*[^\x00-\x7f][\w.-]*)")
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]++)
      | (?P<word>=\?[^?\s]++\?[bBqQ]\?[^?\r\n]*+\?=)
      | (?P<comment>\()
      | "(?P<quoted>(?:[^"\\]|\\.)*+)(?:"|\\?\Z)
      | <(?P<angle>[^<>]*+)(?:>|\Z)
      | (?P<separator>[,;:])
      | (?P<atom>[^ \t\r\n()"<>,;:]++)
      | (?P<stray>.)""",
    re.VERBOSE | re.DOTALL,
)


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


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A display name as people read it (may be empty) and an address, None where it cannot be used."""

    name: str
    address: Address | None

    def pieces(self) -> list[str]:
        """As it stands in a field, cut where the field may be folded."""
        return [*phrase(self.name), f"<{self.address}>"] if self.name else [str(self.address)]


def sender(header: HeaderSection, policy: SenderPolicy) -> Mailbox:
    """Who stands in header From. Raises Refused where the service wants its authors named, and this is none of them."""
    if not (policy.author_name or policy.own_domains or policy.refuse_others):
        return Mailbox(_bounded(policy.name), policy.address)
    authors = [mailbox for field in header.all("from") for mailbox in parse_mailboxes(field)]
    kept = _kept(authors, policy)
    if kept is not None and _is_certain(header, kept):
        return kept
    if policy.refuse_others:
        allowed = (str(policy.address), *(f"@{domain}" for domain in sorted(policy.own_domains)))
        raise Refused(reply.AUTHOR_NOT_ALLOWED, allowed=", ".join(allowed)[:MAX_LISTED_CHARACTERS])
    author = authors[0] if authors else Mailbox("", None)
    name = author.name if policy.author_name and _is_safe_name(author.name) else _bounded(policy.name)
    return Mailbox(name, policy.address)


def rewrite(header: HeaderSection, policy: SenderPolicy, sender: Mailbox) -> Iterator[Edit]:
    """The edits that leave exactly one From, naming `sender`, and at most one Reply-To: no author is no Reply-To."""
    new = fold("From", sender.pieces())
    wished = parse_mailboxes(", ".join(header.all("reply-to")))
    if not wished and sender.address == policy.address:
        wished = parse_mailboxes(header.first("from") or "")[:1]
    replies = _permitted(wished, policy)
    if replies:
        new += fold("Reply-To", _list(replies))
    elif policy.own_reply_to:
        new += fold("Reply-To", [clean(policy.own_reply_to)])

    old = [*header.named("from"), *header.named("reply-to")]
    place = header.named("from")[0].start if header.named("from") else 0
    yield Edit(place, place, new)
    yield from (Edit(field.start, field.end, b"") for field in old)


def parse_mailboxes(text: str) -> list[Mailbox]:
    """The mailboxes of an address list, groups taken apart (RFC 5322 3.4). Never fails; skips what is no mailbox."""
    found: list[Mailbox] = []
    words: list[str] = []  # of the phrase, or of an address without brackets
    comments: list[str] = []
    angle: str | None = None

    def finish() -> None:
        nonlocal angle
        if angle is not None:
            found.append(_mailbox("".join(words), angle))
        elif "@" in "".join(words):
            *before, address = (word for word in "".join(words).split() if "@" in word or not comments)
            found.append(_mailbox(" ".join(comments or before), address))  # `a@example.ca (Name)`, the old form
        angle = None
        words.clear()
        comments.clear()

    text, at = text[:MAX_LIST_CHARACTERS], 0
    while at < len(text) and (token := _TOKEN.match(text, at)):
        at = token.end()
        match token.lastgroup:
            case "comment":
                comment, at = _comment(text, at)
                comments.append(comment)
            case "separator" if token[0] == ":":
                words.clear()  # the name of a group
            case "separator":
                finish()
            case "angle":
                angle = token["angle"] if angle is None else angle
            case "quoted":
                words.append(re.sub(r"\\(.)", r"\1", token["quoted"]))
            case "space":
                words.append(" ")
            case _:
                words.append(token[0])
    finish()
    return found


def _mailbox(name: str, address: str) -> Mailbox:
    address = address.strip()
    if address.startswith("@"):  # RFC 5322 4.4: an obsolete route stands before the address
        address = address.rpartition(":")[2]
    try:
        # RFC 2047 5: no encoded word stands in an address, and some readers decode it all the same.
        parsed = None if "=?" in address else Address.parse(address)
    except AddressError:
        parsed = None
    return Mailbox(clean(decode_words(name)), parsed)


def _comment(text: str, at: int) -> tuple[str, int]:
    """The comment that starts behind an opening bracket, which may hold comments, and where it ends."""
    depth, start = 1, at
    for bracket in re.compile(r"\\.|[()]", re.DOTALL).finditer(text, at):
        depth += {"(": 1, ")": -1}.get(bracket[0], 0)
        if depth == 0:
            return text[start : bracket.start()], bracket.end()
    return text[start:], len(text)


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


def _permitted(wished: list[Mailbox], policy: SenderPolicy) -> list[Mailbox]:
    unique: dict[str, Mailbox] = {}
    for mailbox in wished:
        if mailbox.address and policy.permits(mailbox.address) and mailbox.address.ascii:
            name = mailbox.name if _is_safe_name(mailbox.name) else ""
            unique.setdefault(mailbox.address.key, Mailbox(name, mailbox.address))
    return list(unique.values())[:MAX_REPLY_TO]


def _list(mailboxes: list[Mailbox]) -> list[str]:
    pieces: list[str] = []
    for mailbox in mailboxes:
        pieces += mailbox.pieces()
        pieces[-1] += ","
    return [*pieces[:-1], pieces[-1].removesuffix(",")]


def _is_safe_name(name: str) -> bool:
    """A name that holds an address could pass for the sender; compatibility forms of @ look the same."""
    return 0 < len(name) <= MAX_NAME_CHARACTERS and "@" not in unicodedata.normalize("NFKC", name)


def _bounded(name: str) -> str:
    return clean(name)[:MAX_NAME_CHARACTERS]
