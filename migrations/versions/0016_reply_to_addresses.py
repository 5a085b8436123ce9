"""Reply-to addresses with ids, which messages may name; each service's own one becomes the first of them."""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    made = op.create_table(
        "reply_to_addresses",
        sa.Column("id", Id(), nullable=False),
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("verified_at", sa.Double(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"]),
        sa.UniqueConstraint("service_id", "address", name="reply_to_addresses_address"),
    )
    services = sa.table(
        "services",
        sa.column("id", Id()),
        sa.column("reply_to_address", sa.Text()),
        sa.column("created_at", sa.Double()),
    )
    found = op.get_bind().execute(sa.select(services).where(services.c.reply_to_address.is_not(None))).all()
    # An operator set it, and vouches for it.
    rows = [(row.id, row.reply_to_address, row.created_at) for row in found]
    names = ("service_id", "address", "verified_at", "created_at")
    if rows:
        op.bulk_insert(made, [{"id": uuid4(), **dict(zip(names, (*row, row[-1]), strict=True))} for row in rows])


def downgrade() -> None:
    op.drop_table("reply_to_addresses")
    # A version before knows no such type, and could read no key of the service beside it.
    keys = sa.table("keys", *(sa.column(name) for name in ("type", "revoked_at", "created_at")))
    ended = {"type": "test", "revoked_at": sa.func.coalesce(keys.c.revoked_at, keys.c.created_at)}
    op.execute(keys.update().where(keys.c.type == "admin").values(ended))
