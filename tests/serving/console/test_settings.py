"""The console refuses to start with what is not safe or can't work."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelane_serving.console.settings import Settings, parse_settings
from agelane_serving.console.texts import texts_of
from agelane_serving.console.users import Role, User
from agelane_serving.console.visit import LONGEST_DAYS, Visit
from agelane_serving.flags import SettingsError

NEEDED = ("--users=users.toml", "--ledger=sqlite:///ledger.db")
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--listen=0.0.0.0:8080",), "no TLS"),
        (("--listen=8080",), "HOST:PORT"),
        (("--tls-key=key.pem",), "belong together"),
        (("--gateway=gateway:50051",), "--insecure-gateway"),
        (("--admin=gateway:50052",), "--insecure-gateway"),
        (("--idle-minutes=0",), "1 to 720"),
        (("--time-zone=Mars/Base",), "not known"),
        (("--log-level=LOUD",), "--log-level"),
    ],
)
def test_a_setting_that_is_not_safe_is_named(
    flags: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit code 2."""
    with pytest.raises(SystemExit) as caught:
        parse_settings([*NEEDED, *flags], {})
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("left_out", NEEDED)
def test_users_and_ledger_must_be_given(left_out: str, capsys: pytest.CaptureFixture[str]) -> None:
    """There is no console without them."""
    with pytest.raises(SystemExit):
        parse_settings([flag for flag in NEEDED if flag != left_out], {})
    assert "must be given" in capsys.readouterr().err


def test_what_is_said_in_so_many_words_is_allowed() -> None:
    """Plaintext on a network where nobody else is."""
    flags = ("--listen=0.0.0.0:80", "--insecure-listen", "--gateway=g:1", "--insecure-gateway")
    assert parse_settings([*NEEDED, *flags], {}).insecure_listen


def test_the_environment_stands_in_for_flags() -> None:
    """For containers; a flag counts more."""
    environment = {
        "AGELANE_CONSOLE_TIME_ZONE": "Europe/Berlin",
        "AGELANE_CONSOLE_LISTEN": "[::1]:1",
    }
    settings = parse_settings([*NEEDED, "--listen=127.0.0.1:2"], environment)
    assert (settings.zone, settings.listen) == (BERLIN, "127.0.0.1:2")


def test_a_setting_of_a_program_is_checked_as_well() -> None:
    """Not only those of the command line."""
    with pytest.raises(SettingsError, match="no TLS"):
        Settings(listen="10.0.0.1:1", users=Path("u"), ledger="sqlite://")


def test_a_file_that_is_not_there_ends_the_start() -> None:
    """With exit code 1 and its name, and no traceback."""
    command = [sys.executable, "-m", "agelane_serving.console", "--users=/no/users.toml", NEEDED[1]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "/no/users.toml" in done.stderr
    assert "Traceback" not in done.stderr


def visit(query: dict[str, str], stores: tuple[str, ...] | None = None) -> Visit:
    """Return a visit at noon of the day on which clocks were set back."""
    user = User("anna", Role.MANAGER, stores, "", "")
    now = datetime(2026, 10, 25, 12, tzinfo=BERLIN)
    return Visit(user, "", texts_of("en"), BERLIN, now, "/today", query)


def test_days_are_the_stores_own() -> None:
    """The day on which clocks are set back has 25 hours; today ends now."""
    day = date(2026, 10, 25)
    span = visit({}).span(day, day)
    assert span.end - span.start == 13 * 3600
    span = visit({}).span(date(2026, 10, 24), date(2026, 10, 24))
    assert span.end - span.start == 24 * 3600


def test_somebody_with_one_store_can_ask_for_no_other() -> None:
    """Whoever may see all may ask for any."""
    assert visit({"store": "kiel-2"}, ("hamburg-1",)).store == "hamburg-1"
    assert visit({"store": "kiel-2"}).store == "kiel-2"


@given(st.dictionaries(st.sampled_from(["from", "to", "day", "store"]), st.text()))
def test_any_filter_gives_days_in_order(query: dict[str, str]) -> None:
    """Not later than today, and not more than a report can take."""
    asked = visit(query)
    first, last = asked.days()
    assert first <= last <= asked.now.date()
    assert (last - first).days <= LONGEST_DAYS
    span = asked.span(first, last)
    assert span.start < span.end
