"""The model as the use case sees it: calls wait their turn and go to the version that is theirs."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable

from agelane_serving.gateway.admission.queue import AdmissionQueue
from agelane_serving.gateway.assessment import ModelAnswer
from agelane_serving.gateway.deadline import Deadline
from agelane_serving.gateway.errors import ModelUnavailable
from agelane_serving.gateway.model.rollout import Rollout
from agelane_serving.gateway.model.servers import ModelServers
from agelane_serving.gateway.operations import metrics
from agelane_serving.gateway.operations.tracing import span
from agelane_serving.gateway.photo.upright import UprightPhoto
from agelane_serving.policy import Decision

_MOST_SHADOWS = 4
_logger = logging.getLogger(__name__)


class AgeModel:
    """Estimates ages with the version in charge or, on some lanes, the one on trial."""

    def __init__(self, servers: ModelServers, queue: AdmissionQueue, rollout: Rollout) -> None:
        """All three are used as long as the model is."""
        self.model_name = servers.model_name
        self._servers, self._queue, self._rollout = servers, queue, rollout
        self._shadows: set[asyncio.Task[None]] = set()

    async def predict(self, photo: UprightPhoto, lane: str, deadline: Deadline) -> ModelAnswer:
        """Answer about one photo of a lane.

        Raises:
            ModelUnavailable: no answer that makes sense before the deadline.
            CallError: OVERLOADED.
        """
        came = time.monotonic()
        async with self._queue.place(lane, deadline):
            began = time.monotonic()
            metrics.QUEUE_SECONDS.observe(began - came)
            try:
                with span("model"):
                    return await self._ask(photo, lane, deadline)
            finally:
                metrics.MODEL_SECONDS.observe(time.monotonic() - began)

    def shadow(
        self,
        photo: UprightPhoto,
        deadline: Deadline,
        decided: Decision,
        decide: Callable[[ModelAnswer], Decision],
    ) -> None:
        """Ask the version on trial too, for a share of calls: would it have decided otherwise?

        Nobody waits for that. It ends by the call's deadline, and the photo is forgotten with it.
        """
        canary = self._rollout.shadow_for(random.random())
        if canary is None or len(self._shadows) >= _MOST_SHADOWS:
            return
        task = asyncio.create_task(self._compare(photo, canary, deadline, decided, decide))
        self._shadows.add(task)
        task.add_done_callback(self._shadows.discard)

    async def close(self) -> None:
        """End what is in progress and disconnect."""
        for task in self._shadows:
            task.cancel()
        await self._servers.close()

    async def _ask(self, photo: UprightPhoto, lane: str, deadline: Deadline) -> ModelAnswer:
        canary = self._rollout.canary_for(lane)
        if canary is not None:
            try:
                answer = await self._servers.predict_once(photo, canary, deadline)
            except ModelUnavailable as error:
                self._rollout.canary_answered(failed=True)
                _logger.warning("%s failed, the version in charge takes over: %s", canary, error)
            else:
                self._rollout.canary_answered(failed=False)
                return answer
        return await self._servers.predict(photo, self._rollout.stable, deadline)

    async def _compare(
        self,
        photo: UprightPhoto,
        canary: str,
        deadline: Deadline,
        decided: Decision,
        decide: Callable[[ModelAnswer], Decision],
    ) -> None:
        try:
            answer = await self._servers.predict_once(photo, canary, deadline)
        except ModelUnavailable as error:
            _logger.debug("%s did not answer in the shadow: %s", canary, error)
            return
        self._rollout.shadow_answered(flipped=decide(answer) is not decided)
