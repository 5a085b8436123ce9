"""`secrets rotate`: re-encrypts what an older root secret encrypted, so that the older one can be forgotten.

Runs beside everything else: each portion is one short write transaction, and all processes read both roots meanwhile.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Table, bindparam, func, select, update

from auth import allowed_senders, guests, keys, roots
from auth.domains import dkim_keys
from config.database import Database
from config.keyring import Cipher, Hasher, Keyring
from delivery.store import tables
from messages.address import Address

_PORTION = 200


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted column, how its row is bound to it, and the keyed hash that stands beside it."""

    table: Table
    column: str
    cipher: Cipher
    row_id: Callable[[Row[Any]], bytes]
    hash_column: str | None = None
    hasher: Hasher | None = None
    key: Callable[[str], str] = str


async def rotate(database: Database, secret: Keyring, sealing: Keyring) -> int:
    """Re-encrypts everything that the first root of each list did not write; returns how many values.

    Then the proofs are those of the first roots: with an older one alone nothing starts any more.
    """
    async with database.write() as connection:
        count = await keys.seal_allowed_senders(connection, secret)
    for sealed in _everything(secret, sealing):
        while portion := await _rotate_portion(database, sealed):
            count += portion
        # Then what somebody else was writing meanwhile, one row each time: who waits holds nothing.
        while portion := await _rotate_portion(database, sealed, 1, skip_locked=False):
            count += portion
    async with database.write() as connection:
        for name, keyring in (("secret", secret), ("sealing", sealing)):
            await roots.renew(connection, name, keyring)
    return count


def _everything(secret: Keyring, sealing: Keyring) -> Sequence[Sealed]:
    mail, by_id = secret.hasher("recipient"), _id
    return (
        Sealed(tables.contents, "data", secret.cipher("content"), lambda r: r.id.bytes + r.part.to_bytes(4, "big")),
        Sealed(tables.messages, "reverse_path", secret.cipher("reverse path"), by_id),
        Sealed(tables.messages, "subject", secret.cipher("subject"), by_id),
        Sealed(tables.messages, "dsn", secret.cipher("dsn"), by_id),
        Sealed(tables.messages, "recipient", secret.cipher("recipient"), by_id, "recipient_hash", mail, _address_key),
        Sealed(tables.events, "detail", secret.cipher("event detail"), by_id),
        Sealed(tables.callback_urls, "bearer_token", secret.cipher("callback token"), _service_id),
        Sealed(tables.callback_urls, "signing_secret", secret.cipher("callback secret"), _service_id),
        Sealed(keys.keys, "secret", secret.cipher(keys.PURPOSE), by_id, "secret_hash", secret.hasher(keys.PURPOSE)),
        Sealed(keys.keys, "allowed_senders", allowed_senders.cipher(secret), by_id),
        Sealed(
            guests.guests,
            "address",
            secret.cipher(guests.PURPOSE),
            by_id,
            "address_hash",
            secret.hasher(guests.PURPOSE),
        ),
        Sealed(dkim_keys.dkim_keys, "private_key", sealing.cipher(dkim_keys.PURPOSE), by_id),
    )


def _id(row: Row[Any]) -> bytes:
    return bytes(row.id.bytes)


def _service_id(row: Row[Any]) -> bytes:
    return bytes(row.service_id.bytes)


def _address_key(address: str) -> str:
    return Address.parse(address).key


async def _rotate_portion(
    database: Database, sealed: Sealed, limit: int = _PORTION, *, skip_locked: bool = True
) -> int:
    column = sealed.table.c[sealed.column]
    ids = list(sealed.table.primary_key.columns)
    # The key id stands in front of every value, so the database finds what is old.
    old = func.substr(column, 1, len(sealed.cipher.id)) != sealed.cipher.id
    chosen = select(*ids, column).where(old).limit(limit)
    if not database.is_sqlite:
        chosen = chosen.with_for_update(skip_locked=skip_locked)
    statement = update(sealed.table).where(*(column == bindparam(f"b_{column.name}") for column in ids))
    async with database.write() as connection:
        rows = (await connection.execute(chosen)).all()
        if rows:
            await connection.execute(
                statement, [_renewed(sealed, row, [column.name for column in ids]) for row in rows]
            )
    return len(rows)


def _renewed(sealed: Sealed, row: Any, ids: Sequence[str]) -> dict[str, Any]:
    row_id = sealed.row_id(row)
    plain = sealed.cipher.decrypt(row._mapping[sealed.column], row_id)
    values: dict[str, Any] = {f"b_{name}": row._mapping[name] for name in ids}
    values[sealed.column] = sealed.cipher.encrypt(plain, row_id)
    if sealed.hasher is not None and sealed.hash_column is not None:
        values[sealed.hash_column] = sealed.hasher.hash(sealed.key(plain.decode()))
    return values
