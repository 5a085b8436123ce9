"""Who must not be written to, for every reason: opt-outs of texts are one of them."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_ENDS = sa.text("until IS NOT NULL")
# A process of the version before, during an upgrade, goes on noting opt-outs.
_AS_BEFORE = """
CREATE VIEW opt_outs AS
SELECT id, service_id, recipient AS number, recipient_hash AS number_hash, source_id AS text_id, since
FROM suppressions WHERE reason = 'opt-out'
"""


def upgrade() -> None:
    op.add_column("events", sa.Column("several", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.drop_index("opt_outs_number", "opt_outs")
    op.rename_table("opt_outs", "suppressions")
    with op.batch_alter_table("suppressions") as table:
        table.alter_column("number", new_column_name="recipient")
        table.alter_column("number_hash", new_column_name="recipient_hash")
        table.alter_column("text_id", new_column_name="source_id")
        table.add_column(sa.Column("reason", sa.Text(), nullable=False, server_default="opt-out"))
        table.add_column(sa.Column("until", sa.Double()))
        table.add_column(sa.Column("at_provider", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("lifted_at", sa.Double()))
        table.add_column(sa.Column("listed_at", sa.Double()))
    op.create_index("suppressions_recipient", "suppressions", ["recipient_hash", "service_id"])
    op.create_index("suppressions_service", "suppressions", ["service_id", "id"])
    op.create_index("suppressions_until", "suppressions", ["until"], sqlite_where=_ENDS, postgresql_where=_ENDS)
    op.create_table(
        "provider_lists",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("taken_until", sa.Double(), nullable=False),
        sa.Column("read_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("provider"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX opt_outs_pkey RENAME TO suppressions_pkey")
        op.execute(_AS_BEFORE)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP VIEW opt_outs")
        op.execute("ALTER INDEX suppressions_pkey RENAME TO opt_outs_pkey")
    op.drop_table("provider_lists")
    op.execute("DELETE FROM suppressions WHERE reason <> 'opt-out'")
    for index in ("suppressions_until", "suppressions_service", "suppressions_recipient"):
        op.drop_index(index, "suppressions")
    with op.batch_alter_table("suppressions") as table:
        for column in ("listed_at", "lifted_at", "at_provider", "until", "reason"):
            table.drop_column(column)
        table.alter_column("source_id", new_column_name="text_id")
        table.alter_column("recipient_hash", new_column_name="number_hash")
        table.alter_column("recipient", new_column_name="number")
    op.rename_table("suppressions", "opt_outs")
    op.create_index("opt_outs_number", "opt_outs", ["number_hash", "service_id"])
    op.drop_column("events", "several")
