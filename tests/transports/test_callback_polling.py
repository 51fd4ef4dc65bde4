"""callback-polling over real HTTP: off unless wanted, and then nothing but a call of a function that was named."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.transports.served import CALLS, PATH, Served, serving, until

HANDSHAKE = {
    "channel": "/meta/handshake",
    "version": "1.0",
    "id": "1",
    "supportedConnectionTypes": ["callback-polling"],
}


async def get(hub: Served, *messages: dict[str, Any], jsonp: str | None = "f", token: str | None = None) -> Any:
    parameters = {"message": json.dumps(messages)}
    if jsonp is not None:
        parameters["jsonp"] = jsonp
    if token is not None:
        parameters["access_token"] = token
    return await hub.http.get(PATH, params=parameters)


def unwrapped(script: str, callback: str = "f") -> Any:
    assert script.startswith(f"/**/{callback}([")
    assert script.endswith("]);")
    return json.loads(script.removeprefix(f"/**/{callback}(").removesuffix(");"))


async def test_it_is_off_by_default(hub: Served) -> None:
    answer = await get(hub, HANDSHAKE, token=hub.token())
    assert answer.status_code == 405
    [reply] = (await hub.post([HANDSHAKE], token=hub.token())).json()
    assert (reply["error"], reply["advice"]["reconnect"]) == ("405::no_transport", "none")


async def test_a_session_by_scripts(tmp_path: Path) -> None:
    async with serving(tmp_path, callback_polling=True) as hub:
        token = hub.token()
        answer = await get(hub, HANDSHAKE, token=token)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/javascript;charset=UTF-8"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        [shaken] = unwrapped(answer.text)
        assert "callback-polling" in shaken["supportedConnectionTypes"]
        client_id = shaken["clientId"]

        def message(channel: str, **fields: Any) -> dict[str, Any]:
            return {"channel": channel, "clientId": client_id, "id": "2", **fields}

        await get(hub, message("/meta/connect", connectionType="callback-polling"))
        await get(
            hub, message("/meta/subscribe", subscription=CALLS), message("/meta/subscribe", subscription="/chat/**")
        )
        held = asyncio.create_task(get(hub, message("/meta/connect", connectionType="callback-polling"), jsonp=None))
        await until(lambda: hub.held(client_id))
        await get(hub, message("/chat/x", data={"n": "\u2028</script>\u2029"}))
        script = (await held).text
        assert "\u2028" not in script
        assert "\u2029" not in script
        event, reply = unwrapped(script, "jsonpcallback")
        assert event["data"] == {"n": "\u2028</script>\u2029"}
        assert (reply["channel"], reply["successful"]) == ("/meta/connect", True)


@pytest.mark.parametrize(
    "callback", ["alert(1)//", "f;g", "f\u2028", "ä", "", "x" * 65, "a[b]", "f\n", "<script>", "f%0d%0aX:y"], ids=repr
)
async def test_a_callback_is_a_name(tmp_path: Path, callback: str) -> None:
    async with serving(tmp_path, callback_polling=True) as hub:
        answer = await get(hub, HANDSHAKE, jsonp=callback, token=hub.token())
        assert answer.status_code == 400
        assert answer.json() == {"error": "bad_input"}
        assert hub.hub.node.sessions() == []


async def test_two_callbacks_are_none(tmp_path: Path) -> None:
    async with serving(tmp_path, callback_polling=True) as hub:
        answer = await hub.http.get(f"{PATH}?jsonp=f&jsonp=g&message=[]")
        assert answer.status_code == 400
