"""Address lists in header fields (RFC 5322 3.4): read as mail programs read them, written so that all read the same.

`is_right` says where nothing need be written anew. Knows nothing of policy, or of which field a list stands in.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from messages.address import MAX_PATH_OCTETS, Address, AddressError
from messages.email.charset import codec_of
from messages.email.encoded_words import decode_words, phrase
from messages.text import clean

MAX_MAILBOX_OCTETS = 320  # name and address, once encoded: SES refuses a longer one
MAX_MAILBOXES = 1_000  # of a list that are written anew; those that are right are not counted
MAX_AUTHORS = 100  # of a list whose addresses are asked for
_MAX_TOKENS = 10_000  # of one entry; a list ends before a longer one
_MAX_CHARACTERS = 16_384  # of one entry, and of a comment
_MAX_HELD = 100  # tokens before the commas in one name
_MAX_RIGHT_CHARACTERS = 1_000  # with comments and blanks
_MAX_NAME_CHARACTERS = 4_096

_PIECES = r"""(?P<plain>[^,;"()<>=]++)
  | (?P<word>=\?[^?\s]++\?[bBqQ]\?[^?\r\n]*+\?=)
  | (?P<separator>[,;][,; \t\r\n]*+)
  | (?P<comment>\()
  | <(?P<angle>[^<>]*+)>
  | <(?P<open>[ \t]*+[^\s<>,;"()@]*+@[^\s<>,;"()]*+)
  | (?P<equals>=)
  | (?P<stray>.)"""
_SIMPLE = re.compile(r"(?P<name>[\w .'&-]*+)<(?P<address>[\w.+-]++@[\w.-]++)>")  # most fields: nothing to think about
_ANY = re.compile(rf'"(?P<quoted>(?:[^"\\]|\\.)*+)"|{_PIECES}', re.VERBOSE | re.DOTALL)
_UNQUOTED = re.compile(_PIECES, re.VERBOSE | re.DOTALL)  # behind a quote that never closes
_BRACKETED = ("angle", "open")
_BRACKET = re.compile(r"\\.|[()]", re.DOTALL)
_PLAIN = re.compile(r"[ \t\r\n]+|:|[^ \t\r\n:]+")
_RAW_WORD = re.compile(r"=\?([^?\s]++)\?[qQ]\?[^?\r\n]*+\?=")
_COMMENT = re.compile(r"\([^()]*\)")

# What every reader takes apart in one way; of obsolete syntax (RFC 5322 4.1) only the dot in a name.
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_QUOTED = r'"(?:[\t !#-\[\]-~]|\\[\t -~])*+"'
_CFWS = r"(?:[ \t]++|\((?:[\t !-'*-\[\]-~]|\\[\t -~])*+\))*+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?+"
_DOMAIN = rf"(?:{_LABEL}\.)++(?![0-9]++(?![A-Za-z0-9-])){_LABEL}(?![A-Za-z0-9.-])"
_ADDRESS = rf"(?:{_ATEXT}++(?:\.{_ATEXT}++)*+|{_QUOTED})@{_DOMAIN}"
_WORD = rf"(?:(?:{_ATEXT}|\.)++|{_QUOTED}){_CFWS}"
_MAILBOX = re.compile(
    rf"{_CFWS}(?:{_WORD})*+<[ \t]*+(?P<angle>{_ADDRESS})[ \t]*+>{_CFWS}|{_CFWS}(?P<bare>{_ADDRESS}){_CFWS}"
)
_GROUP = re.compile(rf"{_CFWS}(?:{_WORD})++:{_CFWS}")
_NEXT = re.compile(rf",|;{_CFWS}(?:,|\Z)|\Z")

Token = tuple[str, str]  # its kind, a group of the expression, and what it says
Entry = tuple[str, list[Token]]  # in the sender's characters, and taken apart


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A display name as people read it (may be empty) and an address, None where it cannot be used."""

    name: str
    address: Address | None

    def pieces(self) -> list[str]:
        """As it stands in a field, cut where the field may be folded; a name that is too long for SES is cut."""
        name = self.name[:MAX_MAILBOX_OCTETS]
        pieces = self._pieces(name)
        if _octets(pieces) <= MAX_MAILBOX_OCTETS:
            return pieces
        over = bisect_left(range(len(name)), MAX_MAILBOX_OCTETS + 1, key=lambda end: _octets(self._pieces(name[:end])))
        return self._pieces(name[: over - 1].rstrip())

    def _pieces(self, name: str) -> list[str]:
        return [*phrase(name), f"<{self.address}>"] if name else [str(self.address)]


def _octets(pieces: list[str]) -> int:
    return len(" ".join(pieces))


def parse_mailboxes(text: str) -> list[Mailbox]:
    """The first mailboxes of an address list, groups taken apart. Never fails; skips what is no mailbox."""
    if len(text) <= _MAX_CHARACTERS and (simple := _SIMPLE.fullmatch(text)):
        return [_mailbox(simple["name"], simple["address"])]
    found = (mailbox for _, tokens in islice(entries(text), MAX_MAILBOXES) for mailbox in read(tokens))
    return list(islice(found, MAX_AUTHORS))


def is_right(text: str) -> bool:
    """Whether SES and strict readers take a whole list as it is: no syntax that is obsolete (RFC 5322 4)."""
    at, group = 0, False
    while True:
        if mailbox := _MAILBOX.match(text, at, at + _MAX_RIGHT_CHARACTERS):
            if not _fits(mailbox):
                return False
            at = mailbox.end()
        elif not group and (opening := _GROUP.match(text, at, at + _MAX_RIGHT_CHARACTERS)):
            group, at = True, opening.end()
            if not text.startswith(";", at):
                continue
        else:
            return False
        following = _NEXT.match(text, at)
        if following is None or following[0].startswith(";") > group or (not following[0] and group):
            return False
        at, group = following.end(), group and following[0] == ","
        if not following[0].endswith(","):
            return True


def right_address(text: str) -> str | None:
    """The address of an entry that can stay as it is; None for any other."""
    mailbox = _MAILBOX.fullmatch(text) if len(text) <= _MAX_RIGHT_CHARACTERS else None
    return (mailbox["angle"] or mailbox["bare"]) if mailbox and _fits(mailbox) else None


def entries(text: str) -> Iterator[Entry]:
    """What stands between the separators of a list. A comma within a name that nobody quoted separates nothing."""
    start, held = "", list[Token]()
    for entry, tokens, separator in _separated(text):
        if separator.startswith(",") and len(held) < _MAX_HELD and _is_phrase(tokens):
            start += entry + separator
            held += (*tokens, ("plain", separator))
            continue
        if held and any(kind in _BRACKETED for kind, _ in tokens):
            yield start + entry, held + tokens
        else:
            if held:
                yield start, held
            yield entry, tokens
        start, held = "", []
    if held:
        yield start, held


def read(tokens: list[Token]) -> Iterator[Mailbox]:
    """The mailboxes of one entry: several where the separators between them are missing."""
    words, comments = _Words(), list[str]()
    before: tuple[str, str] | None = None  # name and address in angle brackets
    for kind, value in tokens:
        if kind in _BRACKETED:
            if before:
                yield from _bracketed(*before)
                before = None
            before = words.text() or " ".join(comments), value
            words, comments = _Words(), []
        elif kind == "comment":
            comments.append(value)
            words.mark()
        else:
            words.add(kind, value)
    if before and words.addresses():
        yield from _bracketed(*before)
        yield from words.mailboxes(" ".join(comments))
    elif before:
        name, address = before
        yield from _bracketed(name or words.text() or " ".join(comments), address)
    else:
        yield from words.mailboxes(" ".join(comments))


def _separated(text: str) -> Iterator[tuple[str, list[Token], str]]:
    tokens: list[Token] = []
    start = 0
    for kind, value, end in _tokens(text):
        if kind == "separator":
            entry = text[start : end - len(value)]
            yield entry, tokens if len(entry) <= _MAX_CHARACTERS else [], value
            tokens, start = [], end
        elif len(tokens) < _MAX_TOKENS:
            tokens.append((kind, value))
        else:
            return
    yield text[start:], tokens if len(text) - start <= _MAX_CHARACTERS else [], ""


def _is_phrase(tokens: list[Token]) -> bool:
    """Words without an address, and no name of a group."""
    return any(kind != "comment" for kind, _ in tokens) and not any(
        kind in _BRACKETED or "@" in value or (kind != "quoted" and ":" in value) for kind, value in tokens
    )


class _Words:
    """The words of a phrase, or of an address without brackets: as they are shown, and as they are written."""

    def __init__(self) -> None:
        self._words: list[tuple[str, str]] = []
        self._gap = True

    def mark(self) -> None:
        """A comment or a stray bracket: not shown, and within an address it makes two words of one."""
        self._append("", "()")

    def add(self, kind: str, value: str) -> None:
        if kind == "quoted":
            self._append(re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL), f'"{value}"')
        elif kind == "stray":
            self.mark()
        else:
            for piece in [value] if kind == "word" else _PLAIN.findall(value):
                self._plain(piece)

    def text(self) -> str:
        return " ".join(shown for shown, _ in self._words if shown)

    def addresses(self) -> list[str]:
        """What is written with an @ outside quotes."""
        return [written.strip("()") for _, written in self._words if "@" in re.sub(r'"[^"]*"', "", written)]

    def mailboxes(self, comment: str) -> Iterator[Mailbox]:
        """`a@example.ca (Name)`, the old form, and what people write who forget brackets, commas or both."""
        addresses = self.addresses()
        if not addresses:  # some quote the whole address
            addresses = [shown for shown, written in self._words if "@" in shown and written == f'"{shown}"']
        others = " ".join(shown for shown, _ in self._words if shown and "@" not in shown)
        for address in addresses:
            yield _mailbox(comment or others if len(addresses) == 1 else "", address)

    def _plain(self, piece: str) -> None:
        if piece == ":":
            self._words.clear()  # the name of a group
            self._gap = True
        elif piece.isspace():
            self._gap = True
        else:
            self._append(piece, piece)

    def _append(self, shown: str, written: str) -> None:
        if not self._gap:
            last = self._words.pop()
            shown, written = last[0] + shown, last[1] + written
        self._words.append((shown, written))
        self._gap = False


def _fits(mailbox: re.Match[str]) -> bool:
    address = mailbox["angle"] or mailbox["bare"]
    # RFC 2047 5: no encoded word stands in an address, and some readers decode it all the same.
    short = len(address) <= MAX_PATH_OCTETS and len(mailbox[0].strip(" \t")) <= MAX_MAILBOX_OCTETS
    return short and "=?" not in address


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """Kind, value and end of each; a quote or bracket that never closes is a blank, and so are all behind it."""
    pattern, comments, at = _ANY, True, 0
    while at < len(text):
        found = pattern.match(text, at)
        assert found
        kind = str(found.lastgroup)
        value, at = found[kind], found.end()
        if kind == "comment":
            end = _comment_end(text, at) if comments else None
            comments = end is not None
            kind, value, at = ("comment", text[at : end - 1], end) if end else ("stray", value, at)
        elif value == '"' and kind == "stray":
            pattern = _UNQUOTED
        yield kind, value, at


def _comment_end(text: str, at: int) -> int | None:
    """Behind the bracket that closes a comment, which may hold comments."""
    depth = 1
    for bracket in _BRACKET.finditer(text, at, at + _MAX_CHARACTERS):
        depth += {"(": 1, ")": -1}.get(bracket[0], 0)
        if depth == 0:
            return bracket.end()
    return None


def _bracketed(name: str, written: str) -> Iterator[Mailbox]:
    """Some put a whole list into one pair of brackets; commas stand in a route, too (RFC 5322 4.4)."""
    addresses = [written] if written.strip().startswith("@") else re.split(r"[,;]", written)
    for address in addresses:
        yield _mailbox(name if len(addresses) == 1 else "", address)


def _mailbox(name: str, address: str) -> Mailbox:
    address = _COMMENT.sub(" ", address).strip()
    if address.startswith("@"):  # RFC 5322 4.4: an obsolete route stands before the address
        address = address.rpartition(":")[2]
    if address[:7].lower() == "mailto:":
        address = address[7:]
    try:
        parsed = None if "=?" in address else Address.parse(address.removesuffix("."))
    except AddressError:
        parsed = None
    return Mailbox(clean(decode_words(_RAW_WORD.sub(_in_ascii, name[:_MAX_NAME_CHARACTERS]))), parsed)


def _in_ascii(word: re.Match[str]) -> str:
    """An encoded word in which somebody left letters as they are."""
    codec = codec_of(word[1]) or "utf-8"
    return re.sub(
        r"[^\x00-\x7f]", lambda found: "".join(f"={octet:02X}" for octet in found[0].encode(codec, "replace")), word[0]
    )
