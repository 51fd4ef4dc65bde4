"""A hub with its demo, and windows of a real browser that look at it."""

import json
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from shutil import which
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.architecture.tree import ROOT
from tests.support.hub_process import HubProcess
from tests.support.lossy_proxy import LossyProxy, lossy_proxy

FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)
PATIENCE = 20_000  # milliseconds for what a page is waited for, on a machine that is busy
expect.set_options(timeout=PATIENCE)
AXE = ROOT / "tests" / "interop" / "node_modules" / "axe-core" / "axe.min.js"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(scope="package")
def anyio_backend() -> str:
    """One event loop for the whole folder, because one browser serves it."""
    return "asyncio"


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """The hub as `make run` starts it."""
    with HubProcess(tmp_path_factory.mktemp("browser") / "hub", demo=True) as hub:
        yield hub


@pytest.fixture(scope="package")
async def browser() -> AsyncIterator[Browser]:
    program = which("chromium")
    if program is None:
        pytest.skip("chromium is missing")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        await browser.close()


@dataclass
class Window:
    """One window: a page with storage and cookies of its own."""

    page: Page
    errors: list[str]

    async def violations(self) -> list[str]:
        """What axe finds wrong with the page as it is now."""
        await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: dict[str, Any] = await self.page.evaluate(f"axe.run(document, {json.dumps(RULES)})")
        return [f"{each['id']}: {each['help']} {each['nodes'][0]['html'][:200]}" for each in found["violations"]]


Open = Callable[..., Awaitable[Window]]


@pytest.fixture
async def open_window(browser: Browser) -> AsyncIterator[Open]:
    """Opens windows; whatever a page complains about fails the test."""
    windows: list[Window] = []

    async def opened(**context: Any) -> Window:
        page = await (
            await browser.new_context(**{"locale": "en-GB", "timezone_id": "Europe/Berlin", **context})
        ).new_page()
        window = Window(page, [])
        page.on("pageerror", lambda error: window.errors.append(str(error)))
        page.on(
            "console", lambda line: window.errors.append(line.text) if "Content Security Policy" in line.text else None
        )
        page.set_default_timeout(PATIENCE)
        windows.append(window)
        return window

    yield opened
    errors = [error for window in windows for error in window.errors]
    for window in windows:
        await window.page.context.close()
    assert errors == []


@pytest.fixture
async def network(demo: HubProcess) -> AsyncIterator[LossyProxy]:
    """The network between a browser and the hub."""
    async with lossy_proxy(demo.url) as proxy:
        yield proxy


def printed(hub: HubProcess) -> str:
    """What the address that the hub printed at its last start has behind the name of the machine."""
    paths = re.findall(r"(/console#demo=\w+)$", hub.output.read_text(), re.MULTILINE)
    path: str = paths[-1]
    return path


def password(hub: HubProcess, name: str) -> str:
    """The password that the hub printed for somebody of the demo."""
    found = re.search(rf"^  {name} +(\w+)$", hub.output.read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


async def enter(window: Window, base: str, hub: HubProcess, name: str) -> None:
    """Open the printed address and be somebody of the demo."""
    await window.page.goto(base + printed(hub))
    await window.page.get_by_role("button", name=name).click()
    await window.page.locator("[data-state=live]").wait_for()


async def picture(window: Window, name: str) -> None:
    """A picture for the documents, taken anew where HUB_PICTURES is set."""
    if os.environ.get("HUB_PICTURES"):
        await window.page.screenshot(path=ROOT / "docs" / "images" / f"{name}.png")
