"""Services send texts, in turns of their own beside their mail."""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_SWITCHES = {"sms_allowed": True, "sms_prefix": True, "sms_international": False, "sms_downgrade": False}
_SERVICES = sa.table("services", sa.column("id", Id()), sa.column("email_template_id", Id()), sa.column("created_at"))
_TEMPLATES = sa.table(
    "templates",
    sa.column("id", Id()),
    sa.column("version", sa.Integer()),
    sa.column("service_id", Id()),
    sa.column("channel", sa.Text()),
    sa.column("name", sa.Text()),
    sa.column("hidden", sa.Boolean()),
    sa.column("created_at", sa.Double()),
)


def upgrade() -> None:
    for name, default in _SWITCHES.items():
        value = sa.true() if default else sa.false()
        op.add_column("services", sa.Column(name, sa.Boolean(), nullable=False, server_default=value))
    _make_hidden_templates()
    op.add_column("queue", sa.Column("channel", sa.Text(), nullable=False, server_default="email"))
    op.drop_index("queue_turns", "queue")
    op.create_index("queue_turns", "queue", ["rank", "service_id", "test", "channel", "available_at"])


def _make_hidden_templates() -> None:
    connection = op.get_bind()
    services = connection.execute(sa.select(_SERVICES)).all()
    rows = [
        {
            "id": UUID(int=service.email_template_id.int ^ 1),  # auth.principal.Service.sms_template_id
            "version": 1,
            "service_id": service.id,
            "channel": "sms",
            "name": "SMTP",
            "hidden": True,
            "created_at": service.created_at,
        }
        for service in services
    ]
    if rows:
        connection.execute(sa.insert(_TEMPLATES), rows)


def downgrade() -> None:
    op.execute(sa.delete(_TEMPLATES).where(_TEMPLATES.c.channel == "sms", _TEMPLATES.c.hidden))
    op.drop_index("queue_turns", "queue")
    op.create_index("queue_turns", "queue", ["rank", "service_id", "test", "available_at"])
    op.drop_column("queue", "channel")
    for name in _SWITCHES:
        op.drop_column("services", name)
