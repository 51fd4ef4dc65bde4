"""From a path to what serves it."""

from collections.abc import Sequence

from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send


class Lookup:
    """A router without slash redirects, in which paths without parameters cost one look, however many there are."""

    def __init__(self, routes: Sequence[Route], default: ASGIApp) -> None:
        self._fixed: dict[str, ASGIApp] = {route.path: route.app for route in routes if "{" not in route.path}
        self._others = Router(
            [route for route in routes if route.path not in self._fixed], redirect_slashes=False, default=default
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; `path_params` is in its scope."""
        app = self._fixed.get(scope["path"]) if scope["type"] == "http" else None
        if app is None:
            await self._others(scope, receive, send)
        else:
            scope["path_params"] = {}
            await app(scope, receive, send)
