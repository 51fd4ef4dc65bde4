"""Presence: the processes that serve, the users with desktops on them, and the users who count as connected."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "node",
        sa.Column("name", Name, nullable=False),
        sa.Column("seen_at", Number, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_node"),
    )
    op.create_table(
        "desktop",
        sa.Column("organization", Name, nullable=False),
        sa.Column("user", Name, nullable=False),
        sa.Column("node", Name, nullable=False),
        sa.PrimaryKeyConstraint("organization", "user", "node", name="pk_desktop"),
    )
    op.create_index("ix_desktop_node", "desktop", ["node"])
    op.create_table(
        "presence",
        sa.Column("organization", Name, nullable=False),
        sa.Column("user", Name, nullable=False),
        sa.Column("left_at", Number, nullable=True),
        sa.Column("returns", Number, nullable=False),
        sa.PrimaryKeyConstraint("organization", "user", name="pk_presence"),
    )
    op.create_index("ix_presence_left_at", "presence", ["left_at"])
