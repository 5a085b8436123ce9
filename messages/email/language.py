"""The language that a message says it is in: Content-Language (RFC 3282), else the `lang` of its HTML.

Knows nothing of what is done in which language.
"""

import re
from collections.abc import Iterator

from messages.email.mime import Part
from messages.message import Language

_BEGINNING_OCTETS = 8192  # as sent: the <html> tag stands near the top, behind comments for old readers at most
_COMMENT = re.compile(r"\([^()]*\)")
_TAGS = re.compile(r"(?:^|[,\s])(en|fr)(?:-[a-z0-9-]*)?(?=[,\s]|$)", re.IGNORECASE)
_HTML_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_HTML = re.compile(rb"<html(?=\s)((?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+)>", re.IGNORECASE)
_ATTRIBUTE = re.compile(rb"([^\s=\"'/]+)(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s\"']+))?")


def language_of(root: Part) -> Language | None:
    """English, French or both; None where it says nothing, or another language."""
    value = root.header.first("content-language")
    stated = {tag.lower() for tag in _TAGS.findall(_COMMENT.sub(" ", value))} if value else _of_document(root)
    if {"en", "fr"} <= stated:
        return Language.BOTH
    return next((language for language in (Language.EN, Language.FR) if language in stated), None)


def _of_document(root: Part) -> set[str]:
    first = root if str(root.type) == "text/html" and not root.detached else next(_documents(root), None)
    content = first.decode(_BEGINNING_OCTETS) if first else None
    tag = _HTML.search(_HTML_COMMENT.sub(b"", content)) if content else None
    attributes = _ATTRIBUTE.findall(tag[1]) if tag else []
    values = [value.strip(b"\"' ") for name, value in attributes if name.lower() in (b"lang", b"xml:lang")]
    return {value[:2].decode("latin-1").lower() for value in values if len(value) == 2 or value[2:3] == b"-"}


def _documents(part: Part) -> Iterator[Part]:
    if str(part.type) == "text/html" and not part.attachment:
        yield part
    for child in part.children:
        yield from _documents(child)
