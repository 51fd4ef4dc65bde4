"""`hub user`, `hub client`, `hub keys` and `hub links`: people, programs and keys, by hand, beside a running hub.

A password or secret that is made here is printed once, on standard output, and stored only as a hash.
"""

import sys
from typing import TYPE_CHECKING

import click

from hub import loading

if TYPE_CHECKING:
    from hub.kernel.settings import Settings

LINKS_DAYS = 90
PEOPLE = ("ROLE_AGENT", "ROLE_SUPERVISOR", "ROLE_ADMIN")

password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input.  [default: make one and print it]"
)


@click.group()
def user() -> None:
    """People who log in here."""


@user.command("add")
@click.argument("name")
@click.option("--organization", required=True, help="Organization id.")
@click.option("--role", "roles", required=True, multiple=True, type=click.Choice(PEOPLE), help="May be repeated.")
@password_option
def add_user(name: str, organization: str, roles: tuple[str, ...], *, password_stdin: bool) -> None:
    """Add the user NAME, who logs in with that name. A password made here has to be changed at the first login."""
    from api.security.rules import Account, require_id
    from api.users import actions
    from api.users.rules import Profile, User
    from hub.doctor import write

    settings = loading.settings()
    _require_organization(organization)
    password, hashed = _password(settings, name, from_stdin=password_stdin)
    account = Account(
        organization=organization,
        id=require_id(name, "NAME"),
        user_name=name,
        roles=frozenset(roles),
        password=hashed,
        must_change=not password_stdin,
    )
    write(settings, lambda tx, now: actions.create(tx, User(account, Profile()), now))
    click.echo(f"{name} may log in to {organization}.", err=True)
    if not password_stdin:
        click.echo(password)


@user.command("password")
@click.argument("name")
@password_option
def set_password(name: str, *, password_stdin: bool) -> None:
    """Give the user who logs in as NAME another password, and end their sessions and tokens."""
    from api.security import actions
    from hub.doctor import write
    from hub.kernel.errors import NotFound
    from hub.store.transaction import Tx

    settings = loading.settings()
    password, hashed = _password(settings, name, from_stdin=password_stdin)

    def change(tx: Tx, now: float) -> None:
        account = actions.find_named(tx, name)
        if account is None:
            raise NotFound(f"nobody logs in as {name}")
        actions.set_password(tx, account, hashed, now, must_change=not password_stdin)

    write(settings, change)
    click.echo(f"{name} has another password; sessions and tokens end.", err=True)
    if not password_stdin:
        click.echo(password)


@click.group()
def client() -> None:
    """Programs that get tokens from /security/oauth/token."""


@client.command("add")
@click.argument("name")
@click.option("--organization", required=True, help="Organization id.")
def add_client(name: str, organization: str) -> None:
    """Register the client NAME and print its id and its secret, once. Its tokens carry ROLE_CLIENT_SERVICE."""
    from api.security import actions
    from api.security.rules import require_id
    from hub.doctor import write
    from hub.kernel.errors import AlreadyExists
    from hub.kernel.ids import SECRET_LENGTH, random_base36
    from hub.kernel.secret import Secret

    settings = loading.settings()
    _require_organization(organization)
    require_id(name, "NAME")
    if name in loading.configuration(settings).clients:
        raise AlreadyExists(f"{settings.config} has a client {name}")
    secret = random_base36(SECRET_LENGTH)
    write(settings, lambda tx, now: actions.register_client(tx, name, organization, Secret(secret), now))
    click.echo(f"client_id={name}\nclient_secret={secret}")


@click.group()
def keys() -> None:
    """The keys that this hub signs its tokens with."""


@keys.command("list")
def list_keys() -> None:
    """Print the name of every key, when it was made, and what it does."""
    from hub.auth import keys as files
    from hub.kernel.clock import SystemClock
    from hub.kernel.wire import instant

    now = SystemClock().now()
    found = files.listed(loading.settings())
    signing = files.KeyRing.of_files(found, now).kid
    for each in found:
        kid = files.thumbprint(each.key)
        made_at = instant(each.made_at).isoformat(timespec="seconds")
        click.echo(f"{kid}  {made_at}  {'signs and checks' if kid == signing else 'checks'}")


@keys.command("rotate")
def rotate_keys() -> None:
    """Make another key. Every process signs with it a minute later; what older keys have signed stays good."""
    from hub.auth import keys as files

    click.echo(files.rotate(loading.settings()))


@keys.command("remove", context_settings={"ignore_unknown_options": True})  # the name of a key may begin with a dash
@click.argument("kid")
def remove_key(kid: str) -> None:
    """Delete a key that no longer signs. Its tokens are refused within half a minute."""
    from hub.auth import keys as files
    from hub.kernel.clock import SystemClock

    files.remove(loading.settings(), kid, SystemClock().now())
    click.echo(f"The tokens of {kid} are refused from now on.", err=True)


@click.group()
def links() -> None:
    """The links with which customers cancel and move their appointments."""


@links.command("rotate")
@click.option(
    "--days",
    type=click.IntRange(1, 366),
    default=LINKS_DAYS,
    show_default=True,
    help="For so long what was sent before stays good.",
)
@click.option("--now", "at_once", is_flag=True, help="The key has leaked: no link sent so far is good any more.")
@click.pass_context
def rotate_links(ctx: click.Context, days: int, *, at_once: bool) -> None:
    """Sign customers' links with another key, in every process from now on."""
    from hub.doctor import write
    from hub.store.signing import rotate

    if at_once and ctx.get_parameter_source("days") is not click.core.ParameterSource.DEFAULT:
        raise click.UsageError("Give --days or --now.")
    write(loading.settings(), lambda tx, now: rotate(tx, now, 0.0 if at_once else days * 86_400.0))
    good = "are refused from now on" if at_once else f"stay good for {days} days"
    click.echo(f"Links have another key; those sent so far {good}.", err=True)


def _require_organization(organization: str) -> None:
    from hub.kernel.config import is_organization_id

    if not is_organization_id(organization):
        raise click.UsageError("--organization must be 1 to 64 of A-Z a-z 0-9 . _ -")


def _password(settings: "Settings", name: str, *, from_stdin: bool) -> tuple[str, str]:
    """A password and its hash; one that is given must fit the policy."""
    from api.security.rules import Policy, weakness
    from hub.auth.passwords import hashed
    from hub.kernel.ids import PASSWORD_LENGTH, random_base36
    from hub.kernel.secret import Secret

    if not from_stdin:
        made = random_base36(PASSWORD_LENGTH)
        return made, hashed(Secret(made))
    given = sys.stdin.readline().rstrip("\r\n")
    if weak := weakness(given, name, Policy(settings.password_length, settings.password_kinds)):
        raise click.UsageError(weak)
    return given, hashed(Secret(given))
