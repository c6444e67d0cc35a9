"""Questions and answers, in a real browser."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from tests.serving.console import chain
from tests.serving.console.conftest import Server, seen

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_cashier_answers_and_the_manager_closes(browser: Browser, console: Server) -> None:
    """Both say it in words; what the cashier said is there for the manager, and stays."""
    async with seen(browser, console) as sight:
        await sight.log_in("omar")
        await sight.open("/alerts")
        card = sight.page.locator("#alert-alert-1")
        assert await card.get_by_role("button", name="Answer and close").count() == 0
        await card.get_by_role("button", name="Answer").click()
        await sight.page.get_by_text("Write an answer first.").wait_for()
        await card.get_by_label("Your answer").fill("I stood in for a <b>colleague</b>.")
        await card.get_by_role("button", name="Answer").click()
        await card.get_by_text("I stood in for a <b>colleague</b>.").wait_for()
        assert await card.locator(".badge").inner_text() == "answered"
        assert sight.errors == []
    async with seen(browser, console) as sight:
        await sight.log_in("anna")
        await sight.open("/alerts?state=ANSWERED&kind=LOW_CHECK_RATE")
        card = sight.page.locator("article")
        assert await card.count() == 1
        assert "omar, cashier" in await card.inner_text()
        await card.get_by_label("Your answer").fill("Agreed; the rota says so.")
        await card.get_by_role("button", name="Answer and close").click()
        await card.get_by_text("Agreed; the rota says so.").wait_for()
        assert await card.locator(".badge").inner_text() == "closed"
        assert await card.get_by_label("Your answer").count() == 0
        assert sight.errors == []


async def test_a_cashier_sees_what_is_asked_about_them_and_no_more(
    browser: Browser, console: Server
) -> None:
    """Neither others' questions nor their figures, whatever the address says."""
    async with seen(browser, console) as sight:
        await sight.log_in("omar")
        await sight.open("/alerts?store=hamburg-1")
        titles = await sight.page.locator("article h3").all_inner_texts()
        assert titles == ["Fewer checks than others", "Sales without assessment"]
        await sight.open("/cashier")
        assert f"Cashier {chain.LAX}, kiel-2" in await sight.text()
        await sight.page.goto(f"{sight.url}/cashier?store=kiel-2&cashier=c01")
        assert "This page is not for your role" in await sight.text()


async def test_nobody_answers_after_logging_out(browser: Browser, console: Server) -> None:
    """A page that is still open in another window can do nothing any more."""
    async with seen(browser, console) as sight:
        await sight.log_in("anna")
        await sight.open("/alerts")
        other = await sight.page.context.new_page()
        await other.goto(f"{sight.url}/today")
        await other.get_by_role("button", name="Log out").click()
        await other.wait_for_url("**/login")
        card = sight.page.locator("#alert-alert-3")
        await card.get_by_label("Your answer").fill("Too late.")
        await card.get_by_role("button", name="Answer", exact=True).click()
        await sight.page.wait_for_url("**/login?next=/alerts")
    async with seen(browser, console) as sight:
        await sight.log_in("anna")
        await sight.open("/alerts")
        assert "Too late." not in await sight.text()
