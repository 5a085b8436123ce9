"""Counts of templates and of keys on their own: of all together there were nearly as many as messages."""

import sqlalchemy as sa
from alembic import op

from config.database import Id

revision = "0028"
down_revision = "0025"
branch_labels = None
depends_on = None

_NUMBERS = "SUM(messages), SUM(units)"
_NOBODY = {"postgresql": "'00000000-0000-0000-0000-000000000000'::uuid", "sqlite": "zeroblob(16)"}
# Templates and keys have days at least: an hour goes to the day of UTC, and is of the right month and week but for the
# edges. No version before this one was released.
_DAY = "CASE span WHEN 'hour' THEN start - start % 86400 ELSE start END"
_DAYS = "CASE span WHEN 'hour' THEN 'day' ELSE span END"


def upgrade() -> None:
    op.drop_index("counts_span", "counts")
    op.rename_table("counts", "counts_before")
    _table("counts", sa.Column("channel", sa.Text(), nullable=False), sa.Column("door", sa.Text(), nullable=False))
    _table("template_counts", sa.Column("template_id", Id(), nullable=False))
    _table("key_counts", sa.Column("key_id", Id(), nullable=False))
    _sum("counts", "start", "span", "key_type, channel, door")
    _sum("template_counts", _DAY, _DAYS, "key_type, template_id")
    _sum("key_counts", _DAY, _DAYS, "key_type, key_id")
    op.drop_table("counts_before")


def _table(name: str, *kinds: sa.Column[object]) -> None:
    op.create_table(
        name,
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("span", sa.Text(), nullable=False),
        sa.Column("key_type", sa.Text(), nullable=False),
        *kinds,
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "service_id", "start", "span", "key_type", *(kind.name for kind in kinds), "status", name=f"{name}_key"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(f"{name}_span", name, ["span", "start"])


def _sum(name: str, start: str, span: str, kinds: str) -> None:
    op.execute(
        f"INSERT INTO {name} (service_id, start, span, {kinds}, status, messages, units)"  # noqa: S608
        f" SELECT service_id, {start}, {span}, {kinds}, status, {_NUMBERS} FROM counts_before"
        f" GROUP BY service_id, {start}, {span}, {kinds}, status"
    )


def downgrade() -> None:
    """The sums stay; whose keys and templates they were is not known any more."""
    nobody = _NOBODY[op.get_bind().dialect.name]
    op.drop_table("template_counts")
    op.drop_table("key_counts")
    op.drop_index("counts_span", "counts")
    op.rename_table("counts", "counts_after")
    kinds = ("channel", "door", "key_type")
    op.create_table(
        "counts",
        sa.Column("service_id", Id(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("span", sa.Text(), nullable=False),
        *(sa.Column(kind, sa.Text(), nullable=False) for kind in kinds),
        sa.Column("key_id", Id(), nullable=False),
        sa.Column("template_id", Id(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "service_id", "start", "span", *kinds, "key_id", "template_id", "status", name="counts_of_each_key"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("counts_span", "counts", ["span", "start"])
    same = "service_id, start, span, channel, door, key_type"
    op.execute(
        f"INSERT INTO counts ({same}, key_id, template_id, status, messages, units)"  # noqa: S608
        f" SELECT {same}, {nobody}, {nobody}, status, messages, units FROM counts_after"
    )
    op.drop_table("counts_after")
