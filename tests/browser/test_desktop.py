"""A day at work, in several windows: what one does, the others see."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from playwright.async_api import Page, expect

from tests.browser.conftest import Open, Window, enter, picture
from tests.support.hub_process import HubProcess


def part(page: Page, name: str) -> Any:
    return page.get_by_role("region", name=name, exact=True)


async def press(page: Page, name: str, within: str) -> None:
    await part(page, within).get_by_role("button", name=name, exact=True).click()


async def token(hub: HubProcess, user: str, role: str) -> str:
    done = await asyncio.to_thread(hub.command, "token", "--user", user, "--role", role, "--organization", "demo")
    return done.stdout.strip()


def about_noon() -> str:
    """A zone in which no day ends while a test runs."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}"


async def at_work(window: Window, hub: HubProcess, name: str) -> Page:
    """Somebody who is ready for calls."""
    await enter(window, hub.url, hub, name)
    page = window.page
    await press(page, "Start work", "My state")
    await press(page, "Ready", "My state")
    await expect(page.locator("[data-agent-state]")).to_have_text("Ready")
    return page


async def leave(*pages: Page) -> None:
    for page in pages:
        await press(page, "End work", "My state")
        await expect(page.locator("[data-agent-state]")).to_have_text("Logged out")


async def test_two_agents_talk_and_the_supervisor_sees_their_states(demo: HubProcess, open_window: Open) -> None:
    sue = await open_window()
    await enter(sue, demo.url, demo, "sue")
    window = await open_window()
    alice, bob = await at_work(window, demo, "alice"), await at_work(await open_window(), demo, "bob")
    team = part(sue.page, "Agents")
    await expect(team.locator("[data-user=alice]")).to_have_text("Ready")
    assert await sue.violations() == []
    await alice.get_by_label("Number", exact=True).first.fill("1002")
    await press(alice, "Dial", "Calls")
    await press(bob, "Answer", "Calls")
    calls = part(alice, "Calls")
    await expect(calls).to_contain_text("established")
    assert await window.violations() == []
    await press(alice, "Hold", "Calls")
    await expect(calls).to_contain_text("held")
    await press(alice, "Retrieve", "Calls")
    await calls.get_by_text("More operations").click()
    await calls.get_by_label("Key").fill("topic")
    await calls.get_by_label("Value").fill("invoice")
    await press(alice, "Attach", "Calls")
    await expect(calls).to_contain_text("invoice")
    await press(alice, "Hang up", "Calls")
    await expect(calls).to_contain_text("No calls.")
    await press(bob, "Lunch", "My state")
    await expect(team.locator("[data-user=bob]")).to_have_text("Out to Lunch")
    await press(bob, "Do not disturb", "My state")
    await expect(part(bob, "My state")).to_contain_text("May be disturbed")
    await press(bob, "May be disturbed", "My state")
    await leave(alice, bob)


async def test_the_supervisor_asks_for_a_callback_moves_it_and_takes_it_back(
    demo: HubProcess, open_window: Open
) -> None:
    sue, other = await open_window(), await open_window()
    await enter(sue, demo.url, demo, "sue")
    await enter(other, demo.url, demo, "sue")
    line, theirs = part(sue.page, "Callbacks"), part(other.page, "Callbacks")
    noon = (datetime.now(UTC) + timedelta(days=1)).replace(hour=11, minute=0, second=0, microsecond=0)
    asking = line.get_by_role("form")
    await asking.get_by_label("Number").fill("5117")
    await asking.get_by_label("At (now, if empty)").fill(f"{noon + timedelta(hours=1):%Y-%m-%dT%H:%M}")
    await asking.get_by_role("button").click()
    entry = theirs.locator("[data-callback=SCHEDULED]", has_text="5117")
    await expect(entry).to_contain_text("12:00")
    await line.get_by_label("New time for 5117").fill(f"{noon + timedelta(hours=2):%Y-%m-%dT%H:%M}")
    await line.locator("[data-callback]", has_text="5117").get_by_role("button", name="Move").click()
    await expect(entry).to_contain_text("13:00")
    places = part(sue.page, "Places left")
    await places.get_by_label("Day").fill(f"{noon:%Y-%m-%d}")
    await places.get_by_role("button", name="Show").click()
    await expect(places.locator("li", has_text="13:00")).to_contain_text("4 left")
    assert await sue.violations() == []
    await line.get_by_role("button", name="Cancel the callback of 5117").click()
    await expect(entry).to_have_count(0)
    await theirs.get_by_label("Show").select_option("COMPLETED")
    await expect(theirs.locator("[data-callback=COMPLETED]", has_text="5117")).to_contain_text("CANCELLED")


