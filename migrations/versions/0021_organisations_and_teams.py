"""Organisations, who is in a service's team, invitations and requests to go live; a service's name in French."""

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0021"
down_revision = "0019"
branch_labels = None
depends_on = None

_OPEN = sa.text("decided_at IS NULL")


def upgrade() -> None:
    op.add_column("services", sa.Column("name_fr", sa.Text()))
    op.add_column("services", sa.Column("organisation_id", Id()))
    op.create_table(
        "organisations",
        sa.Column("id", Id(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_fr", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("branding", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
    )
    op.create_table(
        "organisation_domains",
        sa.Column("domain", sa.Text(), primary_key=True),
        sa.Column("organisation_id", Id(), sa.ForeignKey("organisations.id"), nullable=False, index=True),
        sa.Column("created_at", sa.Double(), nullable=False),
    )
    op.create_table(
        "approvers",
        sa.Column("organisation_id", Id(), sa.ForeignKey("organisations.id"), primary_key=True),
        sa.Column("user_id", Id(), primary_key=True, index=True),
        sa.Column("created_at", sa.Double(), nullable=False),
    )
    op.create_table(
        "memberships",
        sa.Column("service_id", Id(), sa.ForeignKey("services.id"), primary_key=True),
        sa.Column("user_id", Id(), primary_key=True, index=True),
        sa.Column("permissions", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
    )
    op.create_table(
        "invitations",
        sa.Column("id", Id(), primary_key=True),
        sa.Column("service_id", Id(), sa.ForeignKey("services.id"), nullable=False, index=True),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("address_hash", sa.LargeBinary(), nullable=False, index=True),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("permissions", sa.Text(), nullable=False),
        sa.Column("invited_by", Id(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double()),
    )
    op.create_table(
        "go_live_requests",
        sa.Column("id", Id(), primary_key=True),
        sa.Column("service_id", Id(), sa.ForeignKey("services.id"), nullable=False, index=True),
        sa.Column("purposes", sa.Text(), nullable=False),
        sa.Column("recipients", sa.Text(), nullable=False),
        *(
            sa.Column(f"{counted}_per_{period}", sa.Integer(), nullable=False)
            for counted in ("emails", "texts")
            for period in ("day", "year")
        ),
        sa.Column("asked_by", Id()),
        sa.Column("asked_at", sa.Double()),
        sa.Column("decided_by", Id()),
        sa.Column("decided_at", sa.Double()),
        sa.Column("approved", sa.Boolean()),
        sa.Column("remark", sa.Text()),
    )
    op.create_index(
        "go_live_requests_open",
        "go_live_requests",
        ["service_id"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_table(
        "reply_to_codes",
        sa.Column("reply_to_id", Id(), sa.ForeignKey("reply_to_addresses.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sent_at", sa.Double(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
    )


def downgrade() -> None:
    for table in ("reply_to_codes", "go_live_requests", "invitations", "memberships", "approvers"):
        op.drop_table(table)
    op.drop_table("organisation_domains")
    op.drop_table("organisations")
    op.drop_column("services", "organisation_id")
    op.drop_column("services", "name_fr")
