"""Coming in, staying connected, and being told honestly how it stands."""

import asyncio
import json

import httpx2
import pytest
from playwright.async_api import expect

from hub import doctor
from hub.kernel.settings import load
from hub.store import timers
from hub.store.transaction import Tx
from tests.browser.conftest import Open, enter, password
from tests.support.hub_process import HubProcess
from tests.support.lossy_proxy import LossyProxy

CALLS = "/v2/me/calls"


async def happen(hub: HubProcess, number: int) -> None:
    """Something that concerns Alice."""
    body = json.dumps({"n": number})
    done = await asyncio.to_thread(hub.command, "send", CALLS, "--user", "alice", "--organization", "demo", body)
    assert done.returncode == 0, done.stderr


async def test_somebody_logs_in_with_a_password_and_out_again(demo: HubProcess, open_window: Open) -> None:
    window = await open_window()
    page = window.page
    await page.goto(f"{demo.url}/")
    await page.get_by_label("User name").fill("bob")
    await page.get_by_label("Password").fill("wrong")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("User name or password is not right")
    await page.get_by_label("Password").fill(await asyncio.to_thread(password, demo, "bob"))
    await page.get_by_role("button", name="Sign in").press("Enter")
    await expect(page.locator("[data-state]")).to_have_text("live")
    await page.reload()
    await expect(page.locator("[data-state]")).to_have_text("live")
    assert "HUB_SESSION" in {cookie["name"] for cookie in await page.context.cookies()}
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_label("User name").wait_for()
    await page.reload()
    await page.get_by_label("User name").wait_for()


async def test_a_window_of_ones_own_beside_another(demo: HubProcess, open_window: Open) -> None:
    alice = await open_window()
    await enter(alice, demo.url, demo, "alice")
    page = await alice.page.context.new_page()
    await page.goto(f"{demo.url}/console")
    await page.get_by_role("button", name="sue").click()
    await expect(page.locator("[data-state]")).to_have_text("live")
    await expect(page.get_by_role("banner")).to_contain_text("Sue")
    await expect(alice.page.get_by_role("banner")).to_contain_text("Alice")


async def test_without_the_key_nobody_is_offered(demo: HubProcess, open_window: Open) -> None:
    window = await open_window()
    await window.page.goto(f"{demo.url}/console#demo=made0up")
    await window.page.get_by_label("User name").wait_for()
    await expect(window.page.get_by_role("button", name="alice")).to_have_count(0)


async def test_what_happens_while_the_network_is_away_is_shown_afterwards(
    demo: HubProcess, open_window: Open, network: LossyProxy
) -> None:
    window = await open_window()
    await enter(window, network.url, demo, "alice")
    events = window.page.locator("section", has_text="Events as they come").locator("pre")
    before = await events.count()
    await happen(demo, 1)
    await expect(events).to_have_count(before + 1)
    network.deafen()
    await happen(demo, 2)
    await network.until_swallowed(b'"n": 2')
    network.cut()
    await expect(window.page.locator("[data-past]")).to_contain_text("1 events recovered")
    await happen(demo, 3)
    await expect(events).to_have_count(before + 3)
    await expect(window.page.locator("[data-state]")).to_have_text("live")
    shown = await events.all_text_contents()
    assert [json.loads(text)["n"] for text in shown[:3]] == [3, 2, 1]


async def test_a_hub_that_was_killed_is_waited_for(demo: HubProcess, open_window: Open) -> None:
    window = await open_window()
    await enter(window, demo.url, demo, "alice")
    events = window.page.locator("section", has_text="Events as they come").locator("pre")
    before = await events.count()
    await asyncio.to_thread(demo.kill9)
    await expect(window.page.locator("[data-state]")).to_have_text("reconnecting")
    await asyncio.to_thread(demo.start)
    await happen(demo, 4)
    await expect(window.page.locator("[data-state]")).to_have_text("live")
    await expect(events).to_have_count(before + 1)


async def test_a_log_that_is_another_one_is_read_again(demo: HubProcess, open_window: Open) -> None:
    window = await open_window()
    await enter(window, demo.url, demo, "alice")
    await asyncio.to_thread(demo.terminate)
    renewed = await asyncio.to_thread(demo.command, "doctor", "--new-epoch")
    assert renewed.returncode == 0, renewed.stderr
    await asyncio.to_thread(demo.start)
    await expect(window.page.locator("[data-past]")).to_contain_text("everything was read again")
    await expect(window.page.locator("[data-state]")).to_have_text("live")


