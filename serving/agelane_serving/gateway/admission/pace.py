"""How fast answers come when as many are asked for as the model can give."""

from __future__ import annotations

import time

_SMOOTHING = 0.05  # weight of the newest gap: the mean is that of the last twenty or so
_PRESSURE_SECONDS = 1.0


class Pace:
    """Mean time between two answers under pressure.

    Without pressure the gaps tell how often somebody asks, not how fast the model is.
    """

    def __init__(self) -> None:
        """Know nothing: as fast as anybody likes."""
        self.seconds = 0.0
        """Mean gap between two answers under pressure; 0 until there was one."""
        self._last = 0.0
        self._pressed_until = 0.0

    def begins(self) -> None:
        """Take note that the first call after a time without any begins."""
        self._last = time.monotonic()

    def pressed(self) -> None:
        """Take note that a call was turned away, so that there is pressure for a while."""
        self._pressed_until = time.monotonic() + _PRESSURE_SECONDS

    def answered(self, *, under_pressure: bool) -> None:
        """Take note of an answer."""
        now = time.monotonic()
        gap, self._last = now - self._last, now
        if under_pressure or now < self._pressed_until:
            weight = _SMOOTHING if self.seconds else 1.0
            self.seconds += weight * (gap - self.seconds)
