"""A ledger's nightly upkeep: all of it is done, whatever becomes of its parts."""

from __future__ import annotations

import logging
import shutil
import time
from datetime import time as TimeOfDay  # noqa: N812  # as in `upkeep`
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from agelane_serving import upkeep
from agelane_serving.ledger.migrate import migrate
from agelane_serving.ledger.schema import events
from agelane_serving.ledger.store import Store, engine_for, transaction
from agelane_serving.upkeep import main, next_moment
from tests.serving.ledger.sales import KEY, sale

DAY_SECONDS = 86_400


class Shop:
    """A ledger in SQLite, and its upkeep."""

    def __init__(self, folder: Path) -> None:
        """Its files are in a folder."""
        self.url = f"sqlite:///{folder / 'ledger.db'}"
        self.key, self.seen = folder / "ledger.key", folder / "seen"

    def record(self, sales: int) -> None:
        """Record so many more."""
        store = Store(self.url, KEY)
        store.record([sale() for _ in range(sales)])
        store.close()

    def look_after(self, *flags: str) -> int:
        """Run the upkeep; return its exit code."""
        where = (f"--ledger={self.url}", f"--key={self.key}", f"--seen={self.seen}")
        return main([*where, "--days=400", *flags])

    def change(self) -> None:
        """Alter an event, as somebody who can write to the database might."""
        engine = engine_for(self.url)
        with transaction(engine) as connection:
            connection.execute(update(events).where(events.c.number == 2).values(lane_id="9"))
        engine.dispose()

    def cut_off(self) -> None:
        """Go back to an empty ledger, whose chain is whole."""
        Path(self.url.removeprefix("sqlite:///")).unlink()
        migrate(self.url)

    def count(self) -> int:
        """Return how many events there are."""
        engine = engine_for(self.url)
        with engine.connect() as connection:
            found = connection.execute(select(func.count()).select_from(events)).scalar_one()
        engine.dispose()
        return found


@pytest.fixture(scope="module")
def good_night(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The folder of a shop with three sales after its first night, and the exit code."""
    folder = tmp_path_factory.mktemp("shop")
    shop = Shop(folder)
    shop.key.write_bytes(KEY)
    migrate(shop.url)
    shop.record(3)
    return folder, shop.look_after()


@pytest.fixture
def shop(good_night: tuple[Path, int], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Shop:
    """Such a shop, whose upkeep is heard from now on."""
    shutil.copytree(good_night[0], tmp_path, dirs_exist_ok=True)
    caplog.set_level(logging.INFO)
    return Shop(tmp_path)


def test_after_a_good_night_its_end_is_kept(good_night: tuple[Path, int]) -> None:
    """Outside of the database."""
    folder, code = good_night
    assert code == 0
    assert Shop(folder).seen.read_text().startswith("3:")


def test_what_is_old_goes_and_the_chain_is_still_verified(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A year and more later, with the end of that time kept; all three parts say what they did."""
    later = time.time() + 401 * DAY_SECONDS
    monkeypatch.setattr(time, "time", lambda: later)
    assert shop.look_after() == 0
    assert shop.count() == 0
    parts = [record.message.partition(":")[0] for record in caplog.records]
    assert parts == ["retention", "reports", "verification"]


def test_a_changed_event_fails_the_night_and_the_rest_is_done(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """What was kept before stays, so that whoever watches its age notices."""
    before = shop.seen.read_text()
    shop.record(1)
    shop.change()
    assert shop.look_after() == 1
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO", "ERROR"]
    assert shop.seen.read_text() == before


def test_an_end_that_was_cut_off_is_noticed(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """By the event that was the last one the night before."""
    shop.cut_off()
    assert shop.look_after() == 1
    assert "is not there any more" in caplog.text


def test_without_its_database_everything_fails_and_nothing_breaks(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """Each part says so."""
    shop.url = "postgresql+psycopg://127.0.0.1:1/agelane"
    assert shop.look_after() == 1
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 3


@pytest.mark.parametrize("content", ["", "3:ff"])
def test_a_kept_end_that_is_none_fails_the_night(
    shop: Shop, caplog: pytest.LogCaptureFixture, content: str
) -> None:
    """To go on without it would hide what it is there for; the rest is done."""
    shop.seen.write_text(content)
    assert shop.look_after() == 1
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO", "ERROR"]


class Nights:
    """A clock that sleeping moves on, until it has run for some nights."""

    def __init__(self, nights: int) -> None:
        self.now, self.end = time.time(), time.time() + nights * DAY_SECONDS

    def sleep(self, seconds: float) -> None:
        """Let time pass; EndOfTest when it is over."""
        self.now += seconds
        if self.now > self.end:
            raise EndOfTest


class EndOfTest(Exception):
    """Nobody else ends it."""


@pytest.mark.parametrize(("begun", "times"), [("fresh", 4), ("well", 3)])
def test_it_is_done_every_night_and_at_once_where_one_was_missed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, begun: str, times: int
) -> None:
    """Failed or not; who starts on a machine that was off at night does not wait for the next."""
    if begun == "fresh":
        shop.seen.unlink()
    done: list[float] = []
    clock = Nights(3)

    def do_all(_: upkeep.Upkeep) -> bool:
        done.append(clock.now)
        return False

    monkeypatch.setattr(upkeep.Upkeep, "do_all", do_all)
    monkeypatch.setattr(time, "time", lambda: clock.now)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    with pytest.raises(EndOfTest):
        shop.look_after("--at=03:00")
    assert len(done) == times
    at = [time.strftime("%H:%M", time.localtime(moment)) for moment in done[-3:]]
    assert at == ["03:00"] * 3


@given(st.floats(0, 4e9), st.times().map(lambda at: at.replace(second=0, microsecond=0)))
def test_the_next_time_is_within_a_day_of_local_time(now: float, at: TimeOfDay) -> None:
    """Never now, which would be twice in a row; an hour more when clocks are put back."""
    moment = next_moment(now, at)
    assert 0 < moment - now <= DAY_SECONDS + 3_600
