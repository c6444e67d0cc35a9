"""Who makes a call, and what they may do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from agelane_serving.gateway.errors import CallError, Fault

NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""What tokens, keys, stores and lanes may be called."""


class Role(Enum):
    """What the bearer of a token is, by the words of the file."""

    LANE = "lane"
    MANAGER = "manager"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a call, and where they may."""

    token_id: str
    """The public id of the token, for logs and limits."""
    role: Role
    """What they are."""
    store_id: str | None
    """Their store; None: all of them."""
    lane_id: str | None
    """Their lane of that store; None: any."""

    def permit(self, *roles: Role) -> None:
        """Let these roles pass.

        Raises:
            CallError: ROLE_NOT_PERMITTED, the caller has another one.
        """
        if self.role not in roles:
            raise CallError(
                Fault.ROLE_NOT_PERMITTED, f"a {self.role.value}'s credentials may not do this"
            )

    def permitted_store(self, store_id: str, lane_id: str) -> tuple[str, str]:
        """Return the store and the lane that a request is about, "" where that stays open.

        Args:
            store_id: as the request has it; "": the caller's own.
            lane_id: likewise.

        Raises:
            CallError: STORE_NOT_PERMITTED, one of them is somebody else's.
        """
        return _own("store", store_id, self.store_id), _own("lane", lane_id, self.lane_id)


def _own(what: str, asked: str, own: str | None) -> str:
    if own is None or asked in ("", own):
        return own or asked
    raise CallError(Fault.STORE_NOT_PERMITTED, f"the credentials are another {what}'s")
