"""A console, a gateway before a scripted model server, and a ledger: all real, each on its port."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import APIRequestContext, Browser, Page, Playwright, async_playwright

from agelane_serving.console.passwords import hashed
from agelane_serving.ledger.learnt import read_confusions
from agelane_serving.ledger.migrate import migrate
from agelane_serving.ledger.store import engine_for
from tests.ports import free_port
from tests.serving.console import chain
from tests.serving.gateway.conftest import until
from tests.serving.gateway.fake_model_server import FakeModelServer, card
from tests.serving.ledger.sales import KEY

PASSWORD = "correct horse battery"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SCREENS = ((1440, 900), (1024, 768), (768, 1024))
"""A desk, and a tablet either way: width and height in pixels."""
_GROUPS = (0, 13, 18, 25, 35, 45, 55, 65)
_SECONDS = 60


@dataclass
class Server:
    """A process that listens."""

    address: str
    """HOST:PORT."""
    lines: list[str]
    """What it has said so far."""

    async def until(self, words: str) -> None:
        """Wait until it has said something."""

        async def has_said() -> bool:
            return any(words in line for line in self.lines)

        await until(has_said)


@dataclass
class Sight:
    """A page in a browser, and what went wrong there."""

    page: Page
    """The page."""
    url: str
    """Of the console."""
    errors: list[str] = field(default_factory=list)
    """What its scripts complained of, and requests that failed."""
    hosts: set[str] = field(default_factory=set)
    """Whom it asked for anything."""

    async def log_in(self, name: str, password: str = PASSWORD) -> None:
        """Fill in the form and send it."""
        await self.page.goto(f"{self.url}/login")
        await self.page.get_by_label("Name").fill(name)
        await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_role("button", name="Log in").click()

    async def open(self, path: str) -> None:
        """Open a page and wait until its figures are there."""
        await self.page.goto(f"{self.url}{path}")
        await self.filled()

    async def filled(self) -> None:
        """Wait until the figures of a page are there."""
        await self.page.wait_for_selector(".body:has(> *):not(:has(.q-spinner))", timeout=30_000)

    async def text(self) -> str:
        """Return what the page says."""
        return await self.page.inner_text("#main")


def form(name: str, password: str = PASSWORD, **more: str) -> dict[str, str | float | bool]:
    """Return what the form for logging in sends."""
    return {"name": name, "password": password, **more}


def users() -> str:
    """Return a users' file with one of each role; all have the same password."""
    password = f'password = "{hashed(PASSWORD)}"'
    return f"""schema = 1
[users.anna]
{password}
role = "manager"
[users.mia]
{password}
role = "manager"
stores = ["hamburg-1"]
[users.omar]
{password}
role = "cashier"
stores = ["kiel-2"]
cashier = "{chain.LAX}"
[users.igor]
{password}
role = "operator"
"""


def confusion() -> dict[str, object]:
    """Return how a model confuses neighbouring age groups, as its card says it."""
    many = range(len(_GROUPS))
    rows = [[{0: 0.7, 1: 0.13, 2: 0.02}.get(abs(i - j), 0.005) for j in many] for i in many]
    matrix = [[share / sum(row) for share in row] for row in rows]
    covariances = [
        [[0.3 * (row[i] * ((i == j) - row[j])) for j in many] for i in many] for row in matrix
    ]
    return {
        "group_starts": _GROUPS,
        "band_starts": _GROUPS,
        "centres_years": [6.5, 15.5, 21.5, 30, 40, 50, 60, 77.5],
        "matrix": matrix,
        "covariances": covariances,
        "sizes": [250.0 for _ in many],
    }


