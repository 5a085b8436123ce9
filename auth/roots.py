"""Whether the root secrets are the ones that this database was made with.

With another SECRET_KEY every log-in would look like a wrong password, and clients would give up for good.
"""

from sqlalchemy import Column, LargeBinary, Table, Text, insert, select, update
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


async def check(connection: AsyncConnection, name: str, keyring: Keyring) -> None:
    """Leaves a proof of the root on first use; later raises KeyringError when none of the list made it."""
    cipher = keyring.cipher(PURPOSE)
    proof = await connection.scalar(select(roots.c.proof).where(roots.c.name == name))
    if proof is None:
        value = cipher.encrypt(b"", name.encode())
        await connection.execute(insert(roots).values(name=name, proof=value))
        return
    try:
        cipher.decrypt(proof, name.encode())
    except KeyringError:
        raise KeyringError(f"the {name} key is not the one that this database was made with") from None
    if not cipher.is_current(proof):
        renewed = cipher.encrypt(b"", name.encode())
        await connection.execute(update(roots).where(roots.c.name == name).values(proof=renewed))
