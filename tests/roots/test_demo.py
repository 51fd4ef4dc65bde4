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
