"""The key of the signatures in links."""

import os

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    signing_key = op.create_table(
        "signing_key",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("id = 1", name="ck_signing_key_single"),
        sa.PrimaryKeyConstraint("id", name="pk_signing_key"),
    )
    op.bulk_insert(signing_key, [{"id": 1, "key": os.urandom(32)}])
