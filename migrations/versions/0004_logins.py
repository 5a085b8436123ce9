"""Who failed to log in, and who did."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "logins",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("username_hash", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", sa.Double(), nullable=False),
        sa.Column("succeeded_at", sa.Double(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("address", "username_hash"),
    )
    op.create_index("logins_changed", "logins", ["changed_at"])


def downgrade() -> None:
    op.drop_table("logins")
