"""Who is logged in. In memory alone: a restart ends all sessions, and no key is there to leak."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from agelane_serving.console.users import User, Users

LONGEST_SECONDS = 12 * 3600.0
"""After this a session ends, however busy it is."""


@dataclass(slots=True)
class _Session:
    user: User
    begun_at: float
    used_at: float


class Sessions:
    """Sessions by their tokens, which browsers keep as a cookie; 256 random bits each."""

    def __init__(
        self, users: Users, idle_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """A session ends after `idle_seconds` without use, or once its user's entry changes."""
        self._users, self._idle_seconds, self._clock = users, idle_seconds, clock
        # By hashes: a dump of the memory or a timing tells no token.
        self._sessions: dict[bytes, _Session] = {}

    def begin(self, user: User) -> str:
        """Return the token of a new session."""
        self._drop_ended()
        token, now = secrets.token_urlsafe(32), self._clock()
        self._sessions[_name(token)] = _Session(user, now, now)
        return token

    def user(self, token: str, *, use: bool = False) -> User | None:
        """Return who a session belongs to; None: there is none, or it has ended.

        `use` puts off its end: for what a person does, not for what a page does by itself.
        """
        session = self._sessions.get(_name(token))
        if session is None:
            return None
        if self._has_ended(session):
            self.end(token)
            return None
        if use:
            session.used_at = self._clock()
        return session.user

    def end(self, token: str) -> None:
        """End a session, if there is one."""
        self._sessions.pop(_name(token), None)

    def _has_ended(self, session: _Session) -> bool:
        now = self._clock()
        if now - session.used_at > self._idle_seconds or now - session.begun_at > LONGEST_SECONDS:
            return True
        return self._users.find(session.user.name) != session.user

    def _drop_ended(self) -> None:
        ended = [name for name, session in self._sessions.items() if self._has_ended(session)]
        for name in ended:
            del self._sessions[name]


def _name(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
