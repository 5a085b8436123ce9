"""What a key says for its messages, and what a client asks to be told of one."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("keys", sa.Column("reply_to_address", sa.Text()))
    for name in ("lifetime_seconds", "max_message_bytes", "max_recipients"):
        op.add_column("keys", sa.Column(name, sa.Integer()))
    for name in ("allowed_from", "fixed"):
        op.add_column("keys", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("messages", sa.Column("dsn", sa.LargeBinary()))


def downgrade() -> None:
    op.drop_column("messages", "dsn")
    for name in ("fixed", "allowed_from", "max_recipients", "max_message_bytes", "lifetime_seconds"):
        op.drop_column("keys", name)
    op.drop_column("keys", "reply_to_address")
