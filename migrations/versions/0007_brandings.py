"""What services' messages look like."""

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "brandings",
        sa.Column("id", Id(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("service_id", Id(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("brand_type", sa.Text(), nullable=False),
        sa.Column("colour", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("alt_text_en", sa.Text(), nullable=True),
        sa.Column("alt_text_fr", sa.Text(), nullable=True),
        sa.Column("logo", sa.LargeBinary(), nullable=True),
        sa.Column("logo_name", sa.Text(), nullable=True),
        sa.Column("logo_media_type", sa.Text(), nullable=True),
        sa.Column("logo_width", sa.Integer(), nullable=True),
        sa.Column("logo_height", sa.Integer(), nullable=True),
        sa.Column("archived", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", "version"),
    )
    op.create_index("ix_brandings_service_id", "brandings", ["service_id"])
    op.create_index("ix_brandings_logo_name", "brandings", ["logo_name"])


def downgrade() -> None:
    # Older doors know these two alone, and would refuse every message of whoever has another one.
    for table, instead in (("services", "default"), ("keys", None)):
        branding = sa.column("branding", sa.Text())
        rows = sa.table(table, branding)
        op.execute(rows.update().where(branding.not_in(("default", "none"))).values(branding=instead))
    op.drop_table("brandings")
