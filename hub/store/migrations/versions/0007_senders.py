"""The names that applications send under."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "application_sender",
        sa.Column("organization", Name, nullable=False),
        sa.Column("application", Name, nullable=False),
        sa.Column("way", Name, nullable=False),
        sa.Column("address", sa.Text, nullable=True),
        sa.Column("name", sa.Text, nullable=True),
        sa.Column("proved_at", Number, nullable=True),
        sa.Column("asked_address", sa.Text, nullable=True),
        sa.Column("asked_name", sa.Text, nullable=True),
        sa.Column("salt", sa.LargeBinary, nullable=True),
        sa.Column("digest", sa.LargeBinary, nullable=True),
        sa.Column("tries_left", sa.Integer, nullable=True),
        sa.Column("asked_at", Number, nullable=True),
        sa.Column("delivery", Name, nullable=True),
        sa.PrimaryKeyConstraint("organization", "application", "way", name="pk_application_sender"),
    )
