"""A domain we send from, made once per process and copied into each database: an RSA key takes a tenth of a second."""

from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.domains import names
from auth.domains.dkim_keys import dkim_keys
from auth.domains.names import domains
from config.keyring import Keyring

_made: dict[tuple[Keyring, str], list[tuple[Any, list[dict[str, Any]]]]] = {}


async def ensure(connection: AsyncConnection, sealing: Keyring, name: str, now: float) -> None:
    """As auth.domains.names.ensure, in a database that has no such domain; times are of the first call."""
    if (sealing, name) in _made:
        for table, rows in _made[sealing, name]:
            await connection.execute(insert(table), rows)
        return
    made = await names.ensure(connection, sealing, name, now)
    wanted = (select(domains).where(domains.c.id == made.id), select(dkim_keys).where(dkim_keys.c.domain_id == made.id))
    found = [[dict(row) for row in (await connection.execute(each)).mappings()] for each in wanted]
    _made[sealing, name] = list(zip((domains, dkim_keys), found, strict=True))
