"""The primary that Sentinels watch: found by asking, checked by asking it, and asked for again every second.

All Sentinels of the URL are asked at once and the answer of the highest configuration epoch counts, so that one that
was cut off and still tells of the last primary does not matter. A Redis that does not call itself a primary is not
used. A connection is ended when the Sentinels have come to name another primary: the old one may go on answering for
long, to whoever does not know that it was replaced.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from hub.brokers.connection import Connection, Owner, Refused
from hub.brokers.dialing import Dialer, Unreachable
from hub.brokers.shard import Pace
from hub.kernel.redis_url import Host

ASK_SECONDS: Final = 0.5
LONGEST_PAUSE: Final = 0.5
"""A primary is followed within two seconds: asking, a dial that hangs and a pause take no longer together."""


class Named(NamedTuple):
    """What a Sentinel says; the greater one is the newer one."""

    epoch: int
    primary: Host


class Sentinels:
    """The Sentinels of one service. `connect` is what a shard needs, `watch` runs beside it."""

    def __init__(self, hosts: Sequence[Host], service: str, ask: Dialer, dial: Dialer, pace: Pace) -> None:
        """`ask` opens connections to Sentinels, `dial` to the primary."""
        self._service = service
        self._ask = ask
        self._dial = dial
        self._pace = pace
        self._lines: dict[Host, Connection | None] = dict.fromkeys(hosts)
        self._asking = asyncio.Lock()  # or two would open the same line
        self._named: Named | None = None
        self._connection: Connection | None = None

    async def connect(self, owner: Owner) -> Connection:
        """A connection to the primary. Raises Unreachable."""
        named = await self.named()
        connection, role = await self._dial.dial(named.primary, owner, b"ROLE")
        if role[0] != b"master":
            connection.abort("not a primary")
            raise Unreachable(
                f"Redis at {named.primary}: calls itself {role[0].decode()}; the Sentinels call it primary"
            )
        self._named, self._connection = named, connection
        return connection

    async def watch(self) -> None:
        """End the connection when it is no longer one to the primary; for ever."""
        try:
            while True:
                await asyncio.sleep(self._pace.probe)
                await self._look()
        finally:
            await self.close()

    async def close(self) -> None:
        """Hang up with the Sentinels; the primary stays connected."""
        for line in self._lines.values():
            if line is not None:
                await line.close()

    async def _look(self) -> None:
        connection, before = self._connection, self._named
        if connection is None or before is None or connection.lost.done():
            return
        with suppress(Unreachable):  # as long as the primary is well, nobody needs a Sentinel
            now = await self.named()
            if now.primary != before.primary and now.epoch >= before.epoch:
                connection.abort(f"{before.primary} is no longer the primary, {now.primary} is")

    async def named(self) -> Named:
        """The newest that any Sentinel knows. Raises Unreachable if none of them answers."""
        async with self._asking:
            answers = await asyncio.gather(*(self._asked(host) for host in self._lines))
        found = [answer for answer in answers if isinstance(answer, Named)]
        if not found:
            raise Unreachable("; ".join(str(answer) for answer in answers))
        return max(found, key=lambda named: named.epoch)

    async def _asked(self, host: Host) -> Named | Unreachable:
        try:
            line = self._lines[host]
            if line is None or line.lost.done():
                line, _ = await self._ask.dial(host)
                self._lines[host] = line
            return await self._question(host, line)
        except Unreachable as unreachable:
            return unreachable

    async def _question(self, host: Host, line: Connection) -> Named:
        """During a failover the address is ahead of the rest of the state, but the epoch keeps up with it."""
        service = self._service.encode()
        try:
            async with asyncio.timeout(ASK_SECONDS):
                address, state = await asyncio.gather(
                    line.ask(b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", service),
                    line.ask(b"SENTINEL", b"MASTER", service),
                )
        except Refused as refused:
            raise Unreachable(f"Sentinel at {host}: refuses to say where {self._service!a} is: {refused}") from None
        except (TimeoutError, ConnectionError):
            line.abort("no answer")
            raise Unreachable(f"Sentinel at {host}: no answer within {ASK_SECONDS:g} s") from None
        name, port = (part.decode() for part in address)
        return Named(int(state[b"config-epoch"]), Host(name, int(port)))
