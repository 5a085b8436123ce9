"""First tables."""

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _domains()
    _services()
    _keys()
    _messages()
    _queue()
    if op.get_bind().dialect.name == "postgresql":
        # Contents are ciphertext: trying to compress them is work for nothing.
        op.execute("ALTER TABLE contents ALTER COLUMN data SET STORAGE EXTERNAL")


def _domains() -> None:
    op.create_table(
        "domains",
        sa.Column("id", Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "dkim_keys",
        sa.Column("id", Id(), nullable=False),
        sa.Column("domain_id", Id(), nullable=False),
        sa.Column("selector", sa.Text(), nullable=False),
        sa.Column("private_key", sa.LargeBinary(), nullable=False),
        sa.Column("public_record", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["domain_id"],
            ["domains.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("domain_id", "selector", name="dkim_keys_selector"),
    )
    op.create_index(
        "dkim_keys_active",
        "dkim_keys",
        ["domain_id"],
        unique=True,
        postgresql_where=sa.text("active"),
        sqlite_where=sa.text("active"),
    )
    op.create_table(
        "roots",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _services() -> None:
    op.create_table(
        "services",
        sa.Column("id", Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email_from", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), nullable=False),
        sa.Column("reply_to_address", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("branding", sa.Text(), nullable=False),
        sa.Column("per_day", sa.Integer(), nullable=True),
        sa.Column("email_template_id", Id(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["domain"],
            ["domains.name"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email_from", "domain", name="services_header_from"),
    )
    op.create_table(
        "guests",
        sa.Column("id", Id(), nullable=False),
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["services.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("service_id", "address_hash", name="guests_address"),
    )
    op.create_table(
        "senders",
        sa.Column("id", Id(), nullable=False),
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["services.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("service_id", "sender", name="senders_sender"),
    )
    op.create_table(
        "limits",
        sa.Column("holder", Id(), nullable=False),
        sa.Column("span_seconds", sa.Integer(), nullable=False),
        sa.Column("window_start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("holder", "span_seconds", "window_start"),
    )


def _keys() -> None:
    op.create_table(
        "keys",
        sa.Column("id", Id(), nullable=False),
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("smtp_username", sa.String(length=32), nullable=False),
        sa.Column("lane", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("branding", sa.Text(), nullable=True),
        sa.Column("per_minute", sa.Integer(), nullable=True),
        sa.Column("networks", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.Column("revoked_at", sa.Double(), nullable=True),
        sa.Column("last_used_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["services.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("secret_hash"),
        sa.UniqueConstraint("smtp_username"),
    )
    op.create_index(op.f("ix_keys_service_id"), "keys", ["service_id"], unique=False)


def _messages() -> None:
    op.create_table(
        "contents",
        sa.Column("id", Id(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", "part"),
    )
    op.create_table(
        "messages",
        sa.Column("id", Id(), nullable=False),
        sa.Column("group_id", Id(), nullable=False),
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("key_id", Id(), nullable=False),
        sa.Column("key_type", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("template_id", Id(), nullable=False),
        sa.Column("template_version", sa.Integer(), nullable=False),
        sa.Column("job_id", Id(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("reverse_path", sa.LargeBinary(), nullable=False),
        sa.Column("recipient", sa.LargeBinary(), nullable=False),
        sa.Column("recipient_hash", sa.LargeBinary(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("original_message_id", sa.Text(), nullable=True),
        sa.Column("signing_domain", sa.Text(), nullable=False),
        sa.Column("content_id", Id(), nullable=False),
        sa.Column("content_bytes", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("billable_units", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("scheduled_for", sa.Double(), nullable=True),
        sa.Column("sent_at", sa.Double(), nullable=True),
        sa.Column("completed_at", sa.Double(), nullable=True),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_messages_content_id"), "messages", ["content_id"], unique=False)
    op.create_index(op.f("ix_messages_group_id"), "messages", ["group_id"], unique=False)
    op.create_index("messages_provider", "messages", ["provider_id"], unique=False)
    op.create_index("messages_service", "messages", ["service_id", "id"], unique=False)
    op.create_table(
        "templates",
        sa.Column("id", Id(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", "version"),
    )
    op.create_index(op.f("ix_templates_service_id"), "templates", ["service_id"], unique=False)


def _queue() -> None:
    op.create_table(
        "queue",
        sa.Column("message_id", Id(), nullable=False),
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("available_at", sa.Double(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("attempt_id", Id(), nullable=True),
        sa.Column("attempted_at", sa.Double(), nullable=True),
        sa.Column("parked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("queue_due", "queue", ["rank", "available_at"], unique=False)
    op.create_table("holds", sa.Column("service_id", Id(), nullable=False), sa.PrimaryKeyConstraint("service_id"))
    op.create_table(
        "attempts",
        sa.Column("id", Id(), nullable=False),
        sa.Column("message_id", Id(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_attempts_message_id"), "attempts", ["message_id"], unique=False)
    op.create_table(
        "counters",
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("key_type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("service_id", "day", "channel", "key_type", "status"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for table in (
        "counters",
        "attempts",
        "holds",
        "queue",
        "templates",
        "messages",
        "contents",
        "keys",
        "limits",
        "senders",
        "guests",
        "services",
        "roots",
        "dkim_keys",
        "domains",
    ):
        op.drop_table(table)
