"""What the tests of the configuration file share."""

from pathlib import Path

import pytest

from hub.kernel import config
from hub.kernel.faults import SettingsError


def faults(written: Path, text: str) -> dict[str, str]:
    """What is wrong with a file that has this text: the sentence for each place."""
    written.write_text(text)
    with pytest.raises(SettingsError) as caught:
        config.load(written)
    return dict(caught.value.faults)
