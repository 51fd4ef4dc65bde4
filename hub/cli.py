"""The `hub` command: composition root of everything that is started by hand.

Commands import what they need when they run, so that `hub token` does not pay for a server. Exit codes: 0 done,
1 failed (the server refused, the network or the database did not answer), 2 wrong usage or wrong settings. Errors are
plain lines on standard error; standard output carries results only.
"""

import os
import sys
from typing import Any, NoReturn

import click

from hub import loading, people
from hub.timers import timers

ROLES = ("ROLE_AGENT", "ROLE_SUPERVISOR", "ROLE_ADMIN", "ROLE_CLIENT_SERVICE", "ROLE_CUSTOMER")
LONGEST_TTL = 366 * 86_400
SENDER = "hub-send"
SENDER_TTL_SECONDS = 60.0
REQUEST_SECONDS = 30.0


class WrongSettings(click.ClickException):
    """The settings or the configuration file cannot be used."""

    exit_code = 2


class Commands(click.Group):
    """Turns what commands may raise into one line and an exit code; a traceback is left to real bugs."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run the command."""
        from hub.kernel.errors import BadInput, HubError
        from hub.kernel.faults import SettingsError

        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise WrongSettings(str(error)) from None
        except BadInput as error:
            raise click.UsageError(error.detail) from None
        except HubError as error:
            raise click.ClickException(error.detail) from None
        except BrokenPipeError:
            _reader_gone()
        except OSError as error:
            raise click.ClickException(" ".join(str(error).split())) from None
        except Exception as error:
            from hub.store import dialects

            if (sentence := dialects.unusable(error)) is None:
                raise
            raise click.ClickException(sentence) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
def main() -> None:
    """The notification hub: settings come from HUB_* variables, see `hub doctor`."""


for group in (people.user, people.client, people.keys, people.links, timers):
    main.add_command(group)

url_option = click.option(
    "--url",
    envvar="HUB_PUBLIC_URL",
    default="http://127.0.0.1:8080",
    show_default=True,
    help="Base address of the hub.",
)
organization_option = click.option("--organization", required=True, help="Organization id.")


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), envvar="PORT", default=8080, show_default=True, help="Port to listen on."
)
@click.option("--demo", is_flag=True, help="Add the demo users and the demo client.")
def serve(host: str, port: int, *, demo: bool) -> None:
    """Run the hub until SIGTERM or Ctrl-C."""
    from hub.server import serve as run

    settings = loading.settings()
    run(settings, loading.configuration(settings), host, port, demo)


@main.command()
@click.option("--metrics-host", default="127.0.0.1", show_default=True, help="Address for the metrics.")
@click.option("--metrics-port", type=click.IntRange(0, 65535), help="Serve /metrics here.  [default: nowhere]")
def scheduler(metrics_host: str, metrics_port: int | None) -> None:
    """Do timers until SIGTERM or Ctrl-C, beside `hub serve` with HUB_SCHEDULER=external. There may be several."""
    from hub.scheduling import serve as run

    settings = loading.settings()
    run(settings, loading.configuration(settings), None if metrics_port is None else (metrics_host, metrics_port))


@main.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    from hub.store.migrations import migrate as run

    before, after = run(loading.settings().database.reveal())
    done = "already has" if before == after else f"was brought from {before} to"
    click.echo(f"The database {done} revision {after}.", err=True)


@main.command()
@click.option("--user", required=True, help="User id, the `sub` of the token.")
@click.option("--role", "roles", required=True, multiple=True, type=click.Choice(ROLES), help="May be repeated.")
@organization_option
@click.option("--application", help="Application id.")
@click.option("--conference", help="Conference id.")
@click.option(
    "--ttl", type=click.IntRange(1, LONGEST_TTL), default=3600, show_default=True, help="Seconds until it expires."
)
def token(
    user: str, roles: tuple[str, ...], organization: str, application: str | None, conference: str | None, ttl: int
) -> None:
    """Print one token and nothing else."""
    click.echo(_mint(user, roles, organization, ttl, application=application, conference=conference))


@main.command()
@click.argument("channel")
@click.option("--token", "token_", required=True, help="A token that may hear the channel.")
@url_option
def watch(channel: str, token_: str, url: str) -> None:
    """Print the events of CHANNEL, one JSON line each, as they come.

    Goes on through disconnects and restarts of the server without losing or repeating an event. Notices go to standard
    error: connections lost, and gaps where the server no longer has what was missed.
    """
    import asyncio

    from hub.watching import WatchRefused
    from hub.watching import watch as run

    _require_channel(channel)
    try:
        asyncio.run(run(_base(url), channel, token_, emit=_emit, notify=_notify))
    except WatchRefused as refused:
        raise click.ClickException(str(refused)) from None
    except KeyboardInterrupt:
        raise click.exceptions.Exit(130) from None


