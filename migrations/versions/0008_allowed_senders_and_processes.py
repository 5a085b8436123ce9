"""Allowed senders of keys, encrypted; and which processes read which root secrets."""

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What stands in `allowed_from` is encrypted later, by who has the root: `serve` on SQLite, `secrets rotate`.
    op.add_column("keys", sa.Column("allowed_senders", sa.LargeBinary(), nullable=True))
    op.create_table(
        "processes",
        sa.Column("id", Id(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("roots", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    op.drop_table("processes")
    # An older door would read no limit where it cannot read the list: a key that allowed some allows nobody then.
    allowed_senders, allowed_from = sa.column("allowed_senders", sa.LargeBinary()), sa.column("allowed_from", sa.Text())
    rows = sa.table("keys", allowed_senders, allowed_from)
    op.execute(rows.update().where(allowed_senders.is_not(None)).values(allowed_from="@invalid"))
    op.drop_column("keys", "allowed_senders")
