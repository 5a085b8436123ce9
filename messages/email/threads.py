"""Conversations (RFC 5322 3.6.4) that outlive a provider which gives each message another Message-ID, as SES does.

At the door a message's own Message-ID goes into its References: each answer then carries it back to the product that
wrote it, and all recipients' copies belong to one conversation. At the exit, what a message answers is named as its
recipient knows it. Knows nothing of stores or providers.
"""

import re
from collections.abc import Iterator, Mapping

from messages.email.content import Edit, Field, HeaderSection, splice

MAX_ID_CHARACTERS = 250
MAX_REFERENCED = 100  # the newest; longer lists are cut by their readers, too

_ID = re.compile(rb"<[^<>\s\x00-\x1f\x7f-\xff]{1,%d}>" % MAX_ID_CHARACTERS)
_FOLDED = b"\r\n "


def own_id_referenced(header: HeaderSection) -> Iterator[Edit]:
    """The edits that put the message's own Message-ID at the end of its References; none where it has no usable one."""
    own = _ids(header, "message-id")[:1]
    known = _ids(header, "references")
    if not own or own[0] in known:
        return
    present = header.named("references")
    if not present:
        # Readers that find References pass In-Reply-To over (RFC 5322 3.6.4 builds the one from the other).
        ids = [*_ids(header, "in-reply-to"), *own]
        yield Edit(0, 0, b"References: " + _FOLDED.join(dict.fromkeys(ids)) + b"\r\n")
        return
    value = header.data[present[0].start : present[0].end].rstrip(b"\r\n \t")
    if value.count(b"(") == value.count(b")"):  # within an open comment nobody would see it
        end = present[0].start + len(value)
        yield Edit(end, end, (_FOLDED if known else b" ") + own[0])


def own_id(header: HeaderSection) -> str | None:
    """The message's own Message-ID, without what some products write around it."""
    own = _ids(header, "message-id")
    return own[0].decode("ascii") if own else None


def referenced(header: HeaderSection) -> list[str]:
    """The Message-IDs that a message names as earlier ones, without its own."""
    own = set(_ids(header, "message-id"))
    found = dict.fromkeys([*_ids(header, "references"), *_ids(header, "in-reply-to")])
    return [each.decode("ascii") for each in found if each not in own][-MAX_REFERENCED:]


def renamed(content: bytes, header: HeaderSection, names: Mapping[str, str]) -> bytes:
    """The content with messages named as its reader knows them: `names` gives that by the id they were sent with.

    In-Reply-To names the reader's; References keeps both, since the first one stands in the copies of all others.
    """
    answered = [Edit(*found.span(), known) for found, known in _known(header, "in-reply-to", names)]
    folded = [Edit(edit.start, edit.end, _FOLDED + edit.new) for edit in answered[1:]]
    present = set(_ids(header, "references"))  # the reader's own answers bring what was added for them before
    added = []
    for found, known in _known(header, "references", names):
        if known not in present:
            present.add(known)
            added.append(Edit(found.end(), found.end(), _FOLDED + known))
    return splice(content, [*answered[:1], *folded, *added])


def _known(header: HeaderSection, name: str, names: Mapping[str, str]) -> Iterator[tuple[re.Match[bytes], bytes]]:
    for field in header.named(name):
        for found in _ID.finditer(header.data, *_value(header, field)):
            known = names.get(found[0].decode("ascii"))
            if known is not None:
                yield found, known.encode("ascii")


def _ids(header: HeaderSection, name: str) -> list[bytes]:
    """Of the first field of that name: only that one is sent."""
    first = header.named(name)[:1]
    return [found for field in first for found in _ID.findall(header.data, *_value(header, field))]


def _value(header: HeaderSection, field: Field) -> tuple[int, int]:
    return header.data.index(b":", field.start) + 1, field.end
