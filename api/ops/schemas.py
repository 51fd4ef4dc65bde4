"""What the endpoints for operators answer."""

import msgspec


class Health(msgspec.Struct, frozen=True):
    """The process serves requests; says nothing about what it depends on."""

    status: str = "ok"


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Traffic may come: all of these checks passed."""

    status: str = "ready"
    checks: list[str]


class Version(msgspec.Struct, frozen=True):
    """Which build this is."""

    name: str
    version: str
