"""Tables for spreadsheets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from agelane_serving.console.page import Page
from agelane_serving.console.sources import SourceError
from agelane_serving.console.tables import to_csv
from agelane_serving.console.visit import Visit


class Export:
    """Answers /export/<page>/<table>.csv to those who may see the page, with its filters."""

    def __init__(self, pages: Sequence[Page[Any]], visit_of: Callable[[Request], Visit]) -> None:
        """`visit_of` tells who asks, of requests that the guard let pass."""
        self._pages = {page.key: page for page in pages}
        self._visit_of = visit_of

    async def answer(self, request: Request) -> Response:
        """Return one table."""
        visit = self._visit_of(request)
        page = self._pages.get(request.path_params["page"])
        if page is None:
            return PlainTextResponse("there is no such page", 404)
        if not page.permits(visit):
            return PlainTextResponse("not allowed", 403)
        try:
            tables = page.tables(visit, await page.load(visit))
        except SourceError as error:
            return PlainTextResponse(visit.texts(f"trouble.{error.source.value}_away"), 503)
        for table in tables:
            if table.name == request.path_params["table"]:
                name = f"{page.path.strip('/')}-{table.name}.csv"
                return Response(
                    to_csv(table, visit.texts.language),
                    media_type="text/csv; charset=utf-8",
                    headers={"content-disposition": f'attachment; filename="{name}"'},
                )
        return PlainTextResponse("there is no such table", 404)
