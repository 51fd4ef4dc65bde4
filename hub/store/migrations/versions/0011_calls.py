"""Calls: conversations, and the legs in them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "conversation",
        sa.Column("organization", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.PrimaryKeyConstraint("organization", "id", name="pk_conversation"),
    )
    op.create_table(
        "leg",
        sa.Column("organization", Name, nullable=False),
        sa.Column("user", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("conversation", Name, nullable=False),
        sa.Column("changed_at", Number, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("organization", "user", "id", name="pk_leg"),
    )
    op.create_index("ix_leg_organization_conversation", "leg", ["organization", "conversation"])
    op.create_index("ix_leg_changed_at", "leg", ["changed_at"])
