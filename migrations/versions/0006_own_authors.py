"""Services that name their own authors in header From, and at which domains; and what they say of Received fields."""

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("services", sa.Column("from_policy", sa.Text(), nullable=False, server_default="rewrite"))
    op.add_column("services", sa.Column("received", sa.Text(), nullable=False, server_default="keep"))
    op.create_table(
        "service_domains",
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("domain_id", Id(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("service_id", "domain_id"),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"]),
        sa.ForeignKeyConstraint(["domain_id"], ["domains.id"]),
    )


def downgrade() -> None:
    op.drop_table("service_domains")
    op.drop_column("services", "received")
    op.drop_column("services", "from_policy")
