"""Origination identities: what texts come from, and the lines in which they wait for its pace."""

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_IN_LINE = sa.text("line IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "origination_identities",
        sa.Column("id", Id, primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False, unique=True),
        sa.Column("service_id", Id),
        sa.Column("countries", sa.Text(), nullable=False),
        sa.Column("preferred", sa.Boolean(), nullable=False),
        sa.Column("parts_per_second", sa.Double(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("self_managed_opt_outs", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("next_at", sa.Double(), nullable=False, server_default="0"),
        sa.Column("held_until", sa.Double(), nullable=False, server_default="0"),
    )
    op.create_index("ix_origination_identities_service_id", "origination_identities", ["service_id"])
    op.add_column("messages", sa.Column("sender_id", Id))
    op.add_column("queue", sa.Column("line", Id))
    op.add_column("queue", sa.Column("turn", sa.Double()))
    op.create_index(
        "queue_line", "queue", ["line", "rank", "turn", "message_id"], sqlite_where=_IN_LINE, postgresql_where=_IN_LINE
    )
    op.create_index(
        "queue_line_services",
        "queue",
        ["line", "rank", "service_id", "turn"],
        sqlite_where=_IN_LINE,
        postgresql_where=_IN_LINE,
    )


def downgrade() -> None:
    # Who waits in a line is claimed again when it expires: due now, a worker of before sends it by itself.
    op.execute("UPDATE queue SET available_at = 0 WHERE line IS NOT NULL")
    op.drop_index("queue_line_services", "queue")
    op.drop_index("queue_line", "queue")
    op.drop_column("queue", "turn")
    op.drop_column("queue", "line")
    op.drop_column("messages", "sender_id")
    op.drop_table("origination_identities")
