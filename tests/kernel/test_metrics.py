import re
from http.client import HTTPConnection

import pytest

from hub.kernel import metrics


def test_every_metric_of_the_registry_is_in_the_table() -> None:
    exposed = {line.split()[2] for line in metrics.render().decode().splitlines() if line.startswith("# TYPE hub_")}
    listed = set(re.findall(r"^\| `(hub_\w+)` \|", metrics.table(), re.MULTILINE))
    assert exposed == listed
    assert len(listed) > 20


def test_known_labels_are_exposed_before_anything_happened() -> None:
    text = metrics.render().decode()
    assert 'hub_undelivered_total{reason="queue_overflow"}' in text
    assert 'hub_sessions{transport="websocket"}' in text


def test_each_row_says_type_labels_and_meaning() -> None:
    assert "| `hub_http_requests_total` | counter | `route`, `method`, `status` |" in metrics.table()
    assert all(len(row.split("|")[4].strip()) > 5 for row in metrics.table().splitlines()[2:])


def test_the_text_format_is_announced() -> None:
    assert metrics.CONTENT_TYPE.startswith("text/plain")
    assert b"process_resident_memory_bytes" in metrics.render()


def test_a_count_shows() -> None:
    before = metrics.REGISTRY.get_sample_value("hub_healed_events_total") or 0.0
    metrics.HEALED_EVENTS.inc(3)
    assert metrics.REGISTRY.get_sample_value("hub_healed_events_total") == before + 3


def test_a_process_that_serves_nothing_else_can_serve_its_metrics() -> None:
    with metrics.served("127.0.0.1", 0) as port:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/metrics")
        body = connection.getresponse().read()
        connection.close()
        with pytest.raises(OSError, match="in use"), metrics.served("127.0.0.1", port):
            pass
    assert b"hub_timers_due" in body
