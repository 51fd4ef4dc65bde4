"""Documents that are written by code: `make docs` writes them, test_docs.py compares.

A JSON document is generated as a whole. A page has one part between two marks, so that prose can stand around a table.
"""

import json
import tomllib
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from hub.kernel.errors import HubError
from tests.architecture.tree import ROOT, modules

BEGIN: Final = "<!-- generated: make docs -->"
END: Final = "<!-- end -->"
PUBLIC_URL: Final = "http://127.0.0.1:8080"


def _call(module: str, name: str) -> Callable[[], str]:
    return lambda: str(getattr(import_module(module), name)())


def _life_of_a_session() -> str:
    diagram = import_module("hub.bayeux.states").diagram()
    return f"```mermaid\n{diagram}```"


def _life_of_a_callback() -> str:
    diagram = import_module("api.callbacks.rules.lifecycle").diagram()
    return f"```mermaid\n{diagram}```"


def _life_of_a_call() -> str:
    diagram = import_module("api.telephony.calls.states").diagram()
    return f"```mermaid\n{diagram}```\n\n{import_module('api.telephony.calls.capabilities').table()}"


def _version() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def _json(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _openapi() -> str:
    return _json(import_module("api.routes").document(url=PUBLIC_URL, version=_version()))


def _asyncapi() -> str:
    catalog = import_module("channels.catalog").Catalog()
    return _json(import_module("channels.asyncapi").document(catalog, url=PUBLIC_URL, version=_version()))


def _errors() -> str:
    for module in modules("hub", "api"):
        if (
            "hub.kernel.errors" in module.text
            and "migrations" not in module.name
            and not module.name.endswith("__main__")
        ):
            import_module(module.name)
    ours = (kind for kind in _kinds(HubError) if kind.__module__.startswith(("hub.", "api.")))
    kinds = [kind for kind in ours if kind.__module__ != "hub.doctor"]  # those are for the command line
    rows = ["| code | HTTP | `statusCode` | again? | meaning |", "|---|---|---|---|---|"]
    for kind in sorted(kinds, key=lambda kind: (kind.status, kind.code)):
        again = "yes" if kind.retriable else "no"
        rows.append(f"| `{kind.code}` | {kind.status} | {kind.status_code} | {again} | {kind.default_detail} |")
    return "\n".join(rows)


def _kinds(kind: type[HubError]) -> Iterator[type[HubError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)


DOCUMENTS: Final[dict[str, Callable[[], str]]] = {
    "docs/settings.md": _call("hub.kernel.settings", "table"),
    "docs/metrics.md": _call("hub.kernel.metrics", "table"),
    "docs/errors.md": _errors,
    "docs/flows.md": _life_of_a_session,
    "docs/callbacks.md": _life_of_a_callback,
    "docs/calls.md": _life_of_a_call,
    "docs/openapi.json": _openapi,
    "docs/asyncapi.json": _asyncapi,
}


def wanted(path: Path, produce: Callable[[], str]) -> str:
    """Give the text that the file should have now."""
    if path.suffix == ".json":
        return produce()
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
