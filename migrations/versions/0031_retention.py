"""How long a service keeps what its messages say; and whose a message was whose row is gone."""

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("services", sa.Column("content_days", sa.Integer(), nullable=False, server_default="7"))
    op.create_table(
        "sent_index",
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("message_id", Id(), nullable=False),
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("key_type", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("recipient_hash", sa.LargeBinary()),
        sa.Column("sent_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("provider_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_sent_index_sent_at", "sent_index", ["sent_at"])
    known = sa.text("recipient_hash IS NOT NULL")
    op.create_index(
        "sent_index_recipient", "sent_index", ["recipient_hash"], sqlite_where=known, postgresql_where=known
    )


def downgrade() -> None:
    op.drop_table("sent_index")
    op.drop_column("services", "content_days")
