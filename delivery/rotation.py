"""`secrets rotate`: re-encrypts what an older root secret encrypted, so that the older one can be forgotten.

What there is to re-encrypt, the tables say (config/encrypted.py). Runs beside everything else: each portion is one
short write transaction, and all processes read both roots meanwhile.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, bindparam, func, select, update

from auth import keys, presence, roots
from config import encrypted
from config.database import Database
from config.encrypted import Encrypted, Root, row_id
from config.keyring import Cipher, Hasher, Keyring
from delivery.all_tables import metadata

_PORTION = 200


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted column, with what its roots make of it."""

    column: Column[Any]
    declared: Encrypted
    cipher: Cipher
    hasher: Hasher

    @property
    def primary_key(self) -> Sequence[Column[Any]]:
        return list(self.column.table.primary_key.columns)


async def rotate(database: Database, secret: Keyring, sealing: Keyring, now: Callable[[], float]) -> int:
    """Re-encrypts everything that the first root of each list did not write; returns how many values.

    Then the proofs are those of the first roots: with an older one alone nothing starts any more. Raises AuthError
    where a process runs that has an older one alone, also one that started meanwhile: it may write what nobody reads.
    """
    keyrings = {Root.SECRET: secret, Root.SEALING: sealing}
    await _check_none_behind(database, keyrings, now())
    async with database.write() as connection:
        count = await keys.seal_allowed_senders(connection, secret)
    count += await _rotate_columns(database, keyrings)
    async with database.write() as connection:
        for root, keyring in keyrings.items():
            await roots.renew(connection, root.value, keyring)
    # A process says that it runs, then looks at the proofs: one that took the old ones for good shows here.
    await _check_none_behind(database, keyrings, now())
    return count + await _rotate_columns(database, keyrings)


async def _check_none_behind(database: Database, keyrings: Mapping[Root, Keyring], now: float) -> None:
    async with database.read() as connection:
        await presence.check_none_behind(connection, {root.value: each for root, each in keyrings.items()}, now)


async def _rotate_columns(database: Database, keyrings: Mapping[Root, Keyring]) -> int:
    count = 0
    for column in encrypted.columns(metadata):
        sealed = _sealed(column, keyrings[encrypted.declared(column).root])
        while portion := await _rotate_portion(database, sealed):
            count += portion
        # Then what somebody else was writing meanwhile, one row each time: who waits holds nothing.
        while portion := await _rotate_portion(database, sealed, 1, skip_locked=False):
            count += portion
    return count


def _sealed(column: Column[Any], keyring: Keyring) -> Sealed:
    return Sealed(
        column, encrypted.declared(column), encrypted.cipher(column, keyring), encrypted.hasher(column, keyring)
    )


async def _rotate_portion(
    database: Database, sealed: Sealed, limit: int = _PORTION, *, skip_locked: bool = True
) -> int:
    column, ids = sealed.column, sealed.primary_key
    # The key id stands in front of every value, so the database finds what is old.
    old = func.substr(column, 1, len(sealed.cipher.id)) != sealed.cipher.id
    chosen = select(*ids, column).where(old).limit(limit)
    if not database.is_sqlite:
        chosen = chosen.with_for_update(skip_locked=skip_locked)
    statement = update(column.table).where(*(each == bindparam(f"b_{each.name}") for each in ids))
    async with database.write() as connection:
        rows = (await connection.execute(chosen)).all()
        if rows:
            await connection.execute(statement, [_renewed(sealed, row) for row in rows])
    return len(rows)


def _renewed(sealed: Sealed, row: Any) -> dict[str, Any]:
    ids = {each.name: row._mapping[each] for each in sealed.primary_key}
    bound_to, name, found_by = row_id(*ids.values()), sealed.column.name, sealed.declared.found_by
    plain = sealed.cipher.decrypt(row._mapping[sealed.column], bound_to)
    values: dict[str, Any] = {f"b_{each}": value for each, value in ids.items()}
    values[name] = sealed.cipher.encrypt(plain, bound_to)
    if found_by is not None:
        values[found_by] = sealed.hasher.hash(sealed.declared.key(plain.decode()))
    return values
