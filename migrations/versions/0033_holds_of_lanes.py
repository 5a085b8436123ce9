"""Holds of single lanes, with their reason; how services' mail is received, and how much of it waits."""

import time

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_EVERY_LANE = "CROSS JOIN (SELECT 0 AS rank UNION ALL SELECT 1 UNION ALL SELECT 2) AS lanes"


def upgrade() -> None:
    _hold_lanes()
    _measure_reputations()
    _slow_keys()
    _push_back()


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


def _measure_reputations() -> None:
    op.create_table(
        "reputation_changes",
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("service_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_reputation_changes_start", "reputation_changes", ["start"])
    op.create_table(
        "reputations",
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("bad", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("acted_at", sa.Double()),
        sa.Column("forgiven_bad", sa.Integer(), nullable=False),
        sa.Column("forgiven_sent", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("service_id", "measure"),
        sqlite_with_rowid=False,
    )


def _slow_keys() -> None:
    op.create_table(
        "busiest_hours",
        sa.Column("holder", Id(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("holder", "day"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "slowed_keys",
        sa.Column("key_id", Id(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("per_hour", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("next_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double()),
        sa.PrimaryKeyConstraint("key_id", "rank"),
        sqlite_with_rowid=False,
    )


def _push_back() -> None:
    op.create_table(
        "backlogs",
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("waiting", sa.BigInteger(), nullable=False),
        sa.Column("wait_seconds", sa.Double(), nullable=False),
        sa.Column("pushed_back", sa.Boolean(), nullable=False),
        sa.Column("measured_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("service_id", "rank", "channel"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "drains",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("per_second", sa.Double(), nullable=False),
        sa.Column("measured_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("channel"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Who is held in one lane is held."""
    for name in ("drains", "backlogs", "slowed_keys", "busiest_hours", "reputations", "reputation_changes"):
        op.drop_table(name)
    op.rename_table("holds", "holds_after")
    op.create_table("holds", sa.Column("service_id", Id(), nullable=False), sa.PrimaryKeyConstraint("service_id"))
    op.execute("INSERT INTO holds (service_id) SELECT DISTINCT service_id FROM holds_after")
    op.drop_table("holds_after")
