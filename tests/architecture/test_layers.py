"""The import contracts of pyproject.toml hold, and nothing stands outside them."""

import re
import sys
from typing import Any

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.architecture.tree import PACKAGES, ROOT, modules, pyproject, within

# A library that could leak everywhere has one home; the rest of the code meets our own words for it.
HOMES: dict[str, tuple[str, ...]] = {
    "aiosmtplib": ("scheduler.senders",),
    "alembic": ("hub.store",),
    "argon2": ("hub.auth",),
    "apscheduler": ("scheduler.clockwork",),
    "click": ("hub.cli", "hub.people", "hub.timers", "hub.__main__"),
    "cryptography": ("hub.auth",),
    "hiredis": ("hub.brokers",),
    "jwt": ("hub.auth",),
    "prometheus_client": ("hub.kernel.metrics",),
    "psycopg": ("hub.store",),
    "python_multipart": ("api.http.multipart",),
    "redis": ("tests",),  # a witness; the hub speaks to Redis itself
    "sqlalchemy": ("hub.store", "api.tables", "api.*.records", "api.*.*.records"),
    "starlette": (
        *("hub.app", "hub.console", "hub.transports"),
        *("api.routes", "api.http", "api.ops", "api.*.routes", "api.*.*.routes"),
    ),
    "structlog": ("hub.kernel.logs",),
    "uvicorn": ("hub.server", "hub.transports"),
}


def linter() -> dict[str, Any]:
    return pyproject()["importlinter"]


def test_contracts_hold(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    status = lint_imports(no_cache=True)
    if status != EXIT_STATUS_SUCCESS:
        pytest.fail(capsys.readouterr().out, pytrace=False)


def test_every_package_is_under_contract() -> None:
    present = {name for name in PACKAGES if (ROOT / name / "__init__.py").exists()}
    assert present == set(linter()["root_packages"])


def test_every_part_of_the_hub_has_a_layer() -> None:
    layers = next(c["layers"] for c in linter()["contracts"] if c["id"] == "down")
    placed = set(re.findall(r"[\w.]+", " ".join(layers)))
    parts = {".".join(m.name.split(".")[:2]) for m in modules("hub") if "." in m.name}
    assert parts - placed == set()


def test_every_domain_with_use_cases_has_its_inner_layers() -> None:
    inner = (contract for contract in linter()["contracts"] if contract["id"].split("-")[0] == "inside")
    containers = {container for contract in inner for container in contract["containers"]}
    inside = re.compile(r"api(\.\w+){1,2}\.(actions|rules)")
    domains = {m.name.rpartition(".")[0] for m in modules("api") if inside.fullmatch(m.name)}
    assert domains == containers


def test_a_library_stays_at_home() -> None:
    strays = [
        f"{module.path}:{line} imports {name}"
        for module in modules()
        for line, name in module.imports()
        if (homes := HOMES.get(name.partition(".")[0])) and not within(module.name, homes)
    ]
    assert strays == []


@pytest.mark.parametrize("package", ["channels", "hub.bayeux"])
def test_the_pure_packages_need_only_msgspec(package: str) -> None:
    known = set(sys.stdlib_module_names) | {"msgspec", "typing_extensions", *PACKAGES}
    foreign = [
        f"{module.path}:{line} imports {name}"
        for module in modules()
        if within(module.name, (package,))
        for line, name in module.imports()
        if name.partition(".")[0] not in known
    ]
    assert foreign == []


def test_records_belong_to_their_domain() -> None:
    strays = [
        f"{module.path}:{line} imports {name}"
        for module in modules("api", "scheduler", "hub")
        for line, name in module.imports()
        if (owner := re.match(r"(api(?:\.\w+){1,2}?)\.records\b", name))
        and not within(module.name, (owner[1], "api.tables"))
    ]
    assert strays == []
