"""Try a photo: what would a lane be told? The photo goes to the gateway and is kept nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from agelane_serving.console import markup
from agelane_serving.console.page import Page
from agelane_serving.console.tables import Table
from agelane_serving.console.users import Role
from agelane_serving.console.visit import Visit


class PhotoPage(Page[None]):
    """Try a photo, from a file or a tablet's camera."""

    key = "photo"
    roles = frozenset({Role.MANAGER, Role.OPERATOR})

    def fields(self, visit: Visit, stores: Sequence[str]) -> Sequence[str]:
        """Return the field for the store, whose rules may differ."""
        return [markup.store_field(visit, stores)]

    async def load(self, visit: Visit) -> None:
        """Read nothing."""

    def tables(self, visit: Visit, data: None) -> Sequence[Table]:
        """Return none: nothing of it is kept."""
        return ()

    def show(self, visit: Visit, data: None) -> None:
        """Put the camera, and where the answer will be. console.js does the rest."""
        words = {
            name: escape(visit.texts(f"photo.{name}"))
            for name in (
                *("pick", "start", "take", "stage", "alt", "private"),
                *("no_camera", "working", "failed", "waiting"),
            )
        }
        markup.put(
            f'<section class="card photo" data-no-camera="{words["no_camera"]}" '
            f'data-working="{words["working"]}" data-failed="{words["failed"]}">'
            f'<div><div class="stage"><span>{words["stage"]}</span>'
            f'<video hidden muted playsinline></video><img hidden alt="{words["alt"]}"></div>'
            f'<div class="actions"><label class="button main pick">{words["pick"]}'
            '<input class="unseen" type="file" accept="image/jpeg,image/png"></label>'
            f'<button type="button" class="button" data-do="start">{words["start"]}</button>'
            f'<button type="button" class="button main" data-do="take" hidden>{words["take"]}'
            f'</button></div><p class="note">{words["private"]}</p></div>'
            f'<div class="result" role="status"><p class="empty">{words["waiting"]}</p></div>'
            "</section>"
        )
