"""Files, and services with what they keep."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    files()
    services()


def files() -> None:
    op.create_table(
        "file",
        sa.Column("id", Name, nullable=False),
        sa.Column("forget_at", Number, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_file"),
    )
    op.create_index("ix_file_forget_at", "file", ["forget_at"])
    op.create_table(
        "file_chunk",
        sa.Column("file", Name, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("file", "number", name="pk_file_chunk"),
    )


def services() -> None:
    op.create_table(
        "service",
        sa.Column("id", Name, nullable=False),
        sa.Column("organization", Name, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("created_at", Number, nullable=False),
        sa.Column("expires_at", Number, nullable=False),
        sa.Column("bytes", Number, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_service"),
    )
    op.create_index("ix_service_organization_name", "service", ["organization", "name"])
    op.create_table(
        "service_item",
        sa.Column("service", Name, nullable=False),
        sa.Column("key", Name, nullable=False),
        sa.Column("text", sa.LargeBinary, nullable=True),
        sa.Column("file", Name, nullable=True),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("bytes", Number, nullable=False),
        sa.PrimaryKeyConstraint("service", "key", name="pk_service_item"),
    )
    op.create_table(
        "service_access",
        sa.Column("organization", Name, nullable=False),
        sa.Column("number", Name, nullable=False),
        sa.Column("word", Name, nullable=False),
        sa.Column("service", Name, nullable=False),
        sa.Column("until", Number, nullable=False),
        sa.PrimaryKeyConstraint("organization", "number", "word", name="pk_service_access"),
    )
    op.create_index("ix_service_access_service", "service_access", ["service"])
