"""Which faces pass the gates of a model card."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelane_serving.policy import Box, FaceGates, Faces
from tests.serving.policy.faces import FACE, GATES, any_faces, face_gates


def test_a_face_at_the_very_edge_of_every_gate_passes() -> None:
    """All gates include their ends."""
    face = replace(
        FACE, box=Box(0.0, 0.5, 0.25, 1.0), photo_size=(80, 160), score=0.75, sharpness=0.01
    )
    assert face.sides_pixels == (40, 40)
    assert GATES.passed_by(replace(face, brightness=0.1))
    assert GATES.passed_by(replace(face, brightness=0.95))


@pytest.mark.parametrize(
    "poor",
    [
        replace(FACE, score=0.74),
        replace(FACE, brightness=0.09),
        replace(FACE, brightness=0.96),
        replace(FACE, sharpness=0.009),
        replace(FACE, box=Box(0.2, 0.3, 0.39, 0.7)),
        replace(FACE, box=Box(0.2, 0.3, 0.8, 0.49)),
        replace(FACE, photo_size=(64, 200)),
        replace(FACE, photo_size=(200, 64)),
    ],
    ids=["unsure", "dark", "glaring", "blurred", "flat", "narrow", "small across", "small down"],
)
def test_one_closed_gate_is_enough(poor: Faces) -> None:
    """Size counts in pixels of the photo, by the shorter side."""
    assert GATES.passed_by(FACE)
    assert not GATES.passed_by(poor)


@pytest.mark.parametrize(
    "changes",
    [{name: math.nan} for name in ("score", "brightness", "sharpness")]
    + [
        {"box": replace(FACE.box, **{edge: math.nan})}
        for edge in ("top", "left", "bottom", "right")
    ],
)
@given(gates=face_gates)
def test_what_was_not_measured_passes_no_gate(changes: dict[str, Any], gates: FaceGates) -> None:
    """Not even one that stands wide open."""
    wide_open = FaceGates(0, 0, 0, 1, 0)
    face = replace(FACE, **changes)
    assert not wide_open.passed_by(face)
    assert not gates.passed_by(face)


@given(any_faces, face_gates, st.sampled_from(list(asdict(GATES))), st.floats(0, 1))
def test_a_narrower_gate_never_lets_more_through(
    faces: Faces, gates: FaceGates, name: str, by: float
) -> None:
    """Raising a lower limit, or lowering the upper one, only ever turns faces away."""
    value = getattr(gates, name)
    if name == "max_brightness":
        narrower = replace(gates, max_brightness=max(value - by, gates.min_brightness))
    else:
        most = {"min_score": 1.0, "min_brightness": gates.max_brightness}.get(name, math.inf)
        narrower = replace(gates, **{name: min(value + by, most)})
    assert gates.passed_by(faces) or not narrower.passed_by(faces)


@pytest.mark.parametrize("name", list(asdict(GATES)))
@pytest.mark.parametrize("value", [math.nan, math.inf, -0.01, True, "0.5", None, [0.5]])
def test_an_impossible_gate_is_none(name: str, value: Any) -> None:
    """It can't even be made."""
    with pytest.raises(ValueError, match=name):
        replace(GATES, **{name: value})


def test_gates_that_no_face_can_pass_are_refused() -> None:
    """Darker than black, surer than sure: somebody erred."""
    for changes in ({"min_score": 1.1}, {"max_brightness": 1.1}, {"max_brightness": 0.05}):
        with pytest.raises(ValueError, match="is not a number from"):
            replace(GATES, **changes)
