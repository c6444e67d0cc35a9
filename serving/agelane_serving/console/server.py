"""The process: its routes, what stands before them, and the order of starting and stopping."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from nicegui import ui
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from agelane_serving.console.export import Export
from agelane_serving.console.frame import Frame
from agelane_serving.console.gateway import Gateway, ways
from agelane_serving.console.guard import Guard, session_token, user_of
from agelane_serving.console.ledger import Ledger
from agelane_serving.console.login import Login, texts_for, theme_for
from agelane_serving.console.page import Page
from agelane_serving.console.pages import all_pages
from agelane_serving.console.sessions import Sessions
from agelane_serving.console.settings import Settings
from agelane_serving.console.try_photo import TryPhoto
from agelane_serving.console.users import Users
from agelane_serving.console.visit import Visit

_ASSETS = Path(__file__).with_name("static")
_RESPONSE_SECONDS = 20.0
_logger = logging.getLogger(__name__)


async def serve(settings: Settings) -> None:
    """Serve until the process is told to stop.

    Raises:
        SettingsError, UsersError: a file can't be read or used.
        LedgerError: there is no such kind of database.
        OSError: the address can't be listened on, or the certificate can't be used.
    """
    users = Users(settings.users or Path())
    sessions = Sessions(users, 60 * settings.idle_minutes)
    ledger, gateway = Ledger(settings.ledger, settings.zone), Gateway(ways(settings))
    config = uvicorn.Config(
        _application(settings, users, sessions, ledger, gateway),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="websockets-sansio",
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        timeout_graceful_shutdown=3,
    )
    config.load()
    # It would write the names of pages, which let their owners' browsers in, for each connection.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    listener = _listen(settings.listen)
    server = _Server(config)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, server.handle_exit, number, None)
    host, port = listener.getsockname()[:2]
    _logger.info("listening on %s://%s:%d", "https" if config.is_ssl else "http", host, port)
    try:
        await server.serve([listener])
    finally:
        await gateway.close()
        ledger.close()


class _Server(uvicorn.Server):
    """Leaves signals to `serve`: uvicorn would raise them again at the end, as a failure."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _listen(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host.strip("[]"), int(port)), family=family)


def _application(
    settings: Settings, users: Users, sessions: Sessions, ledger: Ledger, gateway: Gateway
) -> ASGIApp:
    """Return the whole of what answers browsers."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    login = Login(users, sessions)
    app.add_route("/login", login.form, ["GET"])
    app.add_route("/login", login.log_in, ["POST"])
    app.add_route("/logout", login.log_out, ["POST"])
    app.add_route("/look", login.look, ["GET"])
    app.mount("/assets", StaticFiles(directory=_ASSETS))

    def visit_of(request: Request) -> Visit:
        user = user_of(request.scope)
        assert user is not None  # the guard lets nobody else pass
        return Visit(
            user=user,
            token=session_token(request.headers),
            texts=texts_for(request),
            zone=settings.zone,
            now=datetime.now(settings.zone),
            path=request.url.path,
            query=dict(request.query_params),
        )

    pages = all_pages(ledger, gateway, sessions)
    app.add_route("/export/{page}/{table}.csv", Export(pages, visit_of).answer, ["GET"])
    app.add_route("/photo", TryPhoto(gateway, visit_of).answer, ["POST"])
    frame = Frame(pages, lambda token: sessions.user(token) is not None, ledger.stores)
    for page in pages:
        _add_page(page, frame, visit_of)

    async def home(request: Request) -> Response:
        """Lead everybody to the first page that they may see."""
        visit = visit_of(request)
        first = next(page for page in pages if page.is_in_menu(visit.user.role))
        return RedirectResponse(first.path, 303)

    app.add_route("/", home, ["GET"])
    ui.run_with(
        app,
        title="agelane",
        favicon=_ASSETS / "favicon.svg",
        tailwind=False,
        gzip_middleware_factory=None,
        show_welcome_message=False,
    )
    return GZipMiddleware(Guard(app, sessions, _html_attributes))


def _add_page(page: Page[Any], frame: Frame, visit_of: Callable[[Request], Visit]) -> None:
    @ui.page(page.path, response_timeout=_RESPONSE_SECONDS)
    async def show(request: Request) -> None:
        visit, theme = visit_of(request), theme_for(request)
        if not page.permits(visit):
            ui.context.client.status_code = 403
            frame.refuse(visit, theme)
        else:
            await frame.show(page, visit, theme)


def _html_attributes(scope: Scope) -> Mapping[str, str]:
    request = Request(scope)
    return {"lang": texts_for(request).language, "data-theme": theme_for(request)}
