"""What `hub doctor` wants to know of Redis."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct

from hub.brokers import message
from hub.brokers.connection import Connection, Refused
from hub.brokers.dialing import Unreachable
from hub.brokers.redis import opened
from hub.brokers.routes import Routes
from hub.brokers.shard import USUAL
from hub.kernel.clock import Clock
from hub.kernel.redis_url import Kind, RedisURL

SECONDS: Final = 5.0
SOON: Final = 1.0
"""Longer than a healthy Redis takes for all of it, and what a person waits for without a word."""

COMMANDS: Final = {
    Kind.SINGLE: "+hello +publish +subscribe +unsubscribe",
    Kind.SENTINEL: "+hello +role +publish +subscribe +unsubscribe",
    Kind.CLUSTER: "+hello +cluster|slots +spublish +ssubscribe +sunsubscribe",
}
"""All that the hub does."""


class Checkup(Struct, frozen=True):
    """What was found. `output_buffer` is the limit for subscribers: bytes at once, bytes for a while, that while in
    seconds; 0 means none. It is None, and so the rights are few, where the user may not ask. It took `seconds` to
    find out.
    """

    version: str
    output_buffer: tuple[int, int, int] | None
    seconds: float

    @property
    def is_slow(self) -> bool:
        """Whether that is more than it should be."""
        return self.seconds > SOON


class _Waiting:
    """A receiver that waits for its first news."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()

    def event(self, event: object) -> None:
        """Nobody listens to anything."""

    def interrupted(self) -> None:
        """Called first when the broker hears."""
        self.heard.set()


def rights(url: RedisURL, prefix: str) -> str:
    """The rule of an ACL user that may do what the hub does, and nothing else."""
    return f"resetchannels &{message.scope(prefix, url.database)}:* -@all {COMMANDS[url.kind]}"


async def examine(url: RedisURL, prefix: str, clock: Clock, notify: Callable[[str], None]) -> Checkup:
    """Ask, and publish and hear as a hub does. Raises Unreachable, or SettingsError for unreadable certificates.

    What refuses is known at once, and what is silent only when a hub would give up, too; `notify` gets a sentence about
    it before.
    """
    routes = await Routes.prepared(url, prefix, clock, USUAL)
    began = clock.monotonic()
    hosts = ",".join(map(str, url.hosts))
    notice = asyncio.get_running_loop().call_later(
        SOON, notify, f"Redis at {hosts} has not answered everything for {SOON:g} s; a slow one gets some more"
    )
    try:
        version, output_buffer = await _asked(routes)
        await _heard(url, prefix, clock)
    finally:
        notice.cancel()
    return Checkup(version, output_buffer, clock.monotonic() - began)


async def _asked(routes: Routes) -> tuple[str, tuple[int, int, int] | None]:
    connection = await routes.visit()
    try:
        async with asyncio.timeout(SECONDS):
            return await _answers(connection)
    except TimeoutError:
        raise Unreachable(f"Redis lets us in, and then does not answer within {SECONDS:g} s") from None
    finally:
        await connection.close()


async def _answers(connection: Connection) -> tuple[str, tuple[int, int, int] | None]:
    hello: dict[bytes, Any] = await connection.ask(b"HELLO", b"3")
    version = hello[b"version"].decode()
    try:
        limits = await connection.ask(b"CONFIG", b"GET", b"client-output-buffer-limit")
    except Refused:
        return version, None
    words = limits[b"client-output-buffer-limit"].decode().split()
    at = words.index("pubsub")
    return version, (int(words[at + 1]), int(words[at + 2]), int(words[at + 3]))


async def _heard(url: RedisURL, prefix: str, clock: Clock) -> None:
    async with opened(url, prefix, clock) as broker:
        waiting = _Waiting()
        broker.connect(waiting)
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS):
                while broker.trouble():
                    waiting.heard.clear()
                    await waiting.heard.wait()
        if trouble := broker.trouble():
            raise Unreachable(trouble)