@main.command()
@click.argument("channel")
@click.argument("data", metavar="JSON")
@click.option("--user", help="Whom it is for: on /v2/me and below, and only there.")
@organization_option
@url_option
@click.option("--token", "token_", help="Token of a client service.  [default: minted here for this one request]")
def send(channel: str, data: str, user: str | None, organization: str, url: str, token_: str | None) -> None:
    """Publish one event on CHANNEL: JSON is an object, carried as it is, or `-` to read it from standard input."""
    _require_channel(channel)
    is_personal = channel == "/v2/me" or channel.startswith("/v2/me/")
    if is_personal and not user:
        raise click.UsageError(f"{channel} is personal: say whom it is for with --user.")
    if user and not is_personal:
        raise click.UsageError(f"{channel} has no user: leave --user out.")
    body = _event(channel, user, organization, sys.stdin.read() if data == "-" else data)
    bearer = token_ or _mint(SENDER, ("ROLE_CLIENT_SERVICE",), organization, SENDER_TTL_SECONDS)
    click.echo(_post(f"{_base(url)}/api/v2/events", body, bearer))


@main.command()
@click.option("--user", required=True, help="User id.")
@organization_option
def kick(user: str, organization: str) -> None:
    """End all sessions of a user, on every node, within about a second. Tokens stay valid."""
    from hub.doctor import write
    from hub.store.revocations import revoke

    write(loading.settings(), lambda tx, now: revoke(tx, organization, user, now, tokens=False))
    click.echo(f"The sessions of {user} in {organization} end.", err=True)


@main.command()
@click.option("--new-epoch", is_flag=True, help="Give the log a new identity, as needed after restoring a backup.")
def doctor(*, new_epoch: bool) -> None:
    """Show the effective settings without their secrets, and check what the hub depends on."""
    from hub import doctor as checks

    settings = loading.settings()
    if new_epoch:
        from hub.server import LOCK_FILE

        epoch = checks.renew_epoch(settings, LOCK_FILE)
        click.echo(f"The log has the new epoch {epoch}: every client reads its snapshot again.")
        return
    for line in checks.settings_lines(settings):
        click.echo(line)
    is_well = True
    for finding in checks.examine(settings, _notify):
        click.echo(str(finding))
        is_well = is_well and finding.verdict is not checks.Verdict.BAD
    if not is_well:
        raise click.exceptions.Exit(1)


@main.command()
def openapi() -> None:
    """Print the OpenAPI 3.1 description of the REST side."""
    from api.routes import document

    _print_document(document(url=loading.settings().public_url, version=_version()))


@main.command()
def asyncapi() -> None:
    """Print the AsyncAPI 3.0 description of the Bayeux side, custom channels included."""
    from channels.asyncapi import document

    settings = loading.settings()
    _print_document(document(loading.configuration(settings).catalog(), url=settings.public_url, version=_version()))


def _mint(
    user: str,
    roles: tuple[str, ...],
    organization: str,
    ttl: float,
    *,
    application: str | None = None,
    conference: str | None = None,
) -> str:
    """A token signed with the key of the settings; the key is made if this is the first time that it is needed."""
    from hub.auth.keys import KeyRing
    from hub.auth.tokens import Tokens
    from hub.kernel.clock import SystemClock

    settings, now = loading.settings(), SystemClock().now()
    return Tokens(KeyRing.load(settings, now), settings.jwt_issuer, settings.jwt_audience).mint(
        user=user,
        organization=organization,
        roles=roles,
        ttl=ttl,
        now=now,
        application=application,
        conference=conference,
    )


def _event(channel: str, user: str | None, organization: str, text: str) -> bytes:
    """The body of an ingest request; `text` goes into it untouched."""
    import msgspec

    try:
        msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise click.UsageError(f"JSON must be one JSON object: {error}") from None
    event: dict[str, object] = {"channel": channel, "organizationId": organization, "data": msgspec.Raw(text.encode())}
    if user:
        event["userId"] = user
    return msgspec.json.encode(event)


def _post(url: str, body: bytes, bearer: str) -> str:
    """The answer as one line. Raises ClickException with the server's own words when it is not 200."""
    import httpx2

    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
    try:
        with httpx2.Client(timeout=REQUEST_SECONDS, trust_env=False) as http:
            response = http.post(url, content=body, headers=headers)
    except httpx2.HTTPError as error:
        raise click.ClickException(f"no answer from {url}: {str(error) or type(error).__name__}") from None
    answer = " ".join(response.text.split())
    if response.status_code != 200:
        raise click.ClickException(f"{url} answered {response.status_code}: {answer[:1000]}")
    return answer


def _print_document(document: dict[str, Any]) -> None:
    import json

    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def _version() -> str:
    from importlib.metadata import version

    return version("hub")


def _base(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f"--url must begin with http:// or https://, not {url!r}.")
    return url.rstrip("/")


def _require_channel(channel: str) -> None:
    from channels.names import is_valid

    if not is_valid(channel):
        raise click.UsageError(f"{channel!r} is no channel name.")


def _emit(line: bytes) -> None:
    try:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _reader_gone()


def _notify(notice: str) -> None:
    click.echo(f"hub: {notice}", err=True)


def _reader_gone() -> NoReturn:
    # Nobody reads on: no error, and nothing may be flushed at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise click.exceptions.Exit(0)
