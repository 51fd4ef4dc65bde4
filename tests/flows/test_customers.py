"""A customer without an account: a code on their phone, a ticket into a conference, over a hub that is killed."""

import re

import httpx2

from tests.support.hub_process import HubProcess
from tests.support.tokens import mint
from tests.support.waiting import eventually_blocking

MARIA = "+306931234567"
PRINTED = re.compile(rf"SMS to \{MARIA}, not sent: HUB_SMS_URL is not set\n +(\d{{6}}) is your code")


def post(hub: HubProcess, path: str, body: object, *, as_crm: bool = False) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {mint('crm', 'ROLE_CLIENT_SERVICE')}"} if as_crm else {}
    with httpx2.Client(base_url=hub.url, trust_env=False) as client:
        return client.post(path, json=body, headers=headers)


def get(hub: HubProcess, path: str, token: str | None = None) -> httpx2.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=hub.url, trust_env=False) as client:
        return client.get(path, headers=headers)


def test_a_code_arrives_and_survives_the_hub(hub: HubProcess) -> None:
    asked = post(hub, "/security/otp", {"to": MARIA}, as_crm=True).json()
    eventually_blocking(lambda: PRINTED.search(hub.tail()))
    code = PRINTED.findall(hub.tail())[0]
    given = {"verificationId": asked["id"], "code": code, "to": MARIA}
    hub.kill9()
    hub.start()
    # The pause between two codes is not forgotten either.
    assert post(hub, "/security/otp", {"to": MARIA}, as_crm=True).status_code == 429
    assert post(hub, "/security/otp/verify", given).status_code == 200
    hub.kill9()
    hub.start()
    assert post(hub, "/security/otp/verify", given).status_code == 401
    # The message is the only place where the code stands.
    assert hub.tail(100_000).count(code) == 1
    assert asked["id"] not in hub.tail(100_000)


def test_a_ticket_lets_in_once_and_no_longer_once_it_is_taken_back(hub: HubProcess) -> None:
    ticket = post(hub, "/security/ticket", {"properties": {"conference_id": "room-7"}}, as_crm=True).json()
    assert ticket["url"] == f"{hub.url}/t/{ticket['id']}"
    hub.kill9()
    hub.start()
    page = get(hub, f"/t/{ticket['id']}")
    assert (page.status_code, "Your invitation" in page.text) == (200, True)
    token = post(hub, "/security/ticket/exchange", {"id": ticket["id"]}).json()["accessToken"]
    assert get(hub, "/api/v2/me", token).status_code == 200
    hub.kill9()
    hub.start()
    assert post(hub, "/security/ticket/exchange", {"id": ticket["id"]}).status_code == 410
    assert get(hub, f"/t/{ticket['id']}").status_code == 410
    assert post(hub, "/security/ticket/revoke", {"id": ticket["id"]}, as_crm=True).status_code == 200
    assert get(hub, "/api/v2/me", token).status_code == 401
    assert ticket["id"] not in hub.tail(100_000)
    assert token not in hub.tail(100_000)
