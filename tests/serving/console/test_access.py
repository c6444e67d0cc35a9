"""Who is let in, what each role may see, and what browsers are told to refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, Playwright

from tests.serving.console import chain
from tests.serving.console.conftest import (
    Server,
    asking,
    console_flags,
    form,
    running,
    seen,
)
from tests.serving.gateway.security.certificates import Authority

pytestmark = pytest.mark.asyncio(loop_scope="session")

MANAGERS = {"anna"}
EXPORTS = {
    "/export/today/hours.csv": MANAGERS,
    "/export/today/outcomes.csv": MANAGERS,
    "/export/compliance/cashiers.csv": MANAGERS,
    f"/export/cashier/weeks.csv?store=kiel-2&cashier={chain.LAX}": {"anna", "omar"},
    "/export/cashier/weeks.csv?store=kiel-2&cashier=c01": MANAGERS,
    "/export/alerts/alerts.csv": {"anna", "omar"},
    "/export/refusals/register.csv": MANAGERS,
    "/export/age_groups/shares.csv": MANAGERS,
    "/export/age_groups/goods.csv": MANAGERS,
    "/export/offers/offers.csv": MANAGERS,
    "/export/lanes/lanes.csv": {"anna", "igor"},
    "/export/lanes/servers.csv": {"anna", "igor"},
}
PAGES = {
    "/today": MANAGERS,
    "/compliance": MANAGERS,
    "/cashier?store=kiel-2&cashier=c01": MANAGERS,
    "/cashier": {"anna", "omar"},
    "/alerts": {"anna", "omar"},
    "/refusals": MANAGERS,
    "/age-groups": MANAGERS,
    "/offers": MANAGERS,
    "/lanes": {"anna", "igor"},
    "/photo": {"anna", "igor"},
}


@pytest.mark.parametrize("name", ["anna", "omar", "igor"])
async def test_each_role_has_its_pages_and_exports(
    playwright: Playwright, console: Server, name: str
) -> None:
    """The server refuses the others, whatever the menu shows."""
    async with asking(playwright, console, name) as web:
        for path, allowed in {**PAGES, **EXPORTS}.items():
            assert (await web.get(path)).status == (200 if name in allowed else 403), path


async def test_a_manager_of_one_store_sees_no_other(
    playwright: Playwright, console: Server
) -> None:
    """Not by asking for it, either."""
    async with asking(playwright, console, "mia") as web:
        for path in ("refusals/register", "compliance/cashiers", "lanes/lanes", "alerts/alerts"):
            for query in ("", "?store=kiel-2"):
                text = await (await web.get(f"/export/{path}.csv{query}")).text()
                assert "hamburg-1" in text
                assert "kiel-2" not in text


async def test_strangers_get_to_the_login_and_nowhere_else(
    playwright: Playwright, console: Server
) -> None:
    """And after it to where they wanted, if that is a page of the console."""
    async with asking(playwright, console) as web:
        for path in (*PAGES, *EXPORTS, "/", "/no-such-page"):
            answer = await web.get(path)
            assert answer.status == 303
            assert answer.headers["location"].startswith("/login?next=%2F")
        assert (await web.post("/photo", data=b"x")).status == 403
        assert (await web.get("/_nicegui_ws/socket.io/?EIO=4&transport=polling")).status == 403
        for back, to in (("/lanes?store=a", "/lanes?store=a"), ("//evil.example", "/")):
            answer = await web.post("/login", form=form("igor", next=back))
            assert answer.headers["location"] == to


async def test_the_cookie_is_for_the_server_alone(playwright: Playwright, console: Server) -> None:
    """No script reads it, and no other site's request carries it; it ends with the browser."""
    async with asking(playwright, console) as web:
        answer = await web.post("/login", form=form("igor"))
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert "max-age" not in cookie


