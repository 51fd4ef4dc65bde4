"""What the guides tell people to do works: the blocks of each page, as they stand there, against a hub of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.support.guides import Block, blocks, pages
from tests.support.hub_process import HubProcess

DOCUMENTED = "http://127.0.0.1:8080"
PROGRAM = re.compile(r"\.venv/bin/(hub|python)")
PROGRAMS = {"hub": f"{sys.executable} -m hub", "python": sys.executable}
MODULES = ROOT / "tests" / "interop" / "node_modules"
RUN = {
    str(page.relative_to(ROOT)): marked
    for page in pages()
    if (marked := [block for block in blocks(page) if block.mark == "run" or block.file])
}


def script(marked: list[Block], hub: HubProcess, folder: Path) -> str:
    """The page as one script, its files written; only addresses and the place of the programs are other ones."""
    lines = ["set -euo pipefail"]
    for block in marked:
        text = PROGRAM.sub(lambda found: PROGRAMS[found[1]], block.text.replace(DOCUMENTED, hub.url))
        if block.file:
            (folder / block.file).write_text(text)
        else:
            lines += [f"echo '--- {block.page}:{block.line}'", text]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with HubProcess(tmp_path_factory.mktemp("guides") / "hub", demo=True) as hub:
        yield hub


@pytest.mark.parametrize("page", RUN)
def test_what_a_page_says_works(page: str, demo: HubProcess, tmp_path: Path) -> None:
    marked = RUN[page]
    if any("node " in block.text for block in marked):
        if not MODULES.is_dir():
            pytest.skip("run make test once: it installs the clients that others wrote")
        (tmp_path / "node_modules").symlink_to(MODULES)
    done = subprocess.run(
        ["bash", "-c", script(marked, demo, tmp_path)],
        cwd=tmp_path,
        env=demo.environment | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_the_unit_is_one() -> None:
    program = "/usr/bin/systemd-analyze"
    if not Path(program).exists():
        pytest.skip("not on every machine: systemd-analyze")
    unit = ROOT / "docs" / "deploy" / "hub.service"
    done = subprocess.run([program, "verify", str(unit)], capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if "/opt/hub/.venv/bin/hub is not executable" not in line]
    assert complaints == []
