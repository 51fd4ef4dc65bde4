"""Documents that are written by code: `make docs` writes them, test_docs.py compares.

A document is either wholly generated or has one part between two marks, so that prose can stand around a table.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final

from tests.architecture.tree import ROOT

BEGIN: Final = "<!-- generated: make docs -->"
END: Final = "<!-- end -->"


def _call(module: str, name: str) -> Callable[[], str]:
    return lambda: str(getattr(import_module(module), name)())


def _life_of_a_session() -> str:
    diagram = import_module("hub.bayeux.states").diagram()
    return f"```mermaid\n{diagram}```"


DOCUMENTS: Final[dict[str, Callable[[], str]]] = {
    "docs/settings.md": _call("hub.kernel.settings", "table"),
    "docs/metrics.md": _call("hub.kernel.metrics", "table"),
    "docs/flows.md": _life_of_a_session,
}


def wanted(path: Path, produce: Callable[[], str]) -> str:
    """Give the text that the file should have now."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        msg = f"{path.name} lacks the marks {BEGIN} and {END}"
        raise ValueError(msg)
    return f"{before}{BEGIN}\n{produce().strip()}\n{END}{after}"


def main() -> None:
    for name, produce in DOCUMENTS.items():
        path = ROOT / name
        path.write_text(wanted(path, produce), encoding="utf-8")


if __name__ == "__main__":
    main()
