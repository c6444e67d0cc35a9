"""A configuration file is read anew when it changes; a wrong one changes nothing."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from agelane_serving.gateway.watched_file import ConfigurationError, WatchedFile
from tests.serving.gateway.conftest import until


def _number(text: str) -> int:
    return int(text)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that says 1."""
    path = tmp_path / "number.txt"
    path.write_text("1")
    return path


async def test_a_changed_file_is_read_anew(path: Path) -> None:
    """Also when it is replaced by another one, as editors and orchestrators do."""
    watched = WatchedFile("number", path, _number)
    following = asyncio.create_task(watched.follow())
    path.write_text("22")

    async def says(number: int) -> bool:
        return watched.current == number

    await until(lambda: says(22))
    aside = path.with_name("aside")
    aside.write_text("33")
    aside.replace(path)
    await until(lambda: says(33))
    following.cancel()


async def test_a_wrong_file_is_refused_loudly_and_the_old_one_stays(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, not each second; and a right one is taken again."""
    watched = WatchedFile("number", path, _number)
    following = asyncio.create_task(watched.follow())

    async def refused() -> bool:
        return watched.refused == 1

    with caplog.at_level(logging.ERROR):
        path.write_text("one")
        await until(refused)
        await asyncio.sleep(1.2)
    assert (watched.current, watched.refused) == (1, 1)
    assert "number" in caplog.text
    assert "what was there before stays in force" in caplog.text
    path.unlink()
    with pytest.raises(ConfigurationError, match=r"number\.txt"):
        watched.reload()
    assert watched.current == 1
    path.write_text("7")
    watched.reload()
    assert watched.current == 7
    following.cancel()


async def test_a_file_is_read_anew_when_what_it_depends_on_changes(path: Path) -> None:
    """And is refused, as when it changes itself, if it no longer makes sense."""
    offset = [0]

    def below_ten(text: str) -> int:
        if int(text) + offset[0] >= 10:
            raise ValueError("too much")
        return int(text) + offset[0]

    watched = WatchedFile("number", path, below_ten, lambda: offset[0])
    following = asyncio.create_task(watched.follow())

    async def says_five() -> bool:
        return watched.current == 5

    async def is_refused() -> bool:
        return watched.refused == 1

    offset[0] = 4
    await until(says_five)
    offset[0] = 9
    await until(is_refused)
    assert watched.current == 5
    following.cancel()


@pytest.mark.parametrize("content", [b"", b"one", b"\xff\xfe", b"1" * (4 * 1024 * 1024 + 1)])
def test_a_wrong_file_at_the_start_is_an_error(path: Path, content: bytes) -> None:
    """Nothing is there that could stay."""
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"number .*number\.txt"):
        WatchedFile("number", path, _number)