async def test_whoever_is_sent_away_is_told(demo: HubProcess, open_window: Open) -> None:
    window = await open_window()
    await enter(window, demo.url, demo, "bob")
    kicked = await asyncio.to_thread(demo.command, "kick", "--user", "bob", "--organization", "demo")
    assert kicked.returncode == 0, kicked.stderr
    await expect(window.page.locator("[data-state]")).to_have_text("ended")
    await window.page.get_by_role("button", name="Sign in again").click()
    await expect(window.page.locator("[data-state]")).to_have_text("live")


async def test_whoever_was_given_a_password_chooses_one_first(demo: HubProcess, open_window: Open) -> None:
    added = await asyncio.to_thread(
        demo.command, "user", "add", "eva", "--organization", "demo", "--role", "ROLE_AGENT"
    )
    given = added.stdout.split()[-1]
    page = (await open_window()).page
    await page.goto(f"{demo.url}/console")
    await page.get_by_label("User name").fill("eva")
    await page.get_by_label("Password").fill(given)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("Password so far").fill(given)
    await page.get_by_label("New password").fill("weak")
    await page.get_by_role("button", name="Change it").click()
    await expect(page.get_by_role("alert")).to_contain_text("Not changed")
    await page.get_by_label("New password").fill("a better Passw0rd, and long")
    await page.get_by_role("button", name="Change it").click()
    await expect(page.locator("[data-state]")).to_have_text("live")


async def test_german_is_spoken_to_germans_and_to_whoever_chooses_it(demo: HubProcess, open_window: Open) -> None:
    german, chosen = await open_window(locale="de-DE"), await open_window()
    await german.page.goto(f"{demo.url}/console")
    await german.page.get_by_label("Benutzername").wait_for()
    assert await german.page.get_attribute("html", "lang") == "de"
    await chosen.page.goto(f"{demo.url}/console")
    await chosen.page.get_by_label("Language").select_option("de")
    await chosen.page.get_by_label("Benutzername").wait_for()


def dead_letter(hub: HubProcess) -> None:
    def bury(tx: Tx, now: float) -> None:
        timers.plan(tx, "deliver.mail", "m1", 1, b"{}")
        for timer in timers.due(tx, now, ["deliver.mail"], 1):
            timers.bury(tx, timer, "refused: no such mailbox", now)

    doctor.write(load(hub.environment), bury)


async def test_an_administrator_sees_the_hub_at_work_and_forgets_a_dead_letter(
    demo: HubProcess, open_window: Open
) -> None:
    await asyncio.to_thread(dead_letter, demo)
    window = await open_window()
    await enter(window, demo.url, demo, "adam")
    page = window.page
    await expect(page.get_by_role("region", name="Sessions")).to_contain_text("adam")
    await expect(page.get_by_role("region", name="Processes")).to_contain_text("alive")
    letters = page.get_by_role("region", name="Dead letters and timers given up")
    await expect(letters).to_contain_text("refused: no such mailbox")
    assert await window.violations() == []
    await letters.get_by_role("button", name="Forget").click()
    await expect(letters).to_contain_text("None.")


async def test_the_documentation_is_readable_and_complete(demo: HubProcess, open_window: Open) -> None:
    window = await open_window()
    page = window.page
    await page.goto(f"{demo.url}/docs")
    await page.locator("#publishEvents summary").click()
    await expect(page.locator("#publishEvents pre").first).to_contain_text("curl -X POST")
    async with httpx2.AsyncClient(base_url=demo.url, trust_env=False) as http:
        described = (await http.get("/openapi.json")).json()
    operations = [each for methods in described["paths"].values() for each in methods.values()]
    assert await page.locator("details[id] .method").count() == len(operations)
    assert await page.locator("[id^=error-]").count() == len(described["x-errors"])
    await page.goto(f"{demo.url}/docs#CallStateChangeMessage")
    await expect(page.locator("#CallStateChangeMessage pre")).to_be_visible()
    await page.get_by_label("Find").fill("password")
    await expect(page.locator("#publishEvents")).to_be_hidden()
    await expect(page.locator("#giveToken")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/console", "/docs"])
async def test_pages_for_everybody_are_accessible(demo: HubProcess, open_window: Open, path: str, scheme: str) -> None:
    window = await open_window(color_scheme=scheme, viewport={"width": 390, "height": 844})
    await window.page.goto(demo.url + path)
    await window.page.locator("h2").first.wait_for()
    assert await window.violations() == []
    assert await window.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
