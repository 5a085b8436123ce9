"""What carriers say of texts, who wants none, and the texts that come in."""

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("events", sa.Column("carriage", sa.Text()))
    op.create_table(
        "opt_outs",
        sa.Column("id", Id(), nullable=False),
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("number", sa.LargeBinary(), nullable=False),
        sa.Column("number_hash", sa.LargeBinary(), nullable=False),
        sa.Column("text_id", Id()),
        sa.Column("since", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("opt_outs_number", "opt_outs", ["number_hash", "service_id"])
    op.create_table(
        "inbound_texts",
        sa.Column("id", Id(), nullable=False),
        sa.Column("service_id", Id()),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("source", sa.LargeBinary(), nullable=False),
        sa.Column("source_hash", sa.LargeBinary(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("keyword", sa.Text()),
        sa.Column("answered_at", sa.Double()),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("provider_id"),
    )
    op.create_index("inbound_texts_service", "inbound_texts", ["service_id", "id"])
    op.create_index("inbound_texts_source", "inbound_texts", ["source_hash", "id"])


def downgrade() -> None:
    op.drop_table("inbound_texts")
    op.drop_table("opt_outs")
    op.drop_column("events", "carriage")
