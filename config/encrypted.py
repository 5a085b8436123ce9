"""Columns that are encrypted: for what, and by which root, stands on the column alone.

Who writes or reads one asks here for its cipher, and `secrets rotate` finds them all in the metadata. Knows no table.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, LargeBinary, MetaData
from sqlalchemy.types import TypeDecorator

from config.keyring import Cipher, Hasher, Keyring

_NUMBER_BYTES = 4


class Root(StrEnum):
    """Which root secret encrypts: the value is its name in `roots`."""

    SECRET = "secret"  # noqa: S105 - a name
    SEALING = "sealing"  # of workers alone: doors do not have it


class Encrypted(TypeDecorator[bytes]):
    """What a Cipher of `purpose` made, bound to the primary key of its row; code puts and takes the octets as they are.

    `found_by` is the column beside it with the keyed hash, for the same purpose, of what `key` makes of the text.
    """

    impl = LargeBinary
    cache_ok = True

    def __init__(
        self,
        purpose: str,
        root: Root = Root.SECRET,
        *,
        found_by: str | None = None,
        key: Callable[[str], str] = str,
    ) -> None:
        super().__init__()
        self.purpose = purpose
        self.root = root
        self.found_by = found_by
        self.key = key


def cipher(column: Column[Any], keyring: Keyring) -> Cipher:
    """What writes and reads the column."""
    return keyring.cipher(declared(column).purpose)


def hasher(column: Column[Any], keyring: Keyring) -> Hasher:
    """What makes, and looks up, the hash beside the column."""
    return keyring.hasher(declared(column).purpose)


def row_id(*primary_key: UUID | int) -> bytes:
    """What binds a value to its row."""
    return b"".join(
        each.bytes if isinstance(each, UUID) else each.to_bytes(_NUMBER_BYTES, "big") for each in primary_key
    )


def declared(column: Column[Any]) -> Encrypted:
    if not isinstance(column.type, Encrypted):
        raise TypeError(f"{column} is not encrypted")
    return column.type


def columns(metadata: MetaData) -> Iterator[Column[Any]]:
    """All that are encrypted, in the tables that were imported: import delivery.all_tables for every one."""
    for table in metadata.sorted_tables:
        yield from (column for column in table.columns if isinstance(column.type, Encrypted))
