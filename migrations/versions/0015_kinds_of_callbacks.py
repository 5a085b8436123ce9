"""Complaints and inbound texts are told too, URLs that fail are suspended, and what is told is a feed."""

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_OPEN = sa.text("available_at IS NOT NULL")
_KEPT = "service_id, url, bearer_token, signing_secret, created_at"


def upgrade() -> None:
    _urls()
    op.drop_index("callbacks_due", "callbacks")
    with op.batch_alter_table("callbacks") as table:
        # What workers of before still write tells of statuses, and is in no feed.
        table.add_column(sa.Column("kind", sa.Text(), nullable=False, server_default="delivery-status"))
        table.add_column(sa.Column("source_id", Id()))
        table.add_column(sa.Column("key_type", sa.Text(), nullable=False, server_default="normal"))
        table.add_column(sa.Column("position", sa.BigInteger(), nullable=False, server_default="0"))
        table.alter_column("message_id", existing_type=Id(), nullable=True)
        table.alter_column("status", existing_type=sa.Text(), nullable=True)
    due = ["service_id", "kind", "available_at"]
    op.create_index("callbacks_due", "callbacks", due, sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_index("callbacks_feed", "callbacks", ["service_id", "key_type", "position"])
    op.create_table(
        "feeds",
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("service_id"),
        sqlite_with_rowid=False,
    )


def _urls() -> None:
    op.rename_table("callback_urls", "callback_urls_before")
    op.create_table(
        "callback_urls",
        sa.Column("id", Id(), nullable=False),
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("bearer_token", sa.LargeBinary(), nullable=False),
        sa.Column("signing_secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("failing_since", sa.Double()),
        sa.Column("failed_as", sa.Text()),
        sa.Column("suspended_at", sa.Double()),
        sa.Column("probe_at", sa.Double()),
        sa.Column("probes", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("well_since", sa.Double()),
        sa.PrimaryKeyConstraint("id"),
    )
    # Their secrets are bound to the id that their row had.
    op.execute(
        f"INSERT INTO callback_urls (id, kind, {_KEPT})"  # noqa: S608
        f" SELECT service_id, 'delivery-status', {_KEPT} FROM callback_urls_before"
    )
    op.drop_table("callback_urls_before")
    op.create_index("callback_urls_kind", "callback_urls", ["service_id", "kind"], unique=True)


def downgrade() -> None:
    op.drop_table("feeds")
    op.execute("DELETE FROM callbacks WHERE kind <> 'delivery-status'")
    op.drop_index("callbacks_feed", "callbacks")
    op.drop_index("callbacks_due", "callbacks")
    with op.batch_alter_table("callbacks") as table:
        table.alter_column("status", existing_type=sa.Text(), nullable=False)
        table.alter_column("message_id", existing_type=Id(), nullable=False)
        for column in ("position", "key_type", "source_id", "kind"):
            table.drop_column(column)
    op.create_index(
        "callbacks_due", "callbacks", ["service_id", "available_at"], sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    op.rename_table("callback_urls", "callback_urls_after")
    op.create_table(
        "callback_urls",
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("bearer_token", sa.LargeBinary(), nullable=False),
        sa.Column("signing_secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("service_id"),
    )
    # One that was set since has another id, and its secrets would not open: it is to be set again.
    op.execute(
        f"INSERT INTO callback_urls ({_KEPT}) SELECT {_KEPT} FROM callback_urls_after"  # noqa: S608
        " WHERE kind = 'delivery-status' AND id = service_id"
    )
    op.drop_table("callback_urls_after")
