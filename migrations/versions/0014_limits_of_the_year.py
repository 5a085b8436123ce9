"""What a service may send in a fiscal year and by each channel, and whom it is told when most of it is used."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_YEAR_SECONDS = 366 * 86_400  # auth.limits keeps years by it


def upgrade() -> None:
    for name in ("emails_per_year", "texts_per_year", "texts_per_day"):
        op.add_column("services", sa.Column(name, sa.Integer(), nullable=True))
    op.add_column("services", sa.Column("contact", sa.Text(), nullable=True))
    op.add_column("services", sa.Column("time_zone", sa.Text(), nullable=False, server_default="America/Toronto"))
    op.create_table(
        "notices",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("service_id", Id(), nullable=True),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("noted_at", sa.Double(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("message_id", Id(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "about"),
    )
    op.create_index("notices_service", "notices", ["service_id", "kind"])
    is_open = sa.text("due_at IS NOT NULL")
    op.create_index("notices_due", "notices", ["due_at"], sqlite_where=is_open, postgresql_where=is_open)
    _count_this_year()


def _count_this_year() -> None:
    """A year that began before this version is counted from its start; days of the counters are UTC's."""
    today = datetime.now(UTC)
    year = today.year if today.month >= 4 else today.year - 1
    start = int(datetime(year, 4, 1, tzinfo=UTC).timestamp())
    op.get_bind().execute(
        sa.text(
            "INSERT INTO limits (holder, span_seconds, window_start, used) "
            "SELECT service_id, :span, :start, SUM(messages) FROM counters "
            "WHERE channel = 'email' AND key_type <> 'test' AND day >= :day GROUP BY service_id"
        ),
        {"span": _YEAR_SECONDS, "start": start, "day": start // 86_400},
    )


def downgrade() -> None:
    op.get_bind().execute(sa.text("DELETE FROM limits WHERE span_seconds = :span"), {"span": _YEAR_SECONDS})
    op.drop_table("notices")
    for name in ("time_zone", "contact", "texts_per_day", "texts_per_year", "emails_per_year"):
        op.drop_column("services", name)
