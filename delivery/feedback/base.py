"""JSON from outside, read strictly: what is not as documented is Unreadable, and nothing else is ever raised."""

import json
from collections.abc import Mapping
from typing import Any

from messages.message import parse_time

DETAIL_CHARACTERS = 1000
_EARLIEST, _LATEST = parse_time("2010-01-01"), parse_time("2200-01-01")
_MAX_NUMBER = 1e15
MAX_CHARACTERS = 512 * 1024  # SNS carries 256 KiB; an escaped quotation mark counts twice


class Unreadable(Exception):  # noqa: N818
    """Not what AWS sends. Names the place, never what stands there."""


def read_object(text: str | bytes) -> dict[str, Any]:
    """The JSON object in `text`. Raises Unreadable."""
    if len(text) > MAX_CHARACTERS:
        raise Unreadable("too long")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # a hostile nesting exhausts the parser's stack
        raise Unreadable("not JSON") from None
    if not isinstance(value, dict):
        raise Unreadable("not an object")
    return value


def child(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object inside; empty where there is none. Raises Unreadable when something else stands there."""
    found = value.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Unreadable(name)
    return found


def children(value: Mapping[str, Any], name: str) -> list[Any]:
    """A list inside; empty where there is none. Raises Unreadable when something else stands there."""
    found = value.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise Unreadable(name)
    return found


def string(value: Mapping[str, Any], name: str) -> str | None:
    """A text inside, None where there is none. Raises Unreadable when something else stands there."""
    found = value.get(name)
    if found is None:
        return None
    if not isinstance(found, str):
        raise Unreadable(name)
    try:
        found.encode()
    except UnicodeEncodeError:  # half a surrogate pair: valid JSON, not text
        raise Unreadable(name) from None
    return found


def required(value: Mapping[str, Any], name: str) -> str:
    """A text that must be there. Raises Unreadable."""
    found = string(value, name)
    if not found:
        raise Unreadable(name)
    return found


def boolean(value: Mapping[str, Any], name: str) -> bool | None:
    """True or false, None where there is neither. Raises Unreadable when something else stands there."""
    found = value.get(name)
    if found is not None and not isinstance(found, bool):
        raise Unreadable(name)
    return found


def number(value: Mapping[str, Any], name: str) -> float | None:
    """A number from 0, None where there is none. Raises Unreadable when something else stands there."""
    found = value.get(name)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < _MAX_NUMBER:
        raise Unreadable(name)
    return found


def time_of(text: str, name: str) -> float:
    """Seconds since the epoch of a time in ISO 8601. Raises Unreadable."""
    try:
        return _possible(parse_time(text), name)
    except ValueError:
        raise Unreadable(name) from None


def milliseconds(value: Mapping[str, Any], name: str) -> float:
    """Seconds since the epoch of a time in milliseconds that must be there. Raises Unreadable."""
    return _possible((number(value, name) or 0) / 1000, name)


def _possible(at: float, name: str) -> float:
    if not _EARLIEST < at < _LATEST:
        raise Unreadable(name)
    return at


def printable(text: str | None) -> str | None:
    """Cut, and without what could command a terminal."""
    if text is None:
        return None
    return "".join(c if c.isprintable() else " " for c in text[:DETAIL_CHARACTERS]).strip() or None
