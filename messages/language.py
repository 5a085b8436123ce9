"""The language that a message says it is in: Content-Language (RFC 3282), else the `lang` of its HTML.

Knows nothing of what is done in which language.
"""

import re
from collections.abc import Iterator

from messages.message import Language
from messages.mime import Part

_BEGINNING_OCTETS = 8192  # as sent: the <html> tag stands near the top, behind comments for old readers at most
_TAGS = re.compile(r"(?:^|[,\s])(en|fr)(?:-[a-z0-9-]*)?(?=[,\s(]|$)", re.IGNORECASE)
_HTML = re.compile(rb"""<html\b[^<>]*?\s(?:xml:)?lang\s*=\s*["']?\s*([a-z]{2})\b""", re.IGNORECASE)


def language_of(root: Part) -> Language | None:
    """English, French or both; None where it says nothing, or another language."""
    stated = {tag.lower() for value in root.header.all("content-language")[:1] for tag in _TAGS.findall(value)}
    if not stated:
        first = next(_documents(root), None)
        content = first.decode(_BEGINNING_OCTETS) if first else None
        found = _HTML.search(content) if content else None
        stated = {found[1].decode("ascii").lower()} if found else set()
    if {"en", "fr"} <= stated:
        return Language.BOTH
    return next((language for language in (Language.EN, Language.FR) if language in stated), None)


def _documents(part: Part) -> Iterator[Part]:
    if str(part.type) == "text/html" and not part.attachment:
        yield part
    for child in part.children:
        yield from _documents(child)
