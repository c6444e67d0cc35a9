"""What pages say when there is nothing to show, or somebody can't be reached."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, Playwright

from agelane_serving.ledger.migrate import migrate
from tests.ports import free_port
from tests.serving.console.conftest import asking, console_flags, running, seen

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_without_a_gateway_the_other_pages_work(browser: Browser, folder: Path) -> None:
    """And the pages that need it say so, and what to do."""
    flags = [*console_flags(folder), f"--gateway=127.0.0.1:{free_port()}"]
    async with running("agelane_serving.console", *flags) as server, seen(browser, server) as sight:
        await sight.log_in("anna")
        await sight.open("/compliance")
        assert "The gateway gives no report now" in await sight.text()
        assert "--gateway-token-file" in await sight.text()
        await sight.open("/cashier?store=kiel-2&cashier=c03")
        text = await sight.text()
        assert "The gateway gives no report now" in text
        assert "The last twelve weeks" in text
        await sight.open("/lanes")
        text = await sight.text()
        assert "--admin" in text
        assert "kiel-2" in text
        await sight.open("/today")
        assert "How sales ended" in await sight.text()
        assert sight.errors == []


async def test_without_a_ledger_the_other_pages_work(
    browser: Browser, folder: Path, gateway: list[str], tmp_path: Path
) -> None:
    """A photo can be tried, and the gateway's state is told."""
    nowhere = f"--ledger=sqlite:///{tmp_path / 'no-such-folder' / 'ledger.db'}"
    flags = ["--listen=127.0.0.1:0", f"--users={folder / 'users.toml'}", nowhere, *gateway]
    async with running("agelane_serving.console", *flags) as server, seen(browser, server) as sight:
        await sight.log_in("anna")
        for path in ("/today", "/alerts", "/refusals"):
            await sight.open(path)
            assert "The ledger can't be read now" in await sight.text()
        await sight.open("/photo")
        assert "Choose a photo" in await sight.text()
        await sight.open("/lanes")
        text = await sight.text()
        assert "The ledger can't be read now" in text
        assert "Model servers" in text
        assert sight.errors == []


async def test_an_empty_ledger_is_no_error(browser: Browser, folder: Path, tmp_path: Path) -> None:
    """Pages say when there will be something to see."""
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    migrate(url)
    key = f"--ledger-key={folder / 'ledger.key'}"
    port = free_port()
    flags = ["--listen=127.0.0.1:0", f"--users={folder / 'users.toml'}", f"--ledger={url}"]
    async with (
        running("agelane_serving.gateway", f"--listen=127.0.0.1:{port}", f"--ledger={url}", key),
        running("agelane_serving.console", *flags, f"--gateway=127.0.0.1:{port}") as console,
        seen(browser, console) as sight,
    ):
        await sight.log_in("anna")
        for path, words in {
            "/today": "No such sales on this day",
            "/compliance": "No check was required in this time",
            "/cashier?store=kiel-2&cashier=c03": "Nothing has been asked.",
            "/alerts": "No questions",
            "/refusals": "No refusals in this time",
            "/age-groups": "Not enough baskets in this time",
            "/offers": "No offers were made in this time",
            "/lanes": "No lane has recorded anything",
        }.items():
            await sight.open(path)
            assert words in await sight.text(), path
        assert sight.errors == []


async def test_a_changed_users_file_counts_at_once(
    playwright: Playwright, folder: Path, tmp_path: Path
) -> None:
    """Whoever was taken out is logged out; a file that is wrong changes nothing."""
    users = tmp_path / "users.toml"
    text = (folder / "users.toml").read_text()
    users.write_text(text)
    flags = [*console_flags(folder)[:1], f"--users={users}", *console_flags(folder)[2:]]
    async with (
        running("agelane_serving.console", *flags) as server,
        asking(playwright, server, "anna") as web,
    ):
        users.write_text("schema = 1\n[users.nobody]\nrole = 'king'\n")
        assert (await web.get("/today")).status == 200
        users.write_text(text.replace("[users.anna]", "[users.hanna]"))
        assert (await web.get("/today")).status == 303
    assert any("stay in force" in line for line in server.lines)
