"""`hub timers`: what was given up, for whoever decides what becomes of it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from hub import loading

if TYPE_CHECKING:
    from hub.store.timers import Timer
    from hub.store.transaction import Snapshot

PAGE = 500
UNCERTAIN = "uncertain:"

kind_option = click.option("--kind", help="Only timers of this kind, for example deliver.mail.")


@click.group()
def timers() -> None:
    """Timers that were given up: list them, do them again, forget them.

    What a message says and whom it is for is not shown.
    """


@timers.command()
@kind_option
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="At most so many lines.")
def buried(kind: str | None, limit: int) -> None:
    """List them, oldest first: id, when they were buried, kind, key, attempts and reason."""
    from itertools import islice

    from hub.doctor import read

    found = read(loading.settings(), lambda tx: list(islice(_buried(tx, kind), limit)))
    for timer in found:
        click.echo(f"{timer.id}\t{_shown(timer.buried_at)}\t{timer.kind}\t{timer.key}\t{timer.attempt}\t{timer.error}")
    if not found:
        click.echo("No timer is buried.", err=True)
    elif len(found) == limit:
        click.echo(f"These are {limit}; there may be more, see --limit.", err=True)


@timers.command()
@click.argument("ids", metavar="[ID]...", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All of them, or all of --kind, but those that are uncertain.")
@kind_option
@click.option("--uncertain", is_flag=True, help="With --all: the uncertain ones too; people may get them twice.")
def replay(ids: tuple[int, ...], kind: str | None, *, everything: bool, uncertain: bool) -> None:
    """Do buried timers again, now, with all their attempts before them. Takes their ids, or --all."""
    from hub.doctor import write
    from hub.store import timers as store
    from hub.store.transaction import Tx

    if bool(ids) == everything or ((kind or uncertain) and not everything):
        raise click.UsageError("Give ids, or --all with --kind and --uncertain if wanted.")

    def dig_out(tx: Tx, now: float) -> int:
        chosen = ids or [
            timer.id for timer in list(_buried(tx, kind)) if uncertain or not (timer.error or "").startswith(UNCERTAIN)
        ]
        return sum(store.replay(tx, each, now) for each in chosen)

    _report(write(loading.settings(), dig_out), len(ids), "to be done again")


@timers.command()
@click.argument("ids", metavar="ID...", type=int, nargs=-1, required=True)
def forget(ids: tuple[int, ...]) -> None:
    """Delete buried timers for good."""
    from hub.doctor import write
    from hub.store import timers as store

    _report(
        write(loading.settings(), lambda tx, _: sum(store.forget_buried(tx, each) for each in ids)),
        len(ids),
        "forgotten",
    )


def _report(done: int, wanted: int, what: str) -> None:
    click.echo(f"Timers {what}: {done}", err=True)
    if done < wanted:
        raise click.ClickException(f"{wanted - done} of the ids are of no buried timer")


def _buried(tx: "Snapshot", kind: str | None) -> "Iterator[Timer]":
    from hub.store import timers as store

    after = 0
    while page := store.buried(tx, PAGE, after=after):
        yield from (timer for timer in page if kind in {None, timer.kind})
        after = page[-1].id


def _shown(at: int | None) -> str:
    from hub.kernel.clock import seconds
    from hub.kernel.wire import instant

    return "-" if at is None else f"{instant(seconds(at)):%Y-%m-%dT%H:%M:%SZ}"
