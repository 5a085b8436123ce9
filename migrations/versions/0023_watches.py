"""Somebody looks on while a product is set up: which keys are watched, and what the door saw of them."""

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "watches",
        sa.Column("key_id", Id, sa.ForeignKey("keys.id"), primary_key=True),
        sa.Column("service_id", Id, sa.ForeignKey("services.id"), nullable=False),
        sa.Column("ends_at", sa.Double(), nullable=False),
    )
    op.create_index("watches_end", "watches", ["ends_at"])
    op.create_table(
        "sightings",
        sa.Column("session", Id, primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("key_id", Id, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
    )
    op.create_index("sightings_key", "sightings", ["key_id", "at"])
    op.create_index("sightings_at", "sightings", ["at"])


def downgrade() -> None:
    op.drop_table("sightings")
    op.drop_table("watches")
