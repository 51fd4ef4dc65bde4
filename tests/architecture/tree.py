"""The project's files, read once, for the tests that look at its shape."""

import ast
import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
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

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All nodes of the tree."""
        return tuple(ast.walk(self.tree))

    def functions(self) -> Iterator[tuple[str, int]]:
        """Give name and length in lines of each function and method, decorators left out."""
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1

    def imports(self) -> Iterator[tuple[int, str]]:
        """Give line and full dotted name of everything imported, wherever in the file it stands."""
        for node in self.nodes:
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
    return tuple(_module(path) for path in files((".py",)) if path.relative_to(ROOT).parts[0] in (tops or PACKAGES))


@cache
def _module(path: Path) -> Module:
    relative, text = path.relative_to(ROOT), path.read_text(encoding="utf-8")
    name = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
    return Module(name, str(relative), text, ast.parse(text))


def within(name: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether a dotted name is one of the packages or below one; `*` stands for one segment."""
    return any(re.match(re.escape(p).replace(r"\*", r"[^.]+") + r"(\.|$)", name) for p in patterns)


@cache
def pyproject() -> dict[str, dict[str, object]]:
    """Read the [tool.*] tables of pyproject.toml."""
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"])