async def test_over_tls_the_cookie_never_goes_out_in_plaintext(
    playwright: Playwright, folder: Path, tmp_path: Path
) -> None:
    """And browsers are told to come by TLS from then on."""
    pair = Authority(tmp_path, "ours").issue("console")
    flags = [f"--tls-certificate={pair.certificate}", f"--tls-key={pair.key}"]
    async with running("agelane_serving.console", *console_flags(folder), *flags) as server:
        url = f"https://{server.address}"
        web = await playwright.request.new_context(
            base_url=url,
            max_redirects=0,
            ignore_https_errors=True,
            extra_http_headers={"origin": url},
        )
        answer = await web.post("/login", form=form("igor"))
        assert "secure" in answer.headers["set-cookie"].lower()
        assert "max-age=" in answer.headers["strict-transport-security"]
        assert (await web.get("/lanes")).status == 200
        await web.dispose()


async def test_an_unknown_name_and_a_wrong_password_are_told_alike(
    playwright: Playwright, console: Server
) -> None:
    """After some tries of a name even the right password has to wait."""
    async with asking(playwright, console) as web:
        texts = set()
        for name in ("nobody", "mia"):
            answer = await web.post("/login", form=form(name, "wrong"))
            assert answer.status == 401
            texts.add(await answer.text())
        assert len(texts) == 1
        for _ in range(5):
            await web.post("/login", form=form("nobody", "wrong"))
        answer = await web.post("/login", form=form("nobody", "wrong"))
        assert answer.status == 429
        assert int(answer.headers["retry-after"]) >= 1


async def test_other_sites_can_do_nothing_in_a_users_name(
    playwright: Playwright, console: Server
) -> None:
    """Neither log in or out, nor connect to a page."""
    async with asking(playwright, console, "igor") as web:
        elsewhere = {"origin": "https://evil.example"}
        assert (await web.post("/logout", headers=elsewhere)).status == 403
        assert (await web.post("/login", form=form("igor"), headers=elsewhere)).status == 403
        socket = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"
        assert (await web.get(socket, headers=elsewhere)).status == 403
        assert (await web.get("/lanes")).status == 200


async def test_logging_out_ends_the_session(playwright: Playwright, console: Server) -> None:
    """The cookie opens nothing any more, wherever somebody kept a copy."""
    async with asking(playwright, console, "igor") as web:
        cookies = (await web.storage_state())["cookies"]
        kept = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in cookies)
        assert (await web.post("/logout")).status == 303
        assert (await web.get("/lanes", headers={"cookie": kept})).status == 303


async def test_pages_carry_headers_that_bind_the_browser(
    playwright: Playwright, console: Server
) -> None:
    """Scripts of a page's text don't run, nobody frames it, no cache keeps it."""
    async with asking(playwright, console, "igor") as web:
        for path in ("/login", "/lanes", "/export/lanes/lanes.csv"):
            headers = (await web.get(path)).headers
            policy = headers["content-security-policy"]
            scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
            assert "'unsafe-inline'" not in scripts
            assert "frame-ancestors 'none'" in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
            assert headers["cache-control"] == "no-store"


async def test_a_script_in_a_name_does_not_run(browser: Browser, console: Server) -> None:
    """It is shown as it is."""
    async with seen(browser, console) as sight:
        await sight.log_in("anna")
        await sight.open("/cashier?store=kiel-2&cashier=<img src=x onerror=document.title='got'>")
        assert "<img src=x" in await sight.text()
        assert await sight.page.title() != "got"
        assert sight.errors == []


async def test_no_formula_reaches_a_spreadsheet(playwright: Playwright, console: Server) -> None:
    """A cashier's number that is one gets an apostrophe before it."""
    async with asking(playwright, console, "anna") as web:
        answer = await web.get("/export/refusals/register.csv")
        assert "attachment" in answer.headers["content-disposition"]
        text = await answer.text()
        assert f",'{chain.FORMULA}," in text
        assert f",{chain.FORMULA}," not in text
