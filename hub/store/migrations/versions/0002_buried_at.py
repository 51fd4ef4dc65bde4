"""When a timer was buried, so that old dead letters can go."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Not in a batch, which would copy the table: both databases add a column without a default at once.
    op.add_column("timer", sa.Column("buried_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
