"""Whether the root secrets are the ones that this database was made with.

With another SECRET_KEY every log-in would look like a wrong password, and clients would give up for good.
"""

from sqlalchemy import Column, LargeBinary, Table, Text, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from config.database import INSERT, metadata
from config.keyring import Keyring, KeyringError

roots = Table(
    "roots",
    metadata,
    Column("name", Text, primary_key=True),
    Column("proof", LargeBinary, nullable=False),  # by the root itself that it names: renewed last, apart
)

PURPOSE = "root proof"


async def load(connection: AsyncConnection) -> dict[str, bytes]:
    """The proofs that were left, by name."""
    return {row.name: row.proof for row in await connection.execute(select(roots))}


def check(name: str, keyring: Keyring, proof: bytes) -> None:
    """Raises KeyringError when none of the list's roots left it."""
    try:
        keyring.cipher(PURPOSE).decrypt(proof, name.encode())
    except KeyringError:
        raise KeyringError("the {name} key is not the one that this database was made with", name=name) from None


async def leave(connection: AsyncConnection, name: str, keyring: Keyring) -> None:
    """Leaves a proof where there is none. Raises KeyringError when somebody else left another one."""
    made = (
        INSERT[connection.dialect.name](roots).values(name=name, proof=_proof(name, keyring)).on_conflict_do_nothing()
    )
    await connection.execute(made)
    check(name, keyring, (await load(connection))[name])


async def renew(connection: AsyncConnection, name: str, keyring: Keyring) -> None:
    """Leaves the proof of the first root of the list: once that has written all there is, and no earlier.

    A process that reads only the root before starts until then, and none that reads only the new one.
    """
    await connection.execute(update(roots).where(roots.c.name == name).values(proof=_proof(name, keyring)))


def _proof(name: str, keyring: Keyring) -> bytes:
    return keyring.cipher(PURPOSE).encrypt(b"", name.encode())
