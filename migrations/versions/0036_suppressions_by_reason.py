"""The suppression list by its reason: a rare one was looked for in all that a service has on it."""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("suppressions_reason", "suppressions", ["service_id", "reason", "id"])


def downgrade() -> None:
    op.drop_index("suppressions_reason", "suppressions")
