"""The door that a message came in by; and counts that know it, the key, the template and the hour."""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_OWN_ID = UUID("d2f93f61-7db5-443f-bbc6-c8533d585121")  # auth.services
_KINDS = "channel, door, key_type, key_id, template_id"
_ENDS = "('delivered', 'permanent-failure', 'temporary-failure', 'technical-failure', 'cancelled')"


def upgrade() -> None:
    # What processes of before still write is mostly mail by SMTP.
    op.add_column("messages", sa.Column("door", sa.Text(), nullable=False, server_default="smtp"))
    _doors()
    _tables()
    _count()


def _doors() -> None:
    """Until now only the API filled templates, but for letters of our own service; and only we answer keywords."""
    messages = sa.table(
        "messages",
        sa.column("door"),
        sa.column("content_kind"),
        sa.column("service_id", Id()),
        sa.column("template_id", Id()),
    )
    templates = sa.table("templates", sa.column("id", Id()), sa.column("hidden", sa.Boolean()))
    visible = sa.select(templates.c.id).where(sa.not_(templates.c.hidden))
    filled = messages.c.template_id.in_(visible)
    ours = (messages.c.content_kind == "answer") | ((messages.c.service_id == _OWN_ID) & filled)
    bind = op.get_bind()
    bind.execute(sa.update(messages).where(ours).values(door="relay"))
    bind.execute(sa.update(messages).where(filled, messages.c.door != "relay").values(door="http"))


def _tables() -> None:
    op.create_table(
        "count_changes",
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        *_counted(),
        sa.PrimaryKeyConstraint("service_id", "id"),
        sqlite_with_rowid=False,
    )
    place = ("service_id", "start", "span", "channel", "door", "key_type", "key_id", "template_id", "status")
    op.create_table(
        "counts",
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("span", sa.Text(), nullable=False),
        *_counted(),
        sa.PrimaryKeyConstraint(*place),
        sqlite_with_rowid=False,
    )
    op.create_index("counts_span", "counts", ["span", "start"])


def _counted() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("key_type", sa.Text(), nullable=False),
        sa.Column("key_id", Id(), nullable=False),
        sa.Column("template_id", Id(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
    )


def _count() -> None:
    """All that there is, in quarters of an hour; workers make days and months of them.

    What processes of before count from now on stays in `counters`, and is taken over.
    """
    rounded_down = "CAST(created_at / 900 AS BIGINT)"  # on SQLite
    if op.get_bind().dialect.name == "postgresql":
        rounded_down = "CAST(FLOOR(created_at / 900) AS BIGINT)"
        op.execute("LOCK TABLE counters IN SHARE ROW EXCLUSIVE MODE")  # who has stored has counted, or will after us
    for status, chosen in (("'created'", ""), ("status", f"WHERE status IN {_ENDS}")):
        op.execute(
            f"INSERT INTO counts (service_id, start, span, {_KINDS}, status, messages, units)"  # noqa: S608
            f" SELECT service_id, start, 'hour', {_KINDS}, counted, COUNT(*), SUM(billable_units)"
            f" FROM (SELECT service_id, {rounded_down} * 900 AS start, {_KINDS}, {status} AS counted, billable_units"
            f" FROM messages {chosen}) AS each_one GROUP BY service_id, start, {_KINDS}, counted"
        )
    op.execute("DELETE FROM counters")


def downgrade() -> None:
    op.execute(
        "INSERT INTO counters (service_id, day, channel, key_type, status, messages)"
        " SELECT service_id, start / 86400, channel, key_type, status, SUM(messages)"
        " FROM (SELECT service_id, start, channel, key_type, status, messages FROM counts UNION ALL"
        " SELECT service_id, start, channel, key_type, status, messages FROM count_changes) AS counted"
        " WHERE 1 = 1 GROUP BY service_id, start / 86400, channel, key_type, status"
        " ON CONFLICT (service_id, day, channel, key_type, status)"
        " DO UPDATE SET messages = counters.messages + excluded.messages"
    )
    op.drop_table("counts")
    op.drop_table("count_changes")
    op.drop_column("messages", "door")
