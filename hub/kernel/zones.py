"""Time zones from the pinned package instead of whatever the machine has, so that all nodes agree."""

import zoneinfo
from importlib.metadata import version as installed


def use_packaged() -> None:
    """Makes `zoneinfo` read the `tzdata` package only. Call once, before the first zone is looked up."""
    zoneinfo.reset_tzpath(())
    zoneinfo.ZoneInfo.clear_cache()


def version() -> str:
    """The version of the zones in use, `2026.6`, for `/version`."""
    return installed("tzdata")
