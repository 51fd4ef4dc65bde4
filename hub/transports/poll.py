"""One HTTP request as the origin of messages."""

import asyncio
from collections.abc import Sequence

from hub.realtime.ports import Credentials


class Poll:
    """One HTTP request: collects the answers to its messages until the last one is there."""

    __slots__ = ("_answers", "_missing", "browser", "complete", "credentials", "displaced")

    def __init__(self, credentials: Credentials, browser: str | None) -> None:
        self.credentials = credentials
        self.browser = browser
        self.displaced = False
        self.complete: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._answers: list[bytes] = []
        self._missing = 0

    def expect(self, answers: int) -> None:
        """See `hub.realtime.ports.Origin`."""
        self._missing = answers

    def answer(self, messages: Sequence[bytes], *, displaced: bool = False) -> None:
        """See `hub.realtime.ports.Origin`."""
        self._answers += messages
        self.displaced = self.displaced or displaced
        self._missing -= 1
        if self._missing == 0 and not self.complete.done():
            self.complete.set_result(b"[%b]" % b",".join(self._answers))
