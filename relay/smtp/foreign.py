"""Clients that speak HTTP to a port for mail: a web page can make any browser in a network of devices send commands.

Knows nothing of sessions.
"""

import re

_METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH", b"PRI"})
_VERSION = re.compile(rb"HTTP/\d\.\d", re.IGNORECASE)


def is_http(line: bytes) -> bool:
    """Whether a line begins a request (RFC 9112 3), or is the field that each has: its first line may be too long."""
    words = line.split(b" ")
    first = words[0].upper()
    return first in _METHODS or first.startswith(b"HOST:") or _VERSION.fullmatch(words[-1]) is not None
