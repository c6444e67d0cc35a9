"""The model as the use case sees it: calls wait their turn and go to the version that is theirs."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import replace

from agelane_serving.gateway.admission.queue import AdmissionQueue
from agelane_serving.gateway.assessment import ModelAnswer
from agelane_serving.gateway.deadline import Deadline
from agelane_serving.gateway.errors import ModelSlow, ModelUnavailable
from agelane_serving.gateway.model.rollout import Rollout
from agelane_serving.gateway.model.servers import ModelServers
from agelane_serving.gateway.operations import metrics
from agelane_serving.gateway.operations.tracing import span
from agelane_serving.gateway.photo.header import PhotoHeader
from agelane_serving.gateway.photo.upright import Uprighter, UprightPhoto
from agelane_serving.policy import Decision

_MOST_SHADOWS = 4
_FAIR_SECONDS = 0.25  # whoever leaves less can't call a version slow
_logger = logging.getLogger(__name__)


class AgeModel:
    """Estimates ages with the version in charge or, on some lanes, the one on trial."""

    def __init__(
        self, servers: ModelServers, queue: AdmissionQueue, rollout: Rollout, uprighter: Uprighter
    ) -> None:
        """All four are used as long as the model is."""
        self.model_name = servers.model_name
        self._servers, self._queue, self._rollout = servers, queue, rollout
        self._uprighter = uprighter
        self._shadows: set[asyncio.Task[None]] = set()

    async def predict(
        self, photo: bytes, header: PhotoHeader, lane: str, deadline: Deadline
    ) -> ModelAnswer:
        """Answer about one photo of a lane.

        Raises:
            PhotoUnusable: it can't be turned upright.
            ModelUnavailable: no answer that makes sense before the deadline.
            CallError: OVERLOADED.
        """
        came = time.monotonic()
        # Turning takes its time too, so it takes its turn: or one lane's photos delay all others.
        async with self._queue.place(lane, deadline):
            upright = await self._uprighter.turn(photo, header, deadline)
            began = time.monotonic()
            metrics.QUEUE_SECONDS.observe(began - came)
            try:
                with span("model"):
                    return await self._ask(upright, lane, deadline)
            finally:
                metrics.MODEL_SECONDS.observe(time.monotonic() - began)

    def shadow(
        self, answer: ModelAnswer, deadline: Deadline, decide: Callable[[ModelAnswer], Decision]
    ) -> None:
        """Ask the version on trial too, for a share of answers: would it have decided otherwise?

        Nobody waits for that. It ends by the call's deadline, and the photo is forgotten with it.
        """
        canary = None if answer.on_trial else self._rollout.shadow_for(random.random())
        if canary is None or len(self._shadows) >= _MOST_SHADOWS:
            return
        task = asyncio.create_task(self._compare(answer, canary, deadline, decide))
        self._shadows.add(task)
        task.add_done_callback(self._shadows.discard)

    async def close(self) -> None:
        """End what is in progress and disconnect."""
        for task in self._shadows:
            task.cancel()
        self._uprighter.close()
        await self._servers.close()

    async def _ask(self, photo: UprightPhoto, lane: str, deadline: Deadline) -> ModelAnswer:
        canary = self._rollout.canary_for(lane)
        if canary is not None:
            # Half of the time, so that the version in charge can still take over.
            trial = deadline.part(0.5)
            seconds = trial.remaining_seconds()
            try:
                answer = await self._servers.predict_once(photo, canary, trial)
            except ModelUnavailable as error:
                if not isinstance(error, ModelSlow) or seconds >= _FAIR_SECONDS:
                    self._rollout.canary_answered(failed=True)
                _logger.warning("%s failed, the version in charge takes over: %s", canary, error)
            else:
                self._rollout.canary_answered(failed=False)
                return replace(answer, on_trial=True)
        return await self._servers.predict(photo, self._rollout.stable, deadline)

    async def _compare(
        self,
        answer: ModelAnswer,
        canary: str,
        deadline: Deadline,
        decide: Callable[[ModelAnswer], Decision],
    ) -> None:
        try:
            other = await self._servers.predict_once(answer.photo, canary, deadline)
        except ModelUnavailable as error:
            _logger.debug("%s did not answer in the shadow: %s", canary, error)
            return
        self._rollout.shadow_answered(flipped=decide(other) is not decide(answer))
