"""Templates: what a service's messages are made of. For now only the hidden one that SMTP mail is listed under."""

from uuid import UUID

from sqlalchemy import Boolean, Column, Double, Integer, Table, Text, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from config.database import Id, metadata

templates = Table(
    "templates",
    metadata,
    Column("id", Id, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("service_id", Id, nullable=False, index=True),
    Column("channel", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("hidden", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
)

HIDDEN_VERSION = 1


async def create_hidden(connection: AsyncConnection, template_id: UUID, service_id: UUID, now: float) -> None:
    """The template that a service's SMTP mail carries: API clients demand that every message has one."""
    await connection.execute(
        insert(templates).values(
            id=template_id,
            version=HIDDEN_VERSION,
            service_id=service_id,
            channel="email",
            name="SMTP",
            hidden=True,
            created_at=now,
        )
    )
