"""Whom a message is for, whatever its channel: a mail address, or what else a channel sends to."""

from dataclasses import dataclass
from typing import Protocol


class Recipient(Protocol):
    """One recipient. `str` writes it as its provider is given it and as it is stored; its channel reads it again."""

    @property
    def key(self) -> str:
        """What all spellings of one recipient have in common, for comparing and for keyed hashes."""
        ...


@dataclass(frozen=True, slots=True)
class Unread:
    """Of a channel that this version does not send by, as it is written: its message waits, is shown, and expires."""

    text: str

    @property
    def key(self) -> str:
        return self.text

    def __str__(self) -> str:
        return self.text
