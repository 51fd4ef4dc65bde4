"""The keys of a foreign token issuer, fetched from its one address and kept in memory.

A task of its own fetches the set at start, then regularly, and out of turn when a token names a key that is not in it
(at most once in 30 s, so that made-up names cost the issuer nothing). Since only that task fetches, there is never
more than one request on its way; everybody who needs it waits for the same one. What cannot be fetched or read leaves
the last good set in force.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, NoReturn, Self

import httpx2

from hub.auth import keyset
from hub.auth.keys import OwnKeys, foreign_key
from hub.auth.keyset import Key, KeySet, KeySetRefused
from hub.auth.signatures import Keys, checker, signed_payload
from hub.kernel import logs, metrics
from hub.kernel.clock import Clock
from hub.kernel.errors import KeysUnavailable, TokenInvalid
from hub.kernel.lifecycle import Background
from hub.kernel.settings import Settings

LARGEST_SET: Final = 262_144
FETCH_SECONDS: Final = 5.0
UNKNOWN_KID_SECONDS: Final = 30.0
FIRST_RETRY: Final = 1.0
LONGEST_RETRY: Final = 60.0

_HEADERS: Final = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}

_log = logs.get(__name__)


class FetchFailed(Exception):
    """There is no new key set. `outcome` is the label of the metric, the text is for operators."""

    def __init__(self, outcome: str, text: str) -> None:
        super().__init__(text)
        self.outcome = outcome


async def fetch(url: str, *, seconds: float = FETCH_SECONDS) -> KeySet:
    """The key set at `url`, in one request that follows nothing and takes `seconds` at most. Raises FetchFailed."""
    # Reading the certificates of the system takes a while, too long for the loop, and is not the issuer's fault.
    http = await asyncio.to_thread(httpx2.AsyncClient, follow_redirects=False, trust_env=False, timeout=seconds)
    try:
        async with asyncio.timeout(seconds), http, http.stream("GET", url, headers=_HEADERS) as response:
            return keyset.parse(await _body(response))
    except (TimeoutError, httpx2.TimeoutException):
        raise FetchFailed("timeout", f"no complete answer within {seconds:g} s") from None
    except KeySetRefused as refused:
        raise FetchFailed("malformed", str(refused)) from None
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise FetchFailed("unreachable", " ".join(str(error).split()) or type(error).__name__) from None


async def _body(response: httpx2.Response) -> bytes:
    if response.is_redirect:
        raise FetchFailed("redirect", f"answered {response.status_code}: redirects are not followed")
    if response.status_code != 200:
        raise FetchFailed("status", f"answered {response.status_code}")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise FetchFailed("malformed", "compressed, although asked not to")
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > LARGEST_SET:
            raise FetchFailed("too_large", f"more than {LARGEST_SET} bytes")
    return bytes(body)


class ForeignKeys:
    """The keys of the issuer behind one URL. Use on one event loop; enter it to have them fetched."""

    def __init__(self, url: str, clock: Clock, *, every: float, seconds: float = FETCH_SECONDS) -> None:
        """`every`: seconds between two regular fetches; `seconds`: what one may take."""
        self._url = url
        self._clock = clock
        self._every = every
        self._seconds = seconds
        self._checkers = {algorithm: checker(algorithm) for algorithm in ("RS256", "ES256")}
        self._background = Background(clock)
        self._wanted = asyncio.Event()
        self._landing: asyncio.Future[None] | None = None
        self._asked_at = -UNKNOWN_KID_SECONDS
        self._trouble = "not fetched yet"
        self._closed = True
        self._set: KeySet | None = None
        self.generation = 0

    async def __aenter__(self) -> Self:
        """Returns at once; the set arrives when it does."""
        self._closed = False
        self._landing = asyncio.get_running_loop().create_future()
        self._background.keep("jwks", self._keep_fetching)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closed = True
        await self._background.stop()
        self._land()

    def sign(self, payload: bytes) -> NoReturn:
        """Raises SettingsError: only the issuer can."""
        del payload
        raise foreign_key()

    def payload(self, token: str) -> bytes:
        """See `Keys`. A token that names an unknown key has the set fetched anew, for the next one."""
        if self._set is None:
            raise KeysUnavailable
        kid = keyset.kid_of(token)
        key = self._set.find(kid)
        try:
            if key is None:
                raise TokenInvalid
            return signed_payload(self._checkers[key.algorithm], token, key.jwk, key.algorithm)
        except TokenInvalid:
            if _may_be_outdated(key, kid):
                self._want()
            raise

    def published(self) -> list[dict[str, Any]]:
        """See `Keys`. Theirs are published by themselves."""
        return []

    def is_prepared(self, token: str) -> bool:
        """See `Keys`. Does not say that a fetch is permitted now, only that one could help."""
        try:
            kid = keyset.kid_of(token)
        except TokenInvalid:
            return True
        if self._set is None:
            return False
        key = self._set.find(kid)
        if not _may_be_outdated(key, kid):
            return True
        return key is not None and self._fits(token, key)

    async def prepare(self, token: str) -> None:
        """See `Keys`. Waits for two fetches at most: one already on its way, which may be too old to know the key,
        and one because of this token.
        """
        while not self.is_prepared(token) and (landing := self._want()):
            await asyncio.wait({landing})

    def trouble(self) -> str | None:
        """See `Keys`. A set that cannot be refreshed is no reason: the old one still works."""
        return None if self._set else f"no key set of the token issuer: {self._trouble}"

    def _fits(self, token: str, key: Key) -> bool:
        try:
            signed_payload(self._checkers[key.algorithm], token, key.jwk, key.algorithm)
        except TokenInvalid:
            return False
        return True

    def _want(self) -> "asyncio.Future[None] | None":
        """The end of the fetch under way, else of one begun now, else None: nobody may ask again so soon."""
        if self._landing is not None or self._closed:
            return None if self._closed else self._landing
        now = self._clock.monotonic()
        if now - self._asked_at < UNKNOWN_KID_SECONDS:
            return None
        self._asked_at = now
        self._wanted.set()
        self._landing = asyncio.get_running_loop().create_future()
        return self._landing

    def _land(self) -> None:
        landing, self._landing = self._landing, None
        if landing is not None:
            landing.set_result(None)

    async def _keep_fetching(self) -> None:
        retry = FIRST_RETRY
        while True:
            self._landing = self._landing or asyncio.get_running_loop().create_future()
            self._wanted.clear()
            try:
                is_good = await self._refresh()
            finally:
                self._land()
            pause, retry = (self._every, FIRST_RETRY) if is_good else (retry, min(2 * retry, LONGEST_RETRY))
            try:
                async with asyncio.timeout(min(pause, self._every)):
                    await self._wanted.wait()
            except TimeoutError:
                pass

    async def _refresh(self) -> bool:
        try:
            fetched = await fetch(self._url, seconds=self._seconds)
        except FetchFailed as failed:
            metrics.JWKS_FETCHES.labels(failed.outcome).inc()
            self._trouble = str(failed)
            _log.warning("key set not fetched", outcome=failed.outcome, reason=str(failed), kept=self._set is not None)
            return False
        metrics.JWKS_FETCHES.labels("ok").inc()
        self._adopt(fetched)
        return True

    def _adopt(self, fetched: KeySet) -> None:
        if self._set is not None and self._set.is_same(fetched):
            return
        self._set = fetched
        self.generation += 1
        metrics.JWKS_KEYS.set(len(fetched.keys))
        _log.info("key set taken over", keys=len(fetched.keys), left_out=sorted(set(fetched.left_out)))


def _may_be_outdated(key: Key | None, kid: str | None) -> bool:
    """Whether a newer set may have a better key for `kid` than the one found: another name, or a lone key without a
    name, whose successor would have none either.
    """
    return kid is not None if key is None else key.kid is None


@asynccontextmanager
async def opened(settings: Settings, clock: Clock) -> AsyncIterator[Keys]:
    """The keys that the settings name, ready to use within the block; foreign ones arrive when they do.

    Raises SettingsError for a key that is missing or unfit.
    """
    if settings.jwks_url is None:
        async with await asyncio.to_thread(OwnKeys, settings, clock) as own:
            yield own
        return
    async with ForeignKeys(settings.jwks_url, clock, every=settings.jwks_refresh_seconds) as keys:
        yield keys
