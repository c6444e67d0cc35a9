"""Sessions end, and tries are slowed down, by a clock that the tests turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from agelane_serving.console.sessions import LONGEST_SECONDS, Sessions
from agelane_serving.console.throttle import Throttle
from agelane_serving.console.users import User, Users
from tests.serving.console.conftest import users as users_text


class Clock:
    """A clock that stands until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock."""
    return Clock()


@pytest.fixture
def users(tmp_path: Path) -> Users:
    """Users from a file."""
    path = tmp_path / "users.toml"
    path.write_text(users_text())
    return Users(path)


@pytest.fixture
def anna(users: Users) -> User:
    """One of them."""
    user = users.find("anna")
    assert user is not None
    return user


def test_a_session_ends_when_nobody_uses_it(users: Users, anna: User, clock: Clock) -> None:
    """What a page does by itself is no use."""
    sessions = Sessions(users, 600, clock)
    token = sessions.begin(anna)
    for _ in range(3):
        clock.now += 500
        assert sessions.user(token, use=True) == anna
    clock.now += 500
    assert sessions.user(token) == anna
    clock.now += 101
    assert sessions.user(token, use=True) is None


def test_a_session_ends_however_busy_it_is(users: Users, anna: User, clock: Clock) -> None:
    """After twelve hours somebody has to show anew who they are."""
    sessions = Sessions(users, 600, clock)
    token = sessions.begin(anna)
    begun = clock.now
    while clock.now < begun + LONGEST_SECONDS - 500:
        clock.now += 500
        assert sessions.user(token, use=True) == anna
    clock.now = begun + LONGEST_SECONDS + 1
    assert sessions.user(token, use=True) is None


def test_tokens_are_known_whole_or_not_at_all(users: Users, anna: User, clock: Clock) -> None:
    """Each session has its own."""
    sessions = Sessions(users, 600, clock)
    first, second = sessions.begin(anna), sessions.begin(anna)
    assert first != second
    sessions.end(first)
    assert sessions.user(first) is None
    assert sessions.user(second) == anna
    assert sessions.user(second[:-1]) is None
    assert sessions.user("") is None


def test_waits_grow_with_each_failure_and_have_an_end(clock: Clock) -> None:
    """A success, or an hour, forgets them."""
    throttle = Throttle(3, 60, clock)
    for _ in range(3):
        assert throttle.wait_seconds("anna") == 0
        throttle.failed("anna")
    waits = []
    for _ in range(9):
        waits.append(throttle.wait_seconds("anna"))
        clock.now += waits[-1]
        assert throttle.wait_seconds("anna") == 0
        throttle.failed("anna")
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert throttle.wait_seconds("mia") == 0
    throttle.succeeded("anna")
    assert throttle.wait_seconds("anna") == 0


def test_made_up_names_fill_no_memory(clock: Clock) -> None:
    """The oldest are forgotten."""
    throttle = Throttle(1, 60, clock)
    for number in range(10_001):
        throttle.failed(str(number))
    assert throttle.wait_seconds("0") == 0
    assert throttle.wait_seconds("10000") == 1
