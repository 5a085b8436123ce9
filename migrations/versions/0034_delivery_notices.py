"""Of which occasions the sender of a message is told, and where a service hears of messages whose sender cannot be."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_OPEN = sa.text("due_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("messages", sa.Column("notify", sa.Text()))
    op.add_column("services", sa.Column("notice_address", sa.Text()))
    op.drop_index("notices_due", "notices")
    # By kind: thousands of one keep no other waiting.
    op.create_index("notices_due", "notices", ["kind", "due_at"], sqlite_where=_OPEN, postgresql_where=_OPEN)


def downgrade() -> None:
    op.drop_index("notices_due", "notices")
    op.create_index("notices_due", "notices", ["due_at"], sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.drop_column("services", "notice_address")
    op.drop_column("messages", "notify")
