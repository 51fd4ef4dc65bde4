"""People: accounts, their profiles and logins, the clients of OAuth, and revocations that concern one login."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    accounts()
    profiles()
    logins()
    clients()
    op.add_column("revocation", sa.Column("login", Name, nullable=True))
    op.add_column("revocation", sa.Column("spared", Name, nullable=True))


def accounts() -> None:
    op.create_table(
        "account",
        sa.Column("organization", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("user_name", Name, nullable=True),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("password", sa.Text, nullable=True),
        sa.Column("must_change", sa.Boolean, nullable=False),
        sa.Column("created_at", Number, nullable=False),
        sa.PrimaryKeyConstraint("organization", "id", name="pk_account"),
        sa.UniqueConstraint("user_name", name="uq_account_user_name"),
    )


def profiles() -> None:
    op.create_table(
        "profile",
        sa.Column("organization", Name, nullable=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("first_name", sa.Text, nullable=False),
        sa.Column("last_name", sa.Text, nullable=False),
        sa.Column("email_address", sa.Text, nullable=False),
        sa.Column("queues", sa.Text, nullable=False),
        sa.Column("skills", sa.Text, nullable=False),
        sa.Column("languages", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("organization", "id", name="pk_profile"),
    )


def logins() -> None:
    op.create_table(
        "login",
        sa.Column("id", Name, nullable=False),
        sa.Column("organization", Name, nullable=False),
        sa.Column("account_id", Name, nullable=False),
        sa.Column("issued_at", Number, nullable=False),
        sa.Column("expires_at", Number, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_login"),
    )
    op.create_index("ix_login_organization_account_id", "login", ["organization", "account_id"])
    op.create_index("ix_login_expires_at", "login", ["expires_at"])


def clients() -> None:
    op.create_table(
        "client",
        sa.Column("id", Name, nullable=False),
        sa.Column("organization", Name, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("created_at", Number, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_client"),
    )
