"""The blocks of code in the documents, and what is said about each: whether a test carries it out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.tree import ROOT, files

FENCE = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = {"sh", "bash", "console", "python", "js", "javascript", "java", "sql", "toml", "ini", "nginx", "caddy"}
COMMAND = re.compile(r"^    (?:\$ )?(?:curl|hub|make|node|npm|python3?|git|systemctl|\.venv/bin/\w+) \S", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block; `mark` is what stands behind its language."""

    page: str
    line: int
    language: str
    mark: str
    text: str

    @property
    def file(self) -> str | None:
        """The file that it is, if it is one."""
        return self.mark.removeprefix("file=") if self.mark.startswith("file=") else None


def pages() -> Iterator[Path]:
    """README and everything below docs/."""
    yield ROOT / "README.md"
    yield from (path for path in files((".md",)) if path.is_relative_to(ROOT / "docs"))


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in their order."""
    text = page.read_text(encoding="utf-8")
    name = str(page.relative_to(ROOT))
    return [
        Block(name, text.count("\n", 0, found.start()) + 1, found[1], found[2].strip(), found[3])
        for found in FENCE.finditer(text)
    ]
