"""The console has a word for everything, in both of its languages."""

import json
import re

import pytest

from tests.architecture.tree import ROOT

CONSOLE = ROOT / "web" / "console"
ENTRY = re.compile(r'^    (".+?"): (".*"),$', re.MULTILINE)
ASKED = re.compile(r"\bt\(\"([\w.]+)\"")
STEM = re.compile(r"\bt\(`([\w.]+)\.\$\{")


def texts(language: str) -> dict[str, str]:
    found = ENTRY.findall((CONSOLE / f"texts.{language}.js").read_text(encoding="utf-8"))
    return {json.loads(key): json.loads(text) for key, text in found}


ENGLISH = texts("en")
SOURCES = {path.name: path.read_text(encoding="utf-8") for path in CONSOLE.glob("*.js")}


@pytest.mark.parametrize("language", ["de"])
def test_a_language_says_the_same_with_the_same_values(language: str) -> None:
    other = texts(language)
    assert other.keys() == ENGLISH.keys()
    for key, text in ENGLISH.items():
        assert set(re.findall(r"{\w+}", other[key])) == set(re.findall(r"{\w+}", text)), key


def test_what_is_asked_for_is_there() -> None:
    for name, source in SOURCES.items():
        assert set(ASKED.findall(source)) - ENGLISH.keys() == set(), name
        stems = {key.rpartition(".")[0] for key in ENGLISH}
        assert set(STEM.findall(source)) - stems == set(), name


def test_operations_of_calls_and_devices_have_names() -> None:
    from api.telephony.calls.capabilities import PLAIN

    operations = {name for names in PLAIN.values() for name in names}
    assert {f"call.{name}" for name in operations} <= ENGLISH.keys()
