"""Trace: whatever somebody has of a message (our reply, an id, a Message-ID, an address, their reference) leads to it.

What was pasted is taken for the most certain thing that it can be; where that finds nothing, for the next.
"""

import contextlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from string import Formatter
from typing import Protocol
from uuid import UUID

from delivery.store.base import Found, Search
from messages import reply
from messages.address import Address, AddressError
from messages.message import MAX_REFERENCE_CHARACTERS, parse_id
from messages.phone import PhoneNumber
from messages.reply import Reply
from messages.text import Text

MAX_CHARACTERS = 2_000
FOUND = 50

_ID = re.compile(r"(?<![0-9a-f-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f-])", re.I | re.A)
# Alone or after its name; else it is a mailbox in its angle brackets.
_MESSAGE_ID = re.compile(r"(?:^|message-id: ?)(<[^<>\s]{1,998}@[^<>\s]{1,998}>)", re.I)
# SES calls a mail so, and writes its Message-ID of it.
_SES_ID = re.compile(r"(?<![0-9a-f-])[0-9a-f]{16}(?:-[0-9a-f]{4,12}){5}-[0-9]{6}(?![0-9a-f-])", re.I | re.A)
_REPLY = re.compile(r"(?<![\w.])([245]\d\d)[ -]([245]\.\d{1,3}\.\d{1,3})\s")
_LINK = re.compile(r"https?://\S+#([a-z0-9-]+)")
_TELLING = 12  # characters of a refusal that say which it is
_ADDRESS = re.compile(r"[^\s<>,;:()\[\]\"']{1,64}@[^\s<>,;:()\[\]\"']{1,255}")

ID = Text("an id of a message, or of the messages sent together")
GROUP = Text("our reply to the message: it names the messages sent together")
MESSAGE_ID = Text("a Message-ID")
PROVIDER_ID = Text("what the provider calls the message")
ADDRESS = Text("an email address")
PHONE = Text("a phone number")
REFERENCE = Text("a reference")
REFUSAL = Text("a reply by which the relay refused a message")


@dataclass(frozen=True, slots=True)
class Trace:
    """What was pasted was taken for, and what it led to, newest first.

    `refusal` is the reply with which nothing was stored, so there is nothing to find.
    """

    taken_for: Text
    found: tuple[Found, ...] = ()
    refusal: Reply | None = None


@dataclass(frozen=True, slots=True)
class Guess:
    """One thing that it can be, and the search that finds it."""

    taken_for: Text
    search: Search


class Searching(Protocol):
    """What this needs of delivery.store.searching."""

    async def find(self, search: Search, limit: int) -> list[Found]: ...


async def trace(searching: Searching, pasted: str, services: Collection[UUID]) -> Trace:
    """Looks in these services alone. What is pasted is never empty."""
    text = " ".join(pasted[:MAX_CHARACTERS].split())
    refused = refusal(text)
    if refused is not None and not _ID.search(text):
        return Trace(REFUSAL, refusal=refused)
    guesses = list(guess(text))
    for each in guesses:
        search = replace(each.search, services=frozenset(services))
        if found := await searching.find(search, FOUND):
            return Trace(each.taken_for, tuple(found))
    if refused is not None:  # the ids in it are of the service, or of what was refused
        return Trace(REFUSAL, refusal=refused)
    return Trace(guesses[0].taken_for)


def guess(text: str) -> Iterator[Guess]:
    """What it can be, the most certain first; the last is always a reference."""
    if named := _SES_ID.search(text):
        yield Guess(PROVIDER_ID, Search(provider_id=named[0].lower()))
    if named := _MESSAGE_ID.search(text):
        yield Guess(MESSAGE_ID, Search(original_message_id=named[1]))
    if (named := _ID.search(text)) and (id_ := parse_id(named[0])):
        yield from _of_id(id_, Search(provider_id=named[0].lower()), is_reply=bool(_REPLY.search(text)))
    if named := _ADDRESS.search(text):
        yield from _of_address(named[0].rstrip("."))
    yield from _of_number(text)
    yield Guess(REFERENCE, Search(reference=text[:MAX_REFERENCE_CHARACTERS]))


def _of_id(id_: UUID, by_provider: Search, *, is_reply: bool) -> Iterator[Guess]:
    group = Guess(GROUP if is_reply else ID, Search(group_id=id_))
    message = Guess(ID, Search(message_id=id_))
    yield from (group, message) if is_reply else (message, group)
    yield Guess(PROVIDER_ID, by_provider)


def _of_address(text: str) -> Iterator[Guess]:
    with contextlib.suppress(AddressError):
        yield Guess(ADDRESS, Search(recipient=Address.parse(text).key))
    yield Guess(MESSAGE_ID, Search(original_message_id=f"<{text}>"))  # as products show it, without its brackets


def _of_number(text: str) -> Iterator[Guess]:
    with contextlib.suppress(ValueError):
        yield Guess(PHONE, Search(recipient=PhoneNumber.parse(text).key))


# -- Refusals ------------------------------------------------------------------------------------------------------
def refusal(text: str) -> Reply | None:
    """The reply of ours by which this one refuses: by its link, else by its words, of which products show the first."""
    if not (said := _REPLY.search(text)) or said[1].startswith("2"):
        return None
    code, enhanced, words = int(said[1]), said[2], text[said.end() :]
    alike = [each for each in reply.catalogue().values() if (each.code, each.enhanced) == (code, enhanced)]
    link = _LINK.search(words)
    linked = next((each for each in alike if link and each.slug == link[1]), None)
    return linked or next((each for each in alike if _begins(words, each)), None)


def _begins(words: str, each: Reply) -> bool:
    first = next(piece for piece, _, _, _ in Formatter().parse(each.text) if piece)
    return len(words) >= _TELLING and (
        words.startswith(first) or first.startswith(words) or f" {first.strip()}" in words
    )
