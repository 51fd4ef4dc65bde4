"""Passwords at rest: argon2id, computed in threads, because one takes tens of milliseconds.

The parameters are the first ones that OWASP recommends (19 MiB, two passes, one lane): a whole shift has to log in
within minutes on one machine. They stand in every hash, so that changing them leaves old ones good.
"""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hub.kernel.errors import Overloaded
from hub.kernel.secret import Secret

T = TypeVar("T")

THREADS: Final = 2
LONGEST_QUEUE: Final = 64

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Nobody's password. Checking against it takes as long as against a real one.
_NOBODYS: Final = "$argon2id$v=19$m=19456,t=2,p=1$XeAp4rqKMwEb3eTNJRQWRA$4q3NLhIFVmTNJMcm7S62y9LP9Xn8hzM60v77QVBSAN8"


def hashed(password: Secret) -> str:
    """What to store of a password. Blocks for tens of milliseconds."""
    return _HASHER.hash(_bytes(password))


def matches(stored: str | None, password: Secret) -> bool:
    """Whether `password` is the one behind `stored`; for None never, after the same time. Blocks as `hashed` does."""
    try:
        _HASHER.verify(stored or _NOBODYS, _bytes(password))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


class Passwords:
    """Hashes and checks in threads of its own. Enter it to have them, on one event loop.

    Raises Overloaded when so many wait already that the answer would be too late.
    """

    def __init__(self, threads: int = THREADS, longest_queue: int = LONGEST_QUEUE) -> None:
        self._threads = threads
        self._longest_queue = longest_queue
        self._waiting = 0

    async def __aenter__(self) -> Self:
        self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="passwords")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)

    async def hash(self, password: Secret) -> str:
        """See `hashed`."""
        return await self._run(hashed, password)

    async def match(self, stored: str | None, password: Secret) -> bool:
        """See `matches`."""
        return await self._run(matches, stored, password)

    def _run(self, function: Callable[..., T], *arguments: object) -> "asyncio.Future[T]":
        if self._waiting >= self._longest_queue:
            raise Overloaded("Too many are logging in at the moment")
        work = asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)
        self._waiting += 1
        work.add_done_callback(self._ran)
        return work

    def _ran(self, work: "asyncio.Future[T]") -> None:
        del work
        self._waiting -= 1


def _bytes(password: Secret) -> bytes:
    """The same bytes whatever keyboard composed the characters."""
    return unicodedata.normalize("NFC", password.reveal()).encode("utf-8", "surrogatepass")
