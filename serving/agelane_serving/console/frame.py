"""What is around every page: menu, language, look, log-out; and what stands for what is away."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from html import escape
from typing import Any
from urllib.parse import quote

from nicegui import ui

from agelane_serving.console.markup import filters, notice, put, trouble
from agelane_serving.console.page import Page
from agelane_serving.console.sources import SourceError, tried
from agelane_serving.console.texts import LANGUAGES
from agelane_serving.console.visit import Visit

THEMES = ("auto", "light", "dark")
_LOOK_SECONDS = 20.0
_logger = logging.getLogger(__name__)


class Frame:
    """Shows pages to people who are logged in."""

    def __init__(
        self,
        menu: Sequence[Page[Any]],
        is_logged_in: Callable[[str], bool],
        stores: Callable[[], Awaitable[list[str]]],
    ) -> None:
        """`is_logged_in` tells whether a session, by its token, has not ended.

        `stores` reads the stores that there are; it may raise SourceError.
        """
        self._menu, self._is_logged_in, self._stores = menu, is_logged_in, stores

    async def show(self, page: Page[Any], visit: Visit, theme: str) -> None:
        """Show a page at once without its figures, and with them when they are there."""
        texts = visit.texts
        ui.page_title(f"{texts(f'{page.key}.title')} · {texts('app.name')}")
        with self._main(page, visit, theme):
            put(f"<h1>{_title(page, visit)}</h1><p>{escape(texts(f'{page.key}.about'))}</p>")
            form, body = ui.element("div").classes("form"), ui.element("div").classes("body")
        with body:
            ui.spinner(size="lg").props(f'role=status aria-label="{texts("app.loading")}"')
        self._keep_fresh(body, page, visit)
        await ui.context.client.connected()
        stores = await tried(self._stores())
        if form.client.is_deleted:
            return  # they have left
        with form:
            filters(visit, page.fields(visit, [] if isinstance(stores, SourceError) else stores))
        await self._fill(body, page, visit)

    def refuse(self, visit: Visit, theme: str) -> None:
        """Show that a page is not for somebody."""
        ui.page_title(visit.texts("app.name"))
        with self._main(None, visit, theme):
            notice(visit.texts("app.not_for_you"), visit.texts("app.not_for_you_help"))

    def _main(self, page: Page[Any] | None, visit: Visit, theme: str) -> ui.element:
        """Put what is around a page; return the element for what is in it."""
        ui.dark_mode(value={"light": False, "dark": True}.get(theme))
        ui.add_head_html('<link rel="stylesheet" href="/assets/console.css">')
        ui.add_head_html('<script defer src="/assets/console.js"></script>')
        # Quasar takes everything for the main part, the menu as well.
        ui.query(".q-page").props("role=presentation")
        with ui.element("div").classes("console"):
            put(self._side(page, visit, theme), "header", "side")
            return ui.element("main").props("id=main")

    async def _fill(self, body: ui.element, page: Page[Any], visit: Visit) -> None:
        try:
            found = await tried(page.load(visit))
            if body.client.is_deleted:
                return  # they have left
            body.clear()
            with body:
                if isinstance(found, SourceError):
                    trouble(visit, found)
                else:
                    page.show(visit, found)
        except Exception:  # the one boundary: a page would wait for ever
            _logger.exception("%s could not be shown", page.path)
            body.clear()
            with body:
                texts = visit.texts
                notice(texts("trouble.console_failed"), texts("trouble.console_help"), "trouble")

    def _keep_fresh(self, body: ui.element, page: Page[Any], visit: Visit) -> None:
        def look() -> None:
            # Figures don't stay on a screen that its user has left.
            if not self._is_logged_in(visit.token):
                ui.navigate.to(f"/login?next={quote(visit.path, safe='')}")

        async def refresh() -> None:
            if self._is_logged_in(visit.token):
                await self._fill(body, page, visit)

        ui.timer(_LOOK_SECONDS, look)
        if page.refresh_seconds is not None:
            ui.timer(page.refresh_seconds, refresh, immediate=False)

    def _side(self, page: Page[Any] | None, visit: Visit, theme: str) -> str:
        texts = visit.texts
        here = None if page is None else page.key
        links = "".join(
            f'<li><a href="{escape(visit.link(each.path))}"'
            f"{current(each.key == here)}>{escape(texts(f'{each.key}.menu'))}</a></li>"
            for each in self._menu
            if each.is_in_menu(visit.user.role)
        )
        back = quote(_address(visit), safe="")
        look = _switch("theme", {one: texts(f"theme.{one}") for one in THEMES}, theme, back)
        languages = _switch("language", LANGUAGES, texts.language, back)
        role = texts(f"role.{visit.user.role.value}")
        return (
            f'<a class="skip" href="#main">{escape(texts("app.skip"))}</a>'
            f'<a class="brand" href="/">{escape(texts("app.name"))}</a>'
            f'<nav aria-label="{escape(texts("app.menu"))}"><ul>{links}</ul></nav>'
            f'<div class="who"><span><b>{escape(visit.user.name)}</b> {escape(role)}</span>'
            f'<div class="switches" role="group" aria-label="{escape(texts("app.look"))}">{look}'
            f'</div><div class="switches" role="group" aria-label="{escape(texts("app.language"))}"'
            f'>{languages}</div><form method="post" action="/logout"><button class="button quiet">'
            f"{escape(texts('app.log_out'))}</button></form></div>"
        )


def _switch(name: str, choices: dict[str, str], now: str, back: str) -> str:
    return "".join(
        f'<a href="/look?{name}={choice}&amp;next={back}"{current(choice == now)}>'
        f"{escape(words)}</a>"
        for choice, words in choices.items()
    )


def current(is_current: bool) -> str:
    """Return the attribute that marks a link to where one is."""
    return ' aria-current="true"' if is_current else ""


def _address(visit: Visit) -> str:
    query = {name: value for name, value in visit.query.items() if value}
    return visit.link(visit.path, **query)


def _title(page: Page[Any], visit: Visit) -> str:
    return escape(visit.texts(f"{page.key}.title"))
