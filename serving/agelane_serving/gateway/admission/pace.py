"""How fast answers come when as many are asked for as the model can give."""

from __future__ import annotations

import time

_SMOOTHING = 0.05  # weight of the newest gap: the mean is that of the last twenty or so
_STALE_SECONDS = 5.0
_PRESSURE_SECONDS = 1.0
_ENOUGH_GAPS = 8  # fewer say little: those of a batch come at once, and the first after all of them


class Pace:
    """Mean time between two answers under pressure.

    Without pressure the gaps tell how often somebody asks, not how fast the model is.
    """

    def __init__(self) -> None:
        """Know nothing: as fast as anybody likes."""
        self._mean_gap = 0.0
        self._last = self._known_until = 0.0
        self._gaps = 0
        self._pressed_until = 0.0

    @property
    def seconds(self) -> float:
        """Mean gap between two answers under pressure; 0 until enough are known."""
        return self._mean_gap if self._gaps >= _ENOUGH_GAPS else 0.0

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
        if not under_pressure and now >= self._pressed_until:
            return
        if now > self._known_until:
            self._gaps, self._mean_gap = 0, 0.0
        self._gaps += 1
        # A plain mean at first: the very first gap is that of a whole answer.
        self._mean_gap += max(_SMOOTHING, 1 / self._gaps) * (gap - self._mean_gap)
        self._known_until = now + _STALE_SECONDS
