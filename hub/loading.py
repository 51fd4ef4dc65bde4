"""What commands load when they run, so that none pays for what it does not use."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.kernel.config import Configuration
    from hub.kernel.settings import Settings


def settings() -> "Settings":
    """The settings of the environment. Raises SettingsError."""
    from hub.kernel.settings import load

    return load(os.environ)


def configuration(settings: "Settings") -> "Configuration":
    """What `hub.toml` says, or whatever file the settings name. Raises SettingsError."""
    from hub.kernel.config import load

    return load(settings.config)
