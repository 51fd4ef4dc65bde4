"""The project's files, read once, for the tests that look at its shape."""

import ast
import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("channels", "hub", "api", "scheduler")
NOT_OURS = {"node_modules", "var", "build", "dist", "__pycache__"}


@dataclass(frozen=True)
class Module:
    """One Python file: its dotted name, its text and its syntax tree."""

    name: str
    path: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    def functions(self) -> Iterator[tuple[str, int]]:
        """Give name and length in lines of each function and method, decorators left out."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1

    def imports(self) -> Iterator[tuple[int, str]]:
        """Give line and full dotted name of everything imported, wherever in the file it stands."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def files(suffixes: tuple[str, ...] = ("",)) -> Iterator[Path]:
    """Walk everything that is ours; hidden folders other than .ci are tools' business."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(f for f in folders if f not in NOT_OURS and (not f.startswith(".") or f == ".ci"))
        yield from (Path(folder, name) for name in sorted(names) if name.endswith(suffixes))


@cache
def modules(*tops: str) -> tuple[Module, ...]:
    """Parse the Python files under the given folders (all code packages when none is given)."""
    found = []
    for path in files((".py",)):
        relative = path.relative_to(ROOT)
        if relative.parts[0] in (tops or PACKAGES):
            text = path.read_text(encoding="utf-8")
            name = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
            found.append(Module(name, str(relative), text, ast.parse(text)))
    return tuple(found)


def within(name: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether a dotted name is one of the packages or below one; `*` stands for one segment."""
    return any(re.match(re.escape(p).replace(r"\*", r"[^.]+") + r"(\.|$)", name) for p in patterns)


@cache
def pyproject() -> dict[str, dict[str, object]]:
    """Read the [tool.*] tables of pyproject.toml."""
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"])
