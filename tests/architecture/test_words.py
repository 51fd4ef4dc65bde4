"""Names and files keep the habits of CONTRIBUTING.md."""

import ast
import re

from tests.architecture.tree import ROOT, files, modules

EMPTY_NAMES = {"base", "common", "helpers", "manager", "misc", "shared", "util", "utils"}
EMPTY_SUFFIX = re.compile(r"(Manager|Helper|Helpers|Utils?)$")
PINNED = re.compile(r"(^requirements/|lock|^\.npmrc$|^pip\.conf$)")
# A registry's host in any spelling, without naming one.
REGISTRY = re.compile(r"\w://[\w.-]*\b(pypi|pythonhosted|npmjs|crates|maven|debian)\b", re.IGNORECASE)
OUTSIDE = re.compile(r"\.\./" + r"shared\b")


def test_names_say_what_a_thing_is() -> None:
    vague = [m.path for m in modules() if m.name.rpartition(".")[2] in EMPTY_NAMES]
    vague += [
        f"{m.path}: {node.name}"
        for m in modules()
        for node in m.nodes
        if isinstance(node, ast.ClassDef) and EMPTY_SUFFIX.search(node.name)
    ]
    assert vague == []


def test_tests_do_not_sleep() -> None:
    sleepers = [
        f"{m.path}:{node.lineno}"
        for m in modules("tests")
        if not m.name.startswith("tests.support.")  # clients and child processes keep their own pace
        if "sleep" in m.text
        for node in m.nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "sleep"
        and ast.unparse(node.func) in {"time.sleep", "asyncio.sleep", "anyio.sleep"}
        and [ast.unparse(argument) for argument in node.args] != ["0"]
    ]
    assert sleepers == []


def test_files_name_no_registry_and_nothing_outside_the_project() -> None:
    found = []
    for path in files():
        relative = path.relative_to(ROOT)
        text = path.read_text(encoding="utf-8", errors="replace")
        pinned = PINNED.search(str(relative)) or PINNED.search(relative.name)
        if (pinned and "://" in text) or REGISTRY.search(text) or OUTSIDE.search(text) or f"{ROOT}/" in text:
            found.append(str(relative))
    assert found == []
