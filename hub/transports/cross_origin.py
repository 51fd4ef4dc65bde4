"""What browsers of other origins may do over HTTP: those that are allowed, everything, with their cookies."""

from collections.abc import Mapping

from hub.transports import origin

Headers = list[tuple[bytes, bytes]]

METHODS = b"POST, GET, OPTIONS"
REQUEST_HEADERS = b"Accept, Authorization, Content-Type, Pragma, X-Requested-With, X-Request-Id, X-CSRF-TOKEN"
REMEMBERED = b"86400"  # seconds


def answer_headers(request: Mapping[bytes, str], allowed: frozenset[str]) -> Headers:
    """What an answer needs so that a page of an allowed origin may read it; clients always send credentials."""
    asking = request.get(b"origin")
    if asking is None:
        return []
    vary = (b"vary", b"Origin")
    if not origin.is_allowed(asking, request.get(b"host"), allowed):
        return [vary]
    return [
        vary,
        (b"access-control-allow-origin", asking.encode("latin-1")),
        (b"access-control-allow-credentials", b"true"),
    ]


def preflight_headers(request: Mapping[bytes, str], allowed: frozenset[str]) -> Headers:
    """The answer to OPTIONS."""
    headers = answer_headers(request, allowed)
    if len(headers) > 1:
        headers += [
            (b"access-control-allow-methods", METHODS),
            (b"access-control-allow-headers", REQUEST_HEADERS),
            (b"access-control-max-age", REMEMBERED),
        ]
    return headers
