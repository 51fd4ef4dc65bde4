"""Keys that links were signed with before."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "former_signing_key",
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("good_until", Number, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_former_signing_key"),
    )
