"""Keys that nobody holds: what people send by hand is sent with their service's."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("keys", sa.Column("hidden", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        "ix_keys_hidden",
        "keys",
        ["service_id"],
        unique=True,
        sqlite_where=sa.text("hidden"),
        postgresql_where=sa.text("hidden"),
    )


def downgrade() -> None:
    op.drop_index("ix_keys_hidden", table_name="keys")
    op.drop_column("keys", "hidden")
