"""Which numbers are behind a pool, as AWS has it: a text to one of them is for the pool's service."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("origination_identities", sa.Column("members", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("origination_identities", "members")
