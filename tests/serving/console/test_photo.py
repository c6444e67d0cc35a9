"""Trying a photo, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, Playwright

from tests.serving.console.conftest import Server, asking, seen
from tests.serving.gateway import photos
from tests.serving.gateway.fake_model_server import FakeModelServer, bell

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_photo_from_a_file_is_assessed(
    browser: Browser, console: Server, model: FakeModelServer, folder: Path
) -> None:
    """Age, interval, group and decision with its reason; the photo is on no disk and in no log."""
    photo = photos.jpeg((320, 240))
    async with seen(browser, console) as sight:
        await sight.log_in("igor")
        await sight.open("/photo")
        files = sight.page.locator("input[type=file]")
        await files.set_input_files({"name": "face.jpg", "mimeType": "image/jpeg", "buffer": photo})
        await sight.page.locator(".decision").wait_for()
        text = await sight.text()
        for words in ("Allow", "clearly over the legal age", "55-64", "90 % within", "version 7"):
            assert words in text
        assert sight.errors == []
    assert model.photos[-1] == photo
    kept = [path for path in folder.rglob("*") if path.is_file() and photo in path.read_bytes()]
    assert kept == []
    assert "face.jpg" not in "".join(console.lines)


async def test_a_photo_from_the_camera_is_assessed(
    browser: Browser, console: Server, model: FakeModelServer
) -> None:
    """As a JPEG that the tablet makes."""
    model.probabilities = bell(19)
    async with seen(browser, console) as sight:
        await sight.page.context.grant_permissions(["camera"])
        await sight.log_in("anna")
        await sight.open("/photo")
        await sight.page.get_by_role("button", name="Use the camera").click()
        await sight.page.get_by_role("button", name="Take the photo").click()
        await sight.page.locator(".decision").wait_for()
        assert "Look at a document" in await sight.text()
        assert sight.errors == []
    model.probabilities = bell(60)
    assert model.photos[-1].startswith(b"\xff\xd8")


async def test_what_is_no_photo_or_too_large_is_told(
    playwright: Playwright, console: Server
) -> None:
    """With what it must be, and without asking a model."""
    async with asking(playwright, console, "igor") as web:
        answer = await web.post("/photo", data=b"no photo")
        assert answer.status == 422
        assert "JPEG or PNG" in await answer.text()
        answer = await web.post("/photo", data=bytes(1024 * 1024 + 1))
        assert answer.status == 413


async def test_a_cashier_tries_no_photos(playwright: Playwright, console: Server) -> None:
    """It is for those who set up cameras."""
    async with asking(playwright, console, "omar") as web:
        assert (await web.post("/photo", data=photos.jpeg())).status == 403