@asynccontextmanager
async def running(module: str, *flags: str, cwd: Path | None = None) -> AsyncIterator[Server]:
    """Run a program until its test ends."""
    command = [sys.executable, "-m", module, *flags]
    process = await asyncio.create_subprocess_exec(*command, stderr=PIPE, cwd=cwd)
    assert process.stderr is not None
    lines: list[str] = []
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def read(stream: asyncio.StreamReader) -> None:
        while line := (await stream.readline()).decode():
            lines.append(line)
            found = re.search(r"listening on (?:https?://)?([^\s,\"]+)", line)
            if found and not listening.done():
                listening.set_result(found[1])
        if not listening.done():
            listening.set_exception(AssertionError("".join(lines)))

    reading = asyncio.create_task(read(process.stderr))
    try:
        async with asyncio.timeout(_SECONDS):
            address = await listening
        yield Server(address, lines)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await reading
    assert process.returncode == 0


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where users, ledger and key are."""
    folder = tmp_path_factory.mktemp("console")
    (folder / "users.toml").write_text(users())
    (folder / "ledger.key").write_bytes(KEY)
    url = f"sqlite:///{folder / 'ledger.db'}"
    migrate(url)
    chain.fill(url, KEY, time.time())
    return folder


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def model() -> AsyncIterator[FakeModelServer]:
    """A scripted model server, whose model says how it confuses age groups."""
    server = FakeModelServer()
    server.version = 7
    server.states = {7: server.states[3]}
    server.cards = {7: json.loads(json.dumps(card() | {"confusion": confusion()}))}
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def gateway(
    model: FakeModelServer, folder: Path, policy_without_audit: Path
) -> AsyncIterator[list[str]]:
    """A gateway; gives the console's flags that lead to it."""
    admin = f"127.0.0.1:{free_port()}"
    flags = [f"--model-server={model.address}", "--listen=127.0.0.1:0", f"--admin-listen={admin}"]
    flags += [f"--ledger=sqlite:///{folder / 'ledger.db'}", f"--ledger-key={folder / 'ledger.key'}"]
    flags += [f"--policy={policy_without_audit}"]
    async with running("agelane_serving.gateway", *flags) as server:
        await server.until("ready: version 7")
        books = engine_for(f"sqlite:///{folder / 'ledger.db'}")

        async def has_told_of_its_model() -> bool:
            return 7 in read_confusions(books)

        await until(has_told_of_its_model)
        books.dispose()
        yield [f"--gateway={server.address}", f"--admin={admin}"]


def console_flags(folder: Path) -> list[str]:
    """Return the flags of a console without a gateway."""
    ledger = f"--ledger=sqlite:///{folder / 'ledger.db'}"
    return ["--listen=127.0.0.1:0", f"--users={folder / 'users.toml'}", ledger]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def console(gateway: list[str], folder: Path) -> AsyncIterator[Server]:
    """A console, run in a folder of its own; in the end it has met nothing unforeseen."""
    here = folder / "cwd"
    here.mkdir()
    flags = [*console_flags(folder), *gateway]
    async with running("agelane_serving.console", *flags, cwd=here) as server:
        yield server
    assert [line for line in server.lines if " ERROR " in line or "Traceback" in line] == []


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    """What drives browsers."""
    async with async_playwright() as playwright:
        yield playwright


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(playwright: Playwright) -> AsyncIterator[Browser]:
    """The system's Chromium, with a camera that shows a test picture."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: your distribution has it")
    flags = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
    yield browser
    await browser.close()


@asynccontextmanager
async def asking(
    playwright: Playwright, server: Server, name: str = ""
) -> AsyncIterator[APIRequestContext]:
    """Speak HTTP to a console, logged in under a name, "": not at all; redirects are told."""
    url = f"http://{server.address}"
    web = await playwright.request.new_context(
        base_url=url, max_redirects=0, extra_http_headers={"origin": url}
    )
    if name:
        assert (await web.post("/login", form=form(name))).status == 303
    yield web
    await web.dispose()


@asynccontextmanager
async def seen(browser: Browser, server: Server) -> AsyncIterator[Sight]:
    """Open a browser window of its own; nobody is logged in there."""
    width, height = SCREENS[0]
    context = await browser.new_context(viewport={"width": width, "height": height}, locale="en-GB")
    page = await context.new_page()
    sight = Sight(page, f"http://{server.address}")
    page.on("pageerror", lambda error: sight.errors.append(str(error)))
    page.on("request", lambda request: sight.hosts.add(request.url.split("/")[2]))
    page.on(
        "console",
        lambda said: sight.errors.append(said.text) if said.type in ("error", "warning") else None,
    )
    yield sight
    await context.close()
