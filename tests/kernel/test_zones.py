import subprocess
import sys

from hub.kernel import zones


def test_zones_come_from_the_package_only() -> None:
    code = (
        "import zoneinfo; from hub.kernel import zones; zones.use_packaged();"
        "print(zoneinfo.TZPATH, zoneinfo.ZoneInfo('Europe/Berlin'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "() Europe/Berlin\n"


def test_the_version_is_that_of_the_package() -> None:
    year, _, _ = zones.version().partition(".")
    assert int(year) >= 2026
