"""Alert rules and dashboard speak of metrics, labels and values that exist."""

import json
import re
from collections.abc import Iterator

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from hub.kernel import metrics
from tests.architecture.tree import ROOT

DEPLOY = ROOT / "docs" / "deploy"
SELECTOR = re.compile(r"\b(hub_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(?:=|!=|=~|!~)\s*"([^"]*)"')


def rules() -> list[dict[str, object]]:
    (group,) = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]
    found: list[dict[str, object]] = group["rules"]
    return found


def expressions() -> Iterator[str]:
    for rule in rules():
        yield str(rule["expr"])
    for panel in json.loads((DEPLOY / "grafana.json").read_text())["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


def declared() -> dict[str, set[str]]:
    """The labels of every metric, by the name of its samples."""
    found: dict[str, set[str]] = {}
    for name, kind, labels in re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \|", metrics.table(), re.MULTILINE):
        own = set(re.findall(r"`(\w+)`", labels))
        found[name] = own
        if kind == "histogram":
            found[f"{name}_bucket"] = own | {"le"}
    return found


def values() -> dict[tuple[str, str], set[str]]:
    """The values that a label has from the start, by the name of the sample and of the label."""
    found: dict[tuple[str, str], set[str]] = {}
    for family in text_string_to_metric_families(metrics.render().decode()):
        for sample in family.samples:
            for label, value in sample.labels.items():
                found.setdefault((sample.name, label), set()).add(value)
    return found


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_what_is_asked_for_exists(expression: str) -> None:
    labels, known = declared(), values()
    for name, matchers in SELECTOR.findall(expression):
        assert name in labels, f"no metric {name}"
        for label, wanted in MATCHER.findall(matchers):
            assert label in labels[name], f"{name} has no label {label}"
            assert set(wanted.split("|")) <= known[name, label], f"{name} is never {label}={wanted}"


def test_rules_are_whole() -> None:
    for rule in rules():
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"] in ({"severity": "page"}, {"severity": "warn"})
        assert rule["annotations"]


def test_the_dashboard_has_no_address_of_ours() -> None:
    board = json.loads((DEPLOY / "grafana.json").read_text())
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {"${datasource}"}
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
