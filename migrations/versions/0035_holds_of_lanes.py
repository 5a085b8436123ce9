"""Holds of single lanes, with their reason."""

import time

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0035"
down_revision = "0031"
branch_labels = None
depends_on = None

_EVERY_LANE = "CROSS JOIN (SELECT 0 AS rank UNION ALL SELECT 1 UNION ALL SELECT 2) AS lanes"


def upgrade() -> None:
    _hold_lanes()


def _hold_lanes() -> None:
    """What is held stays held, in all lanes."""
    op.rename_table("holds", "holds_before")
    op.create_table(
        "holds",
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("service_id", "rank", "reason", name="holds_of_lanes"),
    )
    op.execute(
        sa.text(
            "INSERT INTO holds (service_id, rank, reason, since)"  # noqa: S608
            f" SELECT service_id, lanes.rank, 'operator', :now FROM holds_before {_EVERY_LANE}"
        ).bindparams(now=time.time())
    )
    op.drop_table("holds_before")


def downgrade() -> None:
    """Who is held in one lane is held."""
    op.rename_table("holds", "holds_after")
    op.create_table("holds", sa.Column("service_id", Id(), nullable=False), sa.PrimaryKeyConstraint("service_id"))
    op.execute("INSERT INTO holds (service_id) SELECT DISTINCT service_id FROM holds_after")
    op.drop_table("holds_after")
