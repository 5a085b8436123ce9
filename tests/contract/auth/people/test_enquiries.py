"""What people write to the operator is on record, encrypted, and goes away."""

from sqlalchemy import select

from auth.people import enquiries
from config.database import Database
from config.keyring import Keyring
from messages.message import Language

NOW = 1_800_000_000.0


async def test_an_enquiry_is_kept_encrypted_until_it_is_old(database: Database, keyring: Keyring) -> None:
    written = {"name": "Zoë", "address": "zoe@example.org", "words": "Bonjour"}
    async with database.write() as connection:
        made = await enquiries.add(connection, keyring, NOW, reason="ask", language=Language.FR, **written)
        assert await enquiries.newest(connection, keyring) == [made]
        row = (await connection.execute(select(enquiries.enquiries))).one()
        assert not any(value.encode() in row.content for value in written.values())
        assert await enquiries.sweep(connection, NOW + enquiries.KEPT_SECONDS - 1) == 0
        assert await enquiries.sweep(connection, NOW + enquiries.KEPT_SECONDS + 1) == 1
