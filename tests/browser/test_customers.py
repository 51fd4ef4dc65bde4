"""Customers behind the links of their mails: by keyboard, on a small screen, with whatever axe knows."""

import re
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Open, Window
from tests.browser.test_desktop import token
from tests.support.hub_process import HubProcess
from tests.support.waiting import eventually

SMALL = {"width": 320, "height": 568}
LINK = re.compile(r"/q/a/[\w-]{48}")


async def booked(hub: HubProcess, bearer: str, title: str, begins_in: float = 7200.0) -> list[str]:
    """The addresses in the mail of a new appointment: to move it, and to cancel it."""
    headers = {"Authorization": f"Bearer {bearer}"}
    start = datetime.now(UTC) + timedelta(seconds=begins_in)
    async with httpx2.AsyncClient(base_url=hub.url, trust_env=False, headers=headers) as http:
        made = await http.post(
            "/api/appointments/",
            json={
                "applicationId": "demo-app",
                "customer": {"name": {"firstName": "Maria"}, "contact": {"primaryEmail": f"{title}@example.com"}},
                "duration": "PT30M",
                "start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
                "timezone": "Europe/Berlin",
                "title": title,
            },
        )
    assert made.status_code == 200, made.text

    def mailed() -> list[str]:
        return LINK.findall(hub.output.read_text().partition(f"{title}@example.com")[2])[:2]

    await eventually(lambda: len(mailed()) == 2)
    return [hub.url + path for path in mailed()]


async def shows(window: Window, heading: str, *, dark: bool = False) -> None:
    """The page is there, it fits, and axe finds nothing wrong with it."""
    page = window.page
    await expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), heading
    await page.emulate_media(color_scheme="dark" if dark else "light")
    assert await window.violations() == [], heading


async def tab_to(page: Page, wanted: Locator) -> None:
    """By the keyboard alone; where one is can be seen."""
    for _ in range(5):
        await page.keyboard.press("Tab")
        if await wanted.evaluate("each => each === document.activeElement && each.matches(':focus-visible')"):
            assert await wanted.evaluate("each => getComputedStyle(each).outlineStyle") != "none"
            return
    pytest.fail(f"not reached by the keyboard: {wanted}")


async def test_customers_move_and_cancel_by_the_keyboard(demo: HubProcess, open_window: Open) -> None:
    bearer = await token(demo, "alice", "ROLE_AGENT")
    move, cancel = await booked(demo, bearer, "movable")
    window = await open_window(viewport=SMALL)
    page = window.page
    await page.goto(move)
    await shows(window, "Choose another time", dark=True)
    await tab_to(page, page.get_by_role("link", name="Later days"))
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="The first free days").wait_for()
    # The last time of the day, which is still ahead however long this takes: back from the first one.
    last = page.get_by_role("radio").last
    time = (await page.locator("label").last.inner_text()).strip()
    await tab_to(page, page.get_by_role("radio").first)
    await page.keyboard.press("ArrowUp")
    await expect(last).to_be_checked()
    await tab_to(page, page.get_by_role("button", name="Take this time"))
    await page.keyboard.press("Enter")
    await shows(window, "This appointment has a new time")
    await expect(page.get_by_role("main")).to_contain_text(time)
    await page.goto(cancel)
    await expect(page.get_by_role("heading")).to_have_text("This appointment has a new time")
    await expect(page.get_by_role("main")).to_contain_text("in the latest message")

    _, cancel = await booked(demo, bearer, "cancellable")
    await page.goto(cancel)
    await shows(window, "Cancel your appointment?")
    await tab_to(page, page.get_by_role("button", name="Cancel the appointment"))
    await page.keyboard.press("Enter")
    await shows(window, "This appointment is cancelled")
    await page.goto(cancel)
    await expect(page.get_by_role("heading")).to_have_text("This appointment is cancelled")
    await expect(page.get_by_role("button")).to_have_count(0)


async def test_customers_are_told_what_is_wrong_with_a_choice_or_a_link(demo: HubProcess, open_window: Open) -> None:
    bearer = await token(demo, "alice", "ROLE_AGENT")
    expiring, move = (await booked(demo, bearer, "soon", 3.0))[1], (await booked(demo, bearer, "later"))[0]
    window = await open_window(viewport=SMALL)
    page = window.page
    await page.goto(move)
    await page.get_by_role("link", name="Later days").press("Enter")
    await page.get_by_role("link", name="The first free days").press("Enter")
    await expect(page.get_by_role("link", name="The first free days")).to_have_count(0)
    await page.evaluate("document.querySelectorAll('input').forEach(each => { each.required = false })")
    await page.get_by_role("button", name="Take this time").press("Enter")
    await expect(page.get_by_role("alert")).to_have_text("Please choose a time.")
    await shows(window, "Choose another time")
    await page.goto(f"{demo.url}/q/a/{'A' * 48}")
    await shows(window, "This link is not right")
    await eventually(lambda: httpx2.get(expiring, trust_env=False).status_code == 410)
    await page.goto(expiring)
    await expect(page.get_by_role("heading")).to_have_text("This link has expired")
