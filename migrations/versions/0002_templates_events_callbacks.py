"""Templates with texts, events, callbacks, idempotency, and what messages are found by."""

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("templates", sa.Column("subject", sa.Text()))
    op.add_column("templates", sa.Column("body", sa.Text(), nullable=False, server_default=""))
    op.add_column("templates", sa.Column("archived", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("messages", sa.Column("content_kind", sa.Text(), nullable=False, server_default="raw"))
    op.create_index("messages_recipient", "messages", ["recipient_hash", "id"])
    op.create_index("messages_reference", "messages", [sa.text("substr(reference, 1, 200)"), "id"])
    op.create_index("messages_original", "messages", [sa.text("substr(original_message_id, 1, 200)"), "id"])
    _events()
    _idempotency()
    _callbacks()


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", Id(), nullable=False),
        sa.Column("message_id", Id()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("detail", sa.LargeBinary()),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_events_message_id"), "events", ["message_id"])
    parked = sa.text("message_id IS NULL")
    op.create_index("events_parked", "events", ["provider_id"], sqlite_where=parked, postgresql_where=parked)


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("recipient_hash", sa.LargeBinary(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary()),
        sa.Column("message_id", Id(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("service_id", "key_hash", "recipient_hash"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_idempotency_created_at"), "idempotency", ["created_at"])


def _callbacks() -> None:
    op.create_table(
        "callback_urls",
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("bearer_token", sa.LargeBinary(), nullable=False),
        sa.Column("signing_secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("service_id"),
    )
    op.create_table(
        "callbacks",
        sa.Column("id", Id(), nullable=False),
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("message_id", Id(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("available_at", sa.Double()),
        sa.Column("owner", sa.Text()),
        sa.Column("ended_at", sa.Double()),
        sa.Column("outcome", sa.Text()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_callbacks_message_id"), "callbacks", ["message_id"])
    waiting = sa.text("available_at IS NOT NULL")
    op.create_index(
        "callbacks_due", "callbacks", ["service_id", "available_at"], sqlite_where=waiting, postgresql_where=waiting
    )


def downgrade() -> None:
    for table in ("callbacks", "callback_urls", "idempotency", "events"):
        op.drop_table(table)
    for index in ("messages_original", "messages_reference", "messages_recipient"):
        op.drop_index(index, "messages")
    op.drop_column("messages", "content_kind")
    for column in ("archived", "body", "subject"):
        op.drop_column("templates", column)
