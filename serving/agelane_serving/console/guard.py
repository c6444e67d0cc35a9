"""What stands before every request: who may pass, and what browsers are told to refuse."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote, urlsplit

from nicegui import __version__ as nicegui_version
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agelane_serving.console.sessions import Sessions
from agelane_serving.console.users import User

SESSION_COOKIE = "agelane_session"
USER = "agelane_user"
"""Under which key of a request's scope its user is."""
PUBLIC = ("/login", "/assets/", f"/_nicegui/{nicegui_version}/", "/favicon.ico")
"""What those who are not logged in may ask for: files that are the same for everybody."""
_SOCKET = "/_nicegui_ws/"

Attributes = Callable[[Scope], Mapping[str, str]]


class Guard:
    """Lets those pass who are logged in and whose page asked; adds headers to what goes back."""

    def __init__(self, app: ASGIApp, sessions: Sessions, html_attributes: Attributes) -> None:
        """`html_attributes` gives what a page's <html> carries, such as its language."""
        self._app, self._sessions, self._html_attributes = app, sessions, html_attributes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or connection."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        # NiceGUI would put it into pages, and nothing before the console is trusted to set it.
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"x-forwarded-prefix"]
        path, is_page = scope["path"], not scope["path"].startswith(_SOCKET)
        user = self._sessions.user(
            session_token(headers), use=is_page and scope.get("method") == "GET"
        )
        scope[USER] = user
        asks = scope["type"] == "websocket" or not is_page or scope["method"] not in ("GET", "HEAD")
        if asks and not _is_own_page(headers):
            return await _refuse(scope, receive, send)
        if user is None and not path.startswith(PUBLIC):
            return await self._to_login(scope, receive, send)
        await self._app(scope, receive, self._with_headers(scope, send))

    async def _to_login(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" or scope["method"] != "GET" or _SOCKET in scope["path"]:
            return await _refuse(scope, receive, send)
        query = scope["query_string"].decode("latin-1")
        wanted = scope["path"] + (f"?{query}" if query else "")
        response = RedirectResponse(f"/login?next={quote(wanted, safe='')}", status_code=303)
        await response(scope, receive, self._with_headers(scope, send))

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        return send if scope["type"] == "websocket" else _Answer(scope, send, self._html_attributes)


class _Answer:
    """Adds headers to one answer, and to a page's scripts the word that lets them run."""

    def __init__(self, scope: Scope, send: Send, html_attributes: Attributes) -> None:
        self._scope, self._send, self._html_attributes = scope, send, html_attributes
        self._nonce = secrets.token_urlsafe(16)
        self._start: Message | None = None
        self._page = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            self._secure(headers)
            if headers.get("content-type", "").startswith("text/html"):
                self._start = message  # its length is not known yet
                return
        elif message["type"] == "http.response.body" and self._start is not None:
            self._page += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send_page(self._start)
            return
        await self._send(message)

    async def _send_page(self, start: Message) -> None:
        attributes = " ".join(
            f'{name}="{value}"' for name, value in self._html_attributes(self._scope).items()
        )
        page = re.sub(rb"<html[^>]*>", f"<html {attributes}>".encode(), self._page, count=1)
        # Every `<script` is NiceGUI's own: it escapes what a page's elements hold.
        page = page.replace(b"<script", f'<script nonce="{self._nonce}"'.encode())
        MutableHeaders(scope=start)["content-length"] = str(len(page))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": page})

    def _secure(self, headers: MutableHeaders) -> None:
        headers["content-security-policy"] = _policy(self._nonce)
        # Not `no-referrer`: browsers would tell the console's own forms from others' no more.
        headers["referrer-policy"] = "same-origin"
        headers["x-content-type-options"] = "nosniff"
        headers["x-frame-options"] = "DENY"
        headers["cross-origin-opener-policy"] = "same-origin"
        headers["permissions-policy"] = "camera=(self), microphone=(), geolocation=()"
        if self._scope["scheme"] == "https":
            headers["strict-transport-security"] = "max-age=31536000"
        if not self._scope["path"].startswith(PUBLIC[1:]):
            headers["cache-control"] = "no-store"


def session_token(headers: Headers) -> str:
    """Return the session's token that a browser sent; empty: none."""
    return cookie(headers, SESSION_COOKIE)


def cookie(headers: Headers, name: str) -> str:
    """Return the value of a cookie; empty: there is none."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return "" if found is None else found.value


def user_of(scope: Scope) -> User | None:
    """Return who makes a request that the guard let pass."""
    user: User | None = scope[USER]
    return user


def _is_own_page(headers: Headers) -> bool:
    """Tell whether a page of the console asks, and none of somebody else's."""
    return urlsplit(headers.get("origin", "")).netloc == headers.get("host")


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    else:
        await PlainTextResponse("not allowed", status_code=403)(scope, receive, send)


def _policy(nonce: str) -> str:
    """Return the content security policy of one answer.

    NiceGUI compiles templates and handlers in the browser, so it needs `unsafe-eval`, and Quasar
    sets styles on elements; scripts in a page's text or attributes never run.
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'nonce-{nonce}' 'unsafe-eval'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "media-src 'self' blob:",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
