"""What a command is given in a file, or on standard input. Knows nothing of what it is."""

import sys
from pathlib import Path

from messages.text import TextError
from relay.cli import texts


class InputError(TextError):
    """There is nothing to read."""


def octets_of(file: Path | str, limit: int = -1) -> bytes:
    """As many as `limit` of a file, `-` for standard input; -1: all. Raises InputError or OSError."""
    if str(file) != "-":
        with Path(file).open("rb") as opened:
            return opened.read(limit)
    if sys.stdin is None:  # closed by whoever started us
        raise InputError(texts.NO_INPUT)
    return sys.stdin.buffer.read(limit)
