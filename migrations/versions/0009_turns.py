"""Services are served in turn."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("queue", sa.Column("test", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index("queue_turns", "queue", ["rank", "service_id", "test", "available_at"])
    # Each claim moves a row in all of its indexes; workers of before go without this one until they are replaced.
    op.drop_index("queue_due", "queue")


def downgrade() -> None:
    op.create_index("queue_due", "queue", ["rank", "available_at"])
    op.drop_index("queue_turns", "queue")
    op.drop_column("queue", "test")
