"""Whom a message says that it is from, where that can be read in one way only (RFC 5322 3.6.2).

Stricter than rewrite.py, which makes the best of anything: this is for keys that may name certain senders only, so what
two readers could take apart differently is not taken apart at all. Knows nothing of keys.
"""

import re
from collections.abc import Iterator

from messages import reply
from messages.address import Address, AddressError
from messages.email.charset import codec_of, contains_ascii
from messages.email.content import HeaderSection, decode
from messages.email.encoded_words import decode_words
from messages.email.mailboxes import MAX_AUTHORS
from messages.reply import Refused
from messages.text import Text, normalised

FROM = Text("header From")
SENDER = Text("header Sender")
MAX_FIELD_OCTETS = 16_384

# No comments, groups, routes, quoted local parts or blanks within an address: each has been read in two ways.
_ATEXT = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
_ADDRESS = rb"%b(?:\.%b)*+@[A-Za-z0-9.-]++" % (_ATEXT, _ATEXT)
_WORD = rb"""(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\x80-\xff-]++|"(?:[\t !#-\[\]-~\x80-\xff]|\\["\\])*+")"""
_MAILBOX = re.compile(
    rb"(?:(?P<name>%b(?:[ \t]++%b)*+)?[ \t]*+<(?P<angle>%b)>|(?P<bare>%b))[ \t]*+(?:,[ \t]*+(?!\Z)|\Z)"
    % (_WORD, _WORD, _ADDRESS, _ADDRESS)
)
_QUOTING = re.compile(rb'\\(.)|"')
_ENCODED = re.compile(
    r"=\?([\w.:+-]{1,40})(?:\*[A-Za-z0-9-]{0,40})?\?"
    r"(?:[bB]\?(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?|[qQ]\?(?:[!-<>@-~]|=[0-9A-Fa-f]{2})*+)\?=",
    re.ASCII,
)
_COMMENT = re.compile(r"\([^()]*\)")
_MARKS = re.compile(r'["\\<>()]')


def authors(header: HeaderSection) -> Iterator[tuple[Text, Address]]:
    """Every mailbox of From and Sender, with the name of its field; nothing where both are missing.

    Raises Refused where a reader could see other ones.
    """
    if any(not field.name for field in header.fields):  # a line that some readers skip, and others end the section at
        raise Refused(reply.SENDER_UNCLEAR, role=FROM)
    for role, name in ((FROM, "from"), (SENDER, "sender")):
        fields = header.named(name)
        readable = len(fields) == 1 and fields[0].end - fields[0].start <= MAX_FIELD_OCTETS
        found = mailboxes(header.raw(fields[0])) if readable else []
        if fields and (not found or (role is SENDER and len(found) > 1)):
            raise Refused(reply.SENDER_UNCLEAR, role=role)
        yield from ((role, address) for address in found)


def mailboxes(field: bytes) -> list[Address]:
    """The addresses of a field's value; empty where it cannot be read for certain, or has too many."""
    found: list[Address] = []
    at = 0
    while at < len(field):
        mailbox = _MAILBOX.match(field, at)
        if mailbox is None or len(found) == MAX_AUTHORS:
            return []
        address = (mailbox["angle"] or mailbox["bare"]).decode("ascii")
        # RFC 2047 5: no encoded word stands in an address, and some readers decode it all the same.
        if "=?" in address or not _is_harmless(mailbox["name"] or b"", address):
            return []
        try:
            found.append(Address.parse(address))
        except AddressError:
            return []
        at = mailbox.end()
    return found


def _is_harmless(name: bytes, address: str) -> bool:
    """Whether a display name shows no other address, to readers that decode it (RFC 2047) and to those that do not."""
    unquoted = _QUOTING.sub(rb"\1", name)
    text = decode(unquoted)
    charsets = {word[1] for word in _ENCODED.finditer(text)}
    if "=?" in _ENCODED.sub("", text) or not all(codec_of(each) and contains_ascii(each) for each in charsets):
        return False
    shown = decode_words(text)
    if shown != text and _MARKS.search(_COMMENT.sub("", shown)):  # who decodes before taking apart reads on in them
        return False
    return all(
        "@" not in normalised("NFKC", each) or (each.isascii() and each.lower() == address.lower())
        for each in (text, shown, unquoted.decode("utf-8", "replace"))
    )
