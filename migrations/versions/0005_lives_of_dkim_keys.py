"""Whether a domain's records were found, and the life of each DKIM key."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("domains", sa.Column("verified_at", sa.Double()))
    op.add_column("domains", sa.Column("checked_at", sa.Double()))
    op.add_column("domains", sa.Column("due_at", sa.Double(), nullable=False, server_default="0"))
    # A key that signs has to be published; of one that does not nobody knows.
    op.add_column("dkim_keys", sa.Column("state", sa.Text(), nullable=False, server_default="published"))
    op.execute("UPDATE dkim_keys SET state = 'pending' WHERE NOT active")
    op.add_column("dkim_keys", sa.Column("again_at", sa.Double()))


def downgrade() -> None:
    for name in ("again_at", "state"):
        op.drop_column("dkim_keys", name)
    for name in ("due_at", "checked_at", "verified_at"):
        op.drop_column("domains", name)
