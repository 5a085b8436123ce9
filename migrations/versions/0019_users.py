"""Users of the web site, the codes that they prove an address with, and the browsers that they are known by."""

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", Id(), primary_key=True),
        sa.Column("email", sa.LargeBinary(), nullable=False),
        sa.Column("email_hash", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("phone", sa.LargeBinary()),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("operator", sa.Boolean(), nullable=False),
        sa.Column("password", sa.LargeBinary()),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("verified_at", sa.Double()),
        sa.Column("held_at", sa.Double()),
    )
    op.create_index("ix_users_created_at", "users", ["created_at"])
    op.create_table(
        "codes",
        sa.Column("id", Id(), primary_key=True),
        sa.Column("user_id", Id(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("session_id", Id(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double()),
        sa.Column("message_id", Id()),
    )
    op.create_index("ix_codes_made_at", "codes", ["made_at"])
    op.create_index("codes_user", "codes", ["user_id", "made_at"])
    op.create_table(
        "devices",
        sa.Column("user_id", Id(), primary_key=True),
        sa.Column("device_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("seen_at", sa.Double(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("devices")
    op.drop_table("codes")
    op.drop_table("users")
