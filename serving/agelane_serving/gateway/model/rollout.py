"""Try a new version on some lanes, or in the shadow, and go back by itself if it does badly."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable

from agelane_serving.gateway.model.rollout_file import RolloutPlan
from agelane_serving.gateway.operations import metrics

_WHOLE = 2**32
_logger = logging.getLogger(__name__)


class Rollout:
    """Who is answered by which version; for one process, which judges by what it sees itself."""

    def __init__(self, plan: Callable[[], RolloutPlan]) -> None:
        """`plan` gives the operator's plan of the moment; a new one begins a new trial."""
        self._plan = plan
        self._begin(plan())

    @property
    def stable(self) -> str:
        """Label of the version in charge."""
        return self._current().stable

    @property
    def canary(self) -> str:
        """Label of the version on trial; "" if there is none."""
        return self._current().canary

    def canary_for(self, lane: str) -> str | None:
        """Return the canary's label if it answers this lane; always the same lanes (sticky)."""
        plan = self._current()
        if self.rolled_back or not plan.canary_share:
            return None
        place = zlib.crc32(lane.encode()) / _WHOLE
        return plan.canary if place < plan.canary_share else None

    def shadow_for(self, draw: float) -> str | None:
        """Return the canary's label if it is to be asked too; `draw` is uniform in [0, 1)."""
        plan = self._current()
        return plan.canary if draw < plan.shadow_share and not self.rolled_back else None

    def canary_answered(self, *, failed: bool) -> None:
        """Take note of a call that the canary was to answer."""
        metrics.CANARY.labels("failed" if failed else "answered").inc()
        self._calls += 1
        self._failures += failed
        share = self._current().max_failure_share
        self._judge(self._failures, self._calls, share, "calls failed")

    def shadow_answered(self, *, flipped: bool) -> None:
        """Take note of a shadow call, and whether the canary decided otherwise."""
        metrics.SHADOW.labels("flipped" if flipped else "same").inc()
        self._shadows += 1
        self._flips += flipped
        share = self._current().max_flip_share
        self._judge(self._flips, self._shadows, share, "decisions differed")

    def _current(self) -> RolloutPlan:
        plan = self._plan()
        if plan != self._planned:  # a file that is read anew unchanged begins no new trial
            self._begin(plan)
        return plan

    def _begin(self, plan: RolloutPlan) -> None:
        self._planned = plan
        self._calls = self._failures = self._shadows = self._flips = 0
        self.rolled_back = False
        """Whether the canary did badly; it stays so until the operator changes the plan."""

    def _judge(self, bad: int, calls: int, most: float, what: str) -> None:
        plan = self._planned
        # Before so many calls the share is taken as if all the others had gone well.
        if not self.rolled_back and bad > most * max(calls, plan.min_calls):
            self.rolled_back = True
            _logger.error("%s is rolled back: %d of %d %s", plan.canary, bad, calls, what)
