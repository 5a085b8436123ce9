"""Whether the root secrets are the ones that this database was made with.

With another SECRET_KEY every log-in would look like a wrong password, and clients would give up for good.
"""

from sqlalchemy import Column, LargeBinary, Table, Text, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from config.database import metadata
from config.keyring import Keyring, KeyringError

roots = Table(
    "roots",
    metadata,
    Column("name", Text, primary_key=True),
    Column("proof", LargeBinary, nullable=False),  # opens with the right root only
)

PURPOSE = "root proof"


async def load(connection: AsyncConnection) -> dict[str, bytes]:
    """The proofs that were left, by name."""
    return {row.name: row.proof for row in await connection.execute(select(roots))}


def is_current(name: str, keyring: Keyring, proof: bytes) -> bool:
    """Whether the first root of the list left it. Raises KeyringError when none of the list did."""
    cipher = keyring.cipher(PURPOSE)
    try:
        cipher.decrypt(proof, name.encode())
    except KeyringError:
        raise KeyringError("the {name} key is not the one that this database was made with", name=name) from None
    return cipher.is_current(proof)


async def leave(connection: AsyncConnection, name: str, keyring: Keyring) -> None:
    """Leaves a proof where there is none, or renews it. Raises KeyringError when somebody else left another one."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    proof = keyring.cipher(PURPOSE).encrypt(b"", name.encode())
    await connection.execute(insert(roots).values(name=name, proof=proof).on_conflict_do_nothing())
    if not is_current(name, keyring, (await load(connection))[name]):
        await connection.execute(update(roots).where(roots.c.name == name).values(proof=proof))
