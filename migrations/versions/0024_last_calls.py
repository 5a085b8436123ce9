"""When a callback was called last, how long that took, and the HTTP status of the answer."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("callbacks", sa.Column("called_at", sa.Double()))
    op.add_column("callbacks", sa.Column("seconds", sa.Double()))
    op.add_column("callbacks", sa.Column("http_status", sa.Integer()))
    called = sa.text("called_at IS NOT NULL")
    op.create_index(
        "callbacks_called", "callbacks", ["service_id", "called_at"], sqlite_where=called, postgresql_where=called
    )


def downgrade() -> None:
    op.drop_index("callbacks_called", "callbacks")
    op.drop_column("callbacks", "http_status")
    op.drop_column("callbacks", "seconds")
    op.drop_column("callbacks", "called_at")
