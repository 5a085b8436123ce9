"""Who wrote to a service's address, and is to hear that nobody reads it."""

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mail_answers",
        sa.Column("id", Id(), nullable=False),
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("sender", sa.LargeBinary(), nullable=False),
        sa.Column("sender_hash", sa.LargeBinary(), nullable=False),
        sa.Column("message_id", sa.LargeBinary()),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("mail_answers_sender", "mail_answers", ["sender_hash"])
    op.create_index("mail_answers_received", "mail_answers", ["received_at"])


def downgrade() -> None:
    op.drop_table("mail_answers")