async def test_an_appointment_appears_where_it_belongs_and_its_customer_is_announced(
    demo: HubProcess, open_window: Open
) -> None:
    noon = about_noon()
    alice, bob, sue = [await open_window(timezone_id=noon) for _ in range(3)]
    for window, name in ((alice, "alice"), (bob, "bob"), (sue, "sue")):
        await enter(window, demo.url, demo, name)
    headers = {"Authorization": f"Bearer {await token(demo, 'alice', 'ROLE_AGENT')}"}
    start = (datetime.now(UTC) + timedelta(minutes=1)).replace(second=0, microsecond=0)
    async with httpx2.AsyncClient(base_url=demo.url, trust_env=False, headers=headers) as http:
        booked = await http.post(
            "/api/appointments/",
            json={
                "applicationId": "demo-app",
                "customer": {"name": {"firstName": "Maria"}, "contact": {"primaryEmail": "maria@example.com"}},
                "duration": "PT30M",
                "start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
                "timezone": "America/New_York",
                "title": "Installation review",
            },
        )
        assert booked.status_code == 200, booked.text
        appointment = booked.json()
        mine = part(alice.page, "My appointments today").locator("li", has_text="Installation review")
        await expect(mine).to_contain_text("America/New_York")
        await expect(mine.get_by_role("link", name="Join")).to_have_attribute("href", appointment["roomAccess"]["url"])
        customer = next(each["id"] for each in appointment["participantIds"] if each["type"] == "CUSTOMER")
        state = await http.put(
            f"/api/appointments/{appointment['id']}/participants/{customer}", json={"state": "WAITING"}
        )
        assert state.status_code == 200, state.text
    await expect(mine).to_contain_text("customer is waiting")
    theirs = part(sue.page, "Appointments today").locator("li", has_text="Installation review")
    await expect(theirs).to_contain_text("customer is waiting")
    steps: list[str] = []
    sue.page.on("request", lambda asked: steps.append(f"ask {asked.url.split('?')[0]}"))
    sue.page.on("response", lambda reply: steps.append(f"get {reply.url.split('?')[0]}"))
    await sue.page.reload()
    agents = theirs.get_by_label("Agent for Installation review")
    for name in ("alice", "bob"):
        await expect(agents.get_by_role("option", name=name, exact=True)).to_have_count(1)
    known, listed = steps.index(f"get {demo.url}/api/v2/users"), steps.index(f"ask {demo.url}/api/appointments/")
    assert known < listed, "appointments were listed before it was known who could take them over"
    await agents.select_option("bob")
    await theirs.get_by_role("button", name="Reassign").click()
    his = part(bob.page, "My appointments today").locator("li", has_text="Installation review")
    await expect(his).to_contain_text("customer is waiting")
    await theirs.get_by_role("button", name="Cancel").click()
    await expect(his).to_have_count(0)


async def test_everything_is_there_on_a_phone(demo: HubProcess, open_window: Open) -> None:
    for name in ("alice", "sue", "adam"):
        window = await open_window(viewport={"width": 390, "height": 844}, color_scheme="dark")
        await enter(window, demo.url, demo, name)
        assert await window.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert await window.violations() == [], name


async def test_a_callback_rings_an_agent_while_the_supervisor_watches(demo: HubProcess, open_window: Open) -> None:
    sue, window = await open_window(), await open_window()
    await enter(sue, demo.url, demo, "sue")
    alice = await at_work(window, demo, "alice")
    line = part(sue.page, "Callbacks")
    asking = line.get_by_role("form")
    await asking.get_by_label("Number").fill("5115")
    await asking.get_by_label("Name").fill("Maria")
    await asking.get_by_role("button").click()
    calls = part(alice, "Calls")
    await expect(calls).to_contain_text("Maria")
    await expect(part(alice, "Callbacks for me")).to_contain_text("talking")
    entry = line.locator("[data-callback]", has_text="5115")
    await expect(entry).to_contain_text("talking")
    await expect(entry).to_contain_text("alice")
    await picture(window, "agent")
    await picture(sue, "supervisor")
    await press(alice, "Hang up", "Calls")
    await expect(part(alice, "Callbacks for me")).to_contain_text("None.")
    await expect(entry).to_have_count(0)
    await line.get_by_label("Show").select_option("COMPLETED")
    await expect(line.locator("[data-callback=COMPLETED]", has_text="5115")).to_contain_text("AGENT_CONNECTED")
    await expect(alice.locator("[data-agent-state]")).to_have_text("After-call work")
    await leave(alice)


async def test_an_agent_looks_at_a_callback_and_leaves_it_to_another(demo: HubProcess, open_window: Open) -> None:
    sue = await open_window()
    await enter(sue, demo.url, demo, "sue")
    alice = await at_work(await open_window(), demo, "alice")
    asking = part(sue.page, "Callbacks").get_by_role("form")
    await asking.get_by_label("Service").select_option("PreviewCallback")
    await asking.get_by_label("Number").fill("5118")
    await asking.get_by_role("button").click()
    await expect(part(alice, "Callbacks for me")).to_contain_text("5118")
    bob = await at_work(await open_window(), demo, "bob")
    await press(alice, "Leave it to others", "Callbacks for me")
    await press(alice, "Not ready", "My state")
    await expect(part(alice, "Callbacks for me")).to_contain_text("None.")
    await press(bob, "Call back", "Callbacks for me")
    await expect(part(bob, "Calls")).to_contain_text("5118")
    await press(bob, "Hang up", "Calls")
    await expect(part(bob, "Callbacks for me")).to_contain_text("None.")
    await leave(alice, bob)
