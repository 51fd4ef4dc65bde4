"""Whom a delivery goes to, so that one receiver does not take the place of all."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("timer", sa.Column("receiver", sa.Text, nullable=False, server_default=""))
