"""The door that a message came in by."""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_OWN_ID = UUID("d2f93f61-7db5-443f-bbc6-c8533d585121")  # auth.services


def upgrade() -> None:
    # What processes of before still write is mostly mail by SMTP.
    op.add_column("messages", sa.Column("door", sa.Text(), nullable=False, server_default="smtp"))
    _doors()


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


def downgrade() -> None:
    op.drop_column("messages", "door")
