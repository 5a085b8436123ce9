"""Who wrote each version of a template, and who of the site's people sent a message."""

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("templates", sa.Column("author_kind", sa.Text()))
    op.add_column("templates", sa.Column("author", sa.Text()))
    op.add_column("messages", sa.Column("created_by", Id()))


def downgrade() -> None:
    op.drop_column("messages", "created_by")
    op.drop_column("templates", "author")
    op.drop_column("templates", "author_kind")
