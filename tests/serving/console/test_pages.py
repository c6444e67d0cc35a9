"""Every page, in a real browser, on a desk and on a tablet."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.serving.console import chain
from tests.serving.console.conftest import SCREENS, Server, seen

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGES = {
    "/today": ("Decisions by hour", "Look at a document", "How sales ended"),
    "/compliance": ("Rate by number of required checks", "All cashiers", chain.LAX),
    f"/cashier?store=kiel-2&cashier={chain.LAX}": (f"Cashier {chain.LAX}, kiel-2", "95 %:"),
    "/alerts": ("Fewer checks than others", "By chance", "The scanner was broken."),
    "/refusals": ("Register", "clearly under age by photo"),
    "/age-groups": ("Share of all baskets", "Uncorrected", "buy more and less often"),
    "/offers": ("What offers bring", "fresh-milk", "Held out"),
    "/lanes": ("Model servers", "Last model version", "kiel-2"),
    "/photo": ("Choose a photo", "kept nowhere"),
}


async def test_a_manager_opens_every_page(
    browser: Browser, console: Server, tmp_path: Path
) -> None:
    """Without a complaint of a script, a request to another host, or a page wider than a screen.

    Each is kept as a picture in pytest's temporary folder, for people to look at.
    """
    async with seen(browser, console) as sight:
        await sight.log_in("anna")
        for path, words in PAGES.items():
            await sight.open(path)
            text = await sight.text()
            assert [word for word in words if word not in text] == [], f"{path}: {text}"
            for width, height in SCREENS:
                await sight.page.set_viewport_size({"width": width, "height": height})
                wide = await sight.page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, path
                name = path.strip("/").partition("?")[0]
                await sight.page.screenshot(path=tmp_path / f"{name}-{width}.png", full_page=True)
        assert sight.errors == []
        assert sight.hosts == {console.address}


async def test_a_point_of_the_funnel_leads_to_its_cashier(
    browser: Browser, console: Server
) -> None:
    """By a click; the table has the same link for those who use no mouse."""
    async with seen(browser, console) as sight:
        await sight.log_in("anna")
        await sight.open("/compliance")
        await sight.page.locator("svg a", has_text=f"{chain.LAX}, kiel-2").click()
        await sight.page.wait_for_url("**/cashier?**")
        await sight.filled()
        assert f"Cashier {chain.LAX}, kiel-2" in await sight.text()
        assert sight.errors == []


async def test_a_store_is_filtered_and_stays_so(browser: Browser, console: Server) -> None:
    """On the next page too, until another is chosen."""
    async with seen(browser, console) as sight:
        await sight.log_in("anna")
        await sight.open("/compliance")
        await sight.page.get_by_label("Store").select_option("hamburg-1")
        await sight.page.get_by_role("button", name="Show").click()
        await sight.page.wait_for_url("**store=hamburg-1**")
        await sight.filled()
        assert "kiel-2" not in await sight.page.inner_text("tbody")
        await sight.page.get_by_role("link", name="Refusals").click()
        await sight.page.wait_for_url("**/refusals?store=hamburg-1**")
        await sight.filled()
        assert "kiel-2" not in await sight.page.inner_text("tbody")


async def test_a_table_is_sorted_by_its_heads(browser: Browser, console: Server) -> None:
    """Numbers as numbers; a screen reader is told which way."""
    async with seen(browser, console) as sight:
        await sight.log_in("anna")
        await sight.open("/compliance")
        head = sight.page.locator("th", has_text="Checks required")
        for way in ("ascending", "descending"):
            await head.get_by_role("button").click()
            assert await head.get_attribute("aria-sort") == way
            cells = sight.page.locator("tbody tr td:nth-child(3)")
            values = [int(text.replace(",", "")) for text in await cells.all_inner_texts()]
            assert values == sorted(values, reverse=way == "descending")


async def test_language_and_look_are_switched_and_kept(browser: Browser, console: Server) -> None:
    """The page says in which language it is, and the dark look is dark."""
    async with seen(browser, console) as sight:
        await sight.log_in("anna")
        await sight.open("/today")
        await sight.page.get_by_role("link", name="Русский").click()
        await sight.page.wait_for_selector("html[lang=ru]")
        await sight.filled()
        assert "Решения по часам" in await sight.text()
        await sight.page.get_by_role("link", name="Тёмное").click()
        await sight.page.wait_for_selector("html[data-theme=dark]")
        await sight.open("/refusals")
        assert "Журнал отказов" in await sight.text()
        color = await sight.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert max(map(int, color.strip("rgb()").split(","))) < 60
        assert sight.errors == []


async def test_the_look_follows_the_system_unless_chosen(browser: Browser, console: Server) -> None:
    """On the page for logging in as well."""
    async with seen(browser, console) as sight:
        for scheme, is_dark in (("dark", True), ("light", False)):
            await sight.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            await sight.page.goto(f"{sight.url}/login")
            color = await sight.page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (max(map(int, color.strip("rgb()").split(","))) < 60) is is_dark


async def test_a_keyboard_reaches_the_content_past_the_menu(
    browser: Browser, console: Server
) -> None:
    """The first stop of the tabulator leads there."""
    async with seen(browser, console) as sight:
        await sight.log_in("anna")
        await sight.open("/today")
        await sight.page.keyboard.press("Tab")
        focused = await sight.page.evaluate("document.activeElement.getAttribute('href')")
        assert focused == "#main"
        headings = await sight.page.locator("h1").count()
        unnamed = await sight.page.evaluate(
            "[...document.querySelectorAll('main input, main select')]"
            ".filter((field) => !field.labels.length).length"
        )
        assert (headings, unnamed) == (1, 0)


async def test_nothing_is_written_where_the_console_runs(console: Server, folder: Path) -> None:
    """NiceGUI would keep its users' storage in `.nicegui`; the console uses none."""
    assert [path for path in (folder / "cwd").rglob("*") if path.is_file()] == []
