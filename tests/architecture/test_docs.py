"""What the documents say is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.cli import main
from tests.architecture.generated import DOCUMENTS, wanted
from tests.architecture.tree import ROOT, files

PAGES = tuple(files((".md",)))
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


def relative_links(page: Path) -> Iterator[str]:
    yield from (target for target in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in target)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert [target for target in relative_links(page) if not (page.parent / target).exists()] == []


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "adr"
    decisions = {path.name for path in folder.glob("[0-9]*.md")}
    assert decisions
    assert set(relative_links(folder / "README.md")) == decisions
    numbers = sorted(int(name[:4]) for name in decisions)
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_decision_has_its_four_parts() -> None:
    for path in (ROOT / "docs" / "adr").glob("[0-9]*.md"):
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], path.name
        assert re.search(r"^Status: (accepted|replaced by \[\d{4}\])", text, re.MULTILINE), path.name


def test_make_verbs_in_the_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {verb for page in PAGES for verb in re.findall(r"`make ([a-z]+)", page.read_text(encoding="utf-8"))}
    assert named - targets == set()


def test_the_procfile_runs_the_commands_that_exist() -> None:
    procfile = (ROOT / "Procfile").read_text(encoding="utf-8")
    lines = re.findall(r"^(\w+): (?:\w+=\w+ )*exec \.venv/bin/hub (\w+)", procfile, re.MULTILINE)
    processes = {"web": "serve", "scheduler": "scheduler"}
    assert dict(lines) == {name: command for name, command in processes.items() if command in main.commands}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_generated_parts_are_up_to_date(name: str) -> None:
    path = ROOT / name
    assert path.read_text(encoding="utf-8") == wanted(path, DOCUMENTS[name]), "run `make docs`"
