"""Logging in and out: pages without a script, for people whom nobody knows yet."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from html import escape
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from agelane_serving.console.frame import THEMES, current
from agelane_serving.console.guard import SESSION_COOKIE, cookie, session_token
from agelane_serving.console.passwords import fits, hashed
from agelane_serving.console.sessions import Sessions
from agelane_serving.console.texts import LANGUAGES, Texts, preferred, texts_of
from agelane_serving.console.throttle import Throttle
from agelane_serving.console.users import User, Users

LANGUAGE_COOKIE, THEME_COOKIE = "agelane_language", "agelane_theme"
_YEAR_SECONDS = 365 * 86_400
_LONGEST_FORM = 4_096
_AT_ONCE = 2  # each try needs 32 MB
_OWN_PATH = re.compile(r"/(?![/\\])[!-~]*")

_logger = logging.getLogger(__name__)


class Login:
    """The handlers of /login, /logout and /look."""

    def __init__(self, users: Users, sessions: Sessions) -> None:
        """Both are used as long as it is."""
        self._users, self._sessions = users, sessions
        self._by_name, self._by_address = Throttle(free=5), Throttle(free=20)
        self._trying = asyncio.Semaphore(_AT_ONCE)
        # Unknown names are compared with this, so that they take as long as known ones.
        self._nobody = hashed("")

    async def form(self, request: Request) -> Response:
        """Show the form."""
        return _form(request, request.query_params.get("next", ""), "")

    async def log_in(self, request: Request) -> Response:
        """Begin a session, or show the form again."""
        fields = await _fields(request)
        name, back = fields.get("name", ""), fields.get("next", "")
        address = "" if request.client is None else request.client.host
        wait = max(self._by_name.wait_seconds(name), self._by_address.wait_seconds(address))
        if wait > 0:
            return _form(request, back, "login.wait", 429, {"retry-after": f"{wait + 1:.0f}"})
        # Counted before it is known: many tries at once don't slip through.
        self._by_name.failed(name)
        self._by_address.failed(address)
        user = await self._check(name, fields.get("password", ""))
        if user is None:
            _logger.warning("refused to log in %r from %s", name[:64], address)
            return _form(request, back, "login.wrong", 401)
        self._by_name.succeeded(name)
        self._by_address.succeeded(address)
        _logger.info("%s has logged in from %s", user.name, address)
        self._sessions.end(session_token(request.headers))
        response = RedirectResponse(_own_path(back), status_code=303)
        response.set_cookie(
            SESSION_COOKIE,
            self._sessions.begin(user),
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response

    async def log_out(self, request: Request) -> Response:
        """End the session."""
        self._sessions.end(session_token(request.headers))
        response = RedirectResponse("/login", status_code=303)
        response.delete_cookie(SESSION_COOKIE)
        return response

    async def look(self, request: Request) -> Response:
        """Keep the language or the look that somebody chose, and go back."""
        response = RedirectResponse(_own_path(request.query_params.get("next", "")), 303)
        for name, kept, choices in (
            ("language", LANGUAGE_COOKIE, tuple(LANGUAGES)),
            ("theme", THEME_COOKIE, THEMES),
        ):
            choice = request.query_params.get(name)
            if choice in choices:
                secure = request.url.scheme == "https"
                response.set_cookie(
                    kept, choice, _YEAR_SECONDS, httponly=True, samesite="lax", secure=secure
                )
        return response

    async def _check(self, name: str, password: str) -> User | None:
        user = self._users.find(name)
        kept = self._nobody if user is None else user.password
        async with self._trying:
            right = await asyncio.to_thread(fits, password, kept)
        return user if right else None


def texts_for(request: Request) -> Texts:
    """Return the words for a browser: in the language chosen, or else in the one it prefers."""
    chosen = cookie(request.headers, LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return texts_of(chosen)
    return texts_of(preferred(request.headers.get("accept-language", "")))


def theme_for(request: Request) -> str:
    """Return the look that was chosen, one of THEMES."""
    chosen = cookie(request.headers, THEME_COOKIE)
    return chosen if chosen in THEMES else THEMES[0]


def _form(
    request: Request,
    back: str,
    error: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    texts = texts_for(request)
    words = {key: escape(texts(f"login.{key}")) for key in ("title", "name", "password", "submit")}
    wrong = f'<p class="notice trouble" role="alert">{escape(texts(error))}</p>' if error else ""
    languages = "".join(
        f'<a href="/look?language={code}&amp;next=/login"'
        f"{current(code == texts.language)}>{escape(language)}</a>"
        for code, language in LANGUAGES.items()
    )
    page = f"""<!doctype html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{words["title"]} · {escape(texts("app.name"))}</title>
<link rel="stylesheet" href="/assets/console.css">
</head>
<body class="login">
<main>
<p class="brand">{escape(texts("app.name"))}</p>
<h1>{words["title"]}</h1>
{wrong}
<form method="post" action="/login">
<input type="hidden" name="next" value="{escape(_own_path(back))}">
<label>{words["name"]}<input name="name" autocomplete="username" required autofocus></label>
<label>{words["password"]}<input name="password" type="password"
 autocomplete="current-password" required></label>
<button class="button main">{words["submit"]}</button>
</form>
<p class="switches">{languages}</p>
</main>
</body>
</html>"""
    return HTMLResponse(page, status, headers)


async def _fields(request: Request) -> dict[str, str]:
    """Return the fields of a form; of one that is too long, none."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > _LONGEST_FORM:
            return {}
    try:
        fields = parse_qs(content.decode("ascii"), keep_blank_values=True, max_num_fields=10)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


def _own_path(text: str) -> str:
    """Return a path of the console, and never an address of somebody else's."""
    return text if _OWN_PATH.fullmatch(text) else "/"
