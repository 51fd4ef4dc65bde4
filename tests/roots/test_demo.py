"""`hub serve --demo`: who is there, and that their passwords are shown once."""

import re
from pathlib import Path

import httpx2

from tests.support.hub_process import HubProcess

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ROLES = {"alice": "ROLE_AGENT", "bob": "ROLE_AGENT", "sue": "ROLE_SUPERVISOR", "adam": "ROLE_ADMIN"}


def shown(hub: HubProcess) -> dict[str, str]:
    """Names and passwords on standard output."""
    return dict(re.findall(r"^  (alice|bob|sue|adam|crm) +(\w+)$", hub.output.read_text(), re.MULTILINE))


def test_everybody_of_the_demo_can_log_in_and_is_told_how_once(tmp_path: Path) -> None:
    with HubProcess(tmp_path, demo=True) as hub:
        passwords = shown(hub)
        assert passwords.keys() == ROLES.keys() | {"crm"}
        assert len(set(passwords.values())) == 5
        with httpx2.Client(base_url=hub.url, trust_env=False) as http:
            for name, role in ROLES.items():
                reply = http.get("/api/v2/me?subresources=*", auth=(name, passwords[name]))
                assert reply.status_code == 200, reply.text
                user = reply.json()["user"]
                assert (user["roles"], user["contactCenterId"]) == ([role], "demo")
                assert user["queues"] == (["sales"] if role == "ROLE_AGENT" else [])
            body = f"grant_type=client_credentials&client_id=crm&client_secret={passwords['crm']}"
            token = http.post("/security/oauth/token", content=body, headers=FORM).json()["access_token"]
            event = {"channel": "/demo/chat", "data": {"text": "hello"}}
            headers = {"Authorization": f"Bearer {token}"}
            assert http.post("/api/v2/events", json=event, headers=headers).status_code == 200
        hub.terminate()
        hub.output.unlink()
        hub.start()
        assert shown(hub) == {}
        assert "hub user password NAME" in hub.output.read_text()
        with httpx2.Client(base_url=hub.url, trust_env=False) as http:
            assert http.get("/api/v2/me", auth=("alice", passwords["alice"])).status_code == 200


def visit(http: httpx2.Client, **asked: str) -> httpx2.Response:
    return http.post("/console/demo", json=asked)


def test_whoever_has_the_printed_key_may_be_anybody_of_the_demo(tmp_path: Path) -> None:
    with HubProcess(tmp_path, demo=True) as hub, httpx2.Client(base_url=hub.url, trust_env=False) as http:
        (key,) = re.findall(r"/console#demo=(\w+)$", hub.output.read_text(), re.MULTILINE)
        people = [{"id": name, "role": role} for name, role in ROLES.items()]
        assert visit(http, key=key).json() == {"people": people}
        for name, role in ROLES.items():
            reply = visit(http, key=key, user=name)
            assert (reply.status_code, reply.headers["Cache-Control"]) == (200, "no-store")
            headers = {"Authorization": f"Bearer {reply.json()['access_token']}"}
            user = http.get("/api/v2/me", headers=headers).json()["user"]
            assert (user["id"], user["roles"]) == (name, [role])
        for asked in ({"key": key[:-1], "user": "alice"}, {"key": "", "user": "alice"}, {"key": key, "user": "eve"}):
            assert visit(http, **asked).status_code == 404
        assert "/console/demo" not in http.get("/openapi.json").json()["paths"]


def test_without_a_demo_there_is_no_such_way(tmp_path: Path) -> None:
    with HubProcess(tmp_path) as hub, httpx2.Client(base_url=hub.url, trust_env=False) as http:
        assert "demo=" not in hub.output.read_text()
        assert visit(http, key="", user="alice").status_code == 404
