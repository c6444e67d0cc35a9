"""What leaves the gateway about a customer: the message, its signature, a log line, and counts."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from agelane.v1 import assessment_pb2
from agelane_serving.gateway.assessment import Assessment
from agelane_serving.gateway.convert import to_message, to_proof
from agelane_serving.gateway.operations import metrics
from agelane_serving.gateway.operations.drift import AgeDrift
from agelane_serving.gateway.operations.tracing import describe
from agelane_serving.gateway.security.assessment_token import KeyRing
from agelane_serving.gateway.security.caller import Caller

# One line for each customer goes straight to structlog, which takes half as long.
_log = structlog.get_logger("assessments")


class Answers:
    """Makes answers of assessments."""

    def __init__(self, key_ring: Callable[[], KeyRing] | None) -> None:
        """`key_ring` gives the keys of the moment; None: assessments are not signed."""
        self._key_ring = key_ring
        self.drift = AgeDrift()

    def message(self, assessment: Assessment) -> assessment_pb2.Assessment:
        """Return the message of an assessment."""
        message = to_message(assessment)
        if self._key_ring is not None:
            message.assessment_token = self._key_ring().sign(to_proof(assessment))
        return message

    def take_note(self, assessment: Assessment, caller: Caller, seconds: float) -> None:
        """Log and count an assessment for which a photo was looked at for so many seconds."""
        verdict, version = assessment.verdict, assessment.model_version or 0
        metrics.ASSESSMENTS.labels(verdict.decision.name, verdict.reasons[0].name, version).inc()
        metrics.ALL_SECONDS.observe(seconds)
        if assessment.estimate is not None:
            self.drift.saw(assessment.estimate.age_years)
        describe(request_id=assessment.customer.request_id, decision=verdict.decision.name)
        # Neither age nor face: a log is read by people who need not know them.
        _log.info(
            "assessed",
            assessment_id=assessment.id,
            token_id=caller.token_id,
            store_id=assessment.customer.store_id,
            lane_id=assessment.customer.lane_id,
            decision=verdict.decision.name,
            reasons=[reason.name for reason in verdict.reasons],
            model_version=version,
            frames=assessment.frames_used,
            milliseconds=round(1000 * seconds, 1),
        )
