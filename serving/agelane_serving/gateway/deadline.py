"""How long a call may take, and how much of it the work for it may."""

from __future__ import annotations

import time
from dataclasses import dataclass

from agelane_serving.gateway.errors import CallError, Fault

DEFAULT_SECONDS = 1.0
LONGEST_SECONDS = 5.0
_SHORTEST_SECONDS = 0.01
# Kept back for making and sending the answer: a tenth of the time, at most this much.
_MARGIN_SHARE, _LONGEST_MARGIN_SECONDS = 0.1, 0.1


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment at which work for a call has to stop so that the answer still arrives."""

    at: float
    """By the clock of `time.monotonic`, in seconds."""

    def remaining_seconds(self) -> float:
        """Return the time that is left, 0 or greater."""
        return max(0.0, self.at - time.monotonic())

    def part(self, share: float) -> Deadline:
        """Return the deadline of an attempt that may use a share, 0 … 1, of what is left."""
        return Deadline(time.monotonic() + share * self.remaining_seconds())


def deadline_for(caller_seconds: float | None) -> Deadline:
    """Return the deadline for the work of a call.

    Args:
        caller_seconds: what the caller gives; None: nothing was said.

    Raises:
        CallError: that is too little to begin.
    """
    seconds = DEFAULT_SECONDS if caller_seconds is None else caller_seconds
    seconds = min(seconds, LONGEST_SECONDS)
    if seconds < _SHORTEST_SECONDS:
        raise CallError(Fault.DEADLINE_TOO_SHORT, "the deadline leaves too little time to begin")
    margin = min(seconds * _MARGIN_SHARE, _LONGEST_MARGIN_SECONDS)
    return Deadline(time.monotonic() + seconds - margin)
