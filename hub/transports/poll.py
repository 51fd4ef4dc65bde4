"""One HTTP request as the origin of messages."""

import asyncio
from collections.abc import Sequence

from hub.realtime.ports import Credentials


class Poll:
    """One HTTP request: collects the answers to its messages until the last one is there. Subclasses send them."""

    __slots__ = ("_answers", "_missing", "browser", "credentials", "displaced", "whole")

    def __init__(self, credentials: Credentials, browser: str | None) -> None:
        self.credentials = credentials
        self.browser = browser
        self.displaced = False
        self.whole: bytes | None = None
        """The body of the response, once it is complete."""
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
        if self._missing == 0 and self.whole is None:
            self.whole = b"[%b]" % b",".join(self._answers)
            self._answers.clear()
            self.completed()

    def completed(self) -> None:
        """The response is whole. Called while a session is at work: what follows has to happen later."""
        raise NotImplementedError


class AwaitedPoll(Poll):
    """A request whose endpoint waits for the response."""

    __slots__ = ("complete",)

    def __init__(self, credentials: Credentials, browser: str | None) -> None:
        super().__init__(credentials, browser)
        self.complete: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def completed(self) -> None:
        """See `Poll`."""
        if not self.complete.done():
            self.complete.set_result(None)
