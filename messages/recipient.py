"""Whom a message is for, whatever its channel: a mail address, or a phone number."""

from enum import StrEnum
from typing import Protocol


class Channel(StrEnum):
    """By what a message goes."""

    EMAIL = "email"
    SMS = "sms"


class Recipient(Protocol):
    """One recipient. `str` writes it as its provider is given it and as it is stored; its channel reads it again."""

    @property
    def channel(self) -> Channel: ...

    @property
    def key(self) -> str:
        """What all spellings of one recipient have in common, for comparing and for keyed hashes."""
        ...
