"""A photo that somebody tries: from the browser to the gateway, in memory, and kept nowhere."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from agelane.v1 import assessment_pb2
from agelane_serving.console.gateway import Gateway
from agelane_serving.console.pages.photo import PhotoPage
from agelane_serving.console.sources import SourceError
from agelane_serving.console.texts import Texts
from agelane_serving.console.visit import Visit

_LARGEST = 1024 * 1024
_STYLES = {"ALLOW": "allow", "VERIFY_ID": "verify", "REFUSE": "refuse"}


class TryPhoto:
    """Answers POST /photo with what the gateway says about the photo, as HTML."""

    def __init__(self, gateway: Gateway, visit_of: Callable[[Request], Visit]) -> None:
        """`visit_of` tells who asks, of requests that the guard let pass."""
        self._gateway, self._visit_of = gateway, visit_of

    async def answer(self, request: Request) -> Response:
        """Assess the photo that is the request's body."""
        visit = self._visit_of(request)
        if visit.user.role not in PhotoPage.roles:
            return PlainTextResponse("not allowed", 403)
        photo = b""
        # Read here and not as a form, of which larger parts would go through a file.
        async for part in request.stream():
            photo += part
            if len(photo) > _LARGEST:
                return HTMLResponse(_sorry(visit.texts, "photo.too_large"), 413)
        try:
            assessment = await self._gateway.assess(photo, visit.store)
        except SourceError as error:
            if error.code == "INVALID_ARGUMENT":
                return HTMLResponse(_sorry(visit.texts, "photo.unusable"), 422)
            return HTMLResponse(_sorry(visit.texts, "trouble.gateway_away"), 503)
        return HTMLResponse(result(visit.texts, assessment))


def result(texts: Texts, assessment: assessment_pb2.Assessment) -> str:
    """Return what an assessment says, as HTML."""
    decision = assessment_pb2.AlcoholDecision.Name(assessment.alcohol_decision)
    decision = decision.removeprefix("ALCOHOL_DECISION_")
    reasons = [texts.name("reason", _reason(reason)) for reason in assessment.reasons if reason]
    facts = "".join(
        f'<div class="tile"><dt>{escape(name)}</dt><dd><b>{escape(figure)}</b>'
        f"<span>{escape(word)}</span></dd></div>"
        for name, figure, word in _facts(texts, assessment)
    )
    return (
        f'<p class="decision {_STYLES.get(decision, "verify")}">'
        f"{escape(texts.name('decision', decision))}"
        f"<small>{escape('; '.join(reasons))}</small></p>"
        f'<dl class="tiles">{facts}</dl>'
        f'<p class="note">{escape(texts("photo.versions", **_versions(assessment)))}</p>'
    )


def _facts(texts: Texts, assessment: assessment_pb2.Assessment) -> list[tuple[str, str, str]]:
    if not assessment.HasField("age_years"):
        return []
    low, high = assessment.age_low_years, assessment.age_high_years
    interval = texts("photo.interval", low=texts.number(low, 1), high=texts.number(high, 1))
    return [
        (texts("photo.age"), texts.number(assessment.age_years, 1), interval),
        (
            texts("photo.group"),
            assessment.age_group.label,
            texts("photo.sure", share=texts.percent(assessment.age_group_probability)),
        ),
        (
            texts("photo.under", age=assessment.legal_age_years),
            _small(texts, assessment.probability_under_legal_age),
            texts("photo.under_word"),
        ),
    ]


def _small(texts: Texts, probability: float) -> str:
    """Return a probability that may be tiny, and is never told as none."""
    least = 0.001
    return f"< {texts.percent(least, 1)}" if probability < least else texts.percent(probability, 1)


def _versions(assessment: assessment_pb2.Assessment) -> dict[str, object]:
    model = assessment.model.version if assessment.HasField("model") else "–"
    return {"model": model, "policy": assessment.policy_version}


def _reason(reason: assessment_pb2.DecisionReason.ValueType) -> str:
    if reason not in assessment_pb2.DecisionReason.values():
        return f"REASON_{reason}"
    return assessment_pb2.DecisionReason.Name(reason).removeprefix("DECISION_REASON_")


def _sorry(texts: Texts, key: str) -> str:
    return f'<p class="notice trouble" role="alert">{escape(texts(key))}</p>'
