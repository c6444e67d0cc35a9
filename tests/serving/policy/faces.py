"""Faces and gates for tests."""

from __future__ import annotations

from hypothesis import strategies as st

from agelane_serving.policy import Box, FaceGates, Faces

GATES = FaceGates(0.75, 40, 0.1, 0.95, 0.01)
FACE = Faces(1, Box(0.2, 0.3, 0.8, 0.7), (200, 200), 0.98, 0.5, 0.1)
"""The only face on its photo; it passes GATES."""

_shares = st.sampled_from([0.0, 0.2, 0.8, 1.0]) | st.floats(0, 1) | st.floats()
any_faces = st.builds(
    Faces,
    count=st.sampled_from([1, 1, 1, 0, 2, 3]),
    box=st.builds(Box, top=_shares, left=_shares, bottom=_shares, right=_shares),
    photo_size=st.tuples(st.integers(32, 4000), st.integers(32, 4000)),
    score=st.just(0.9) | _shares,
    brightness=st.just(0.5) | _shares,
    sharpness=st.just(0.5) | st.floats(),
)
"""Good and poor ones, none and several, with numbers that are none among them."""


@st.composite
def _face_gates(draw: st.DrawFn) -> FaceGates:
    darkest = draw(st.floats(0, 1))
    return FaceGates(
        min_score=draw(st.floats(0, 1)),
        min_side_pixels=draw(st.floats(0, 500)),
        min_brightness=darkest,
        max_brightness=draw(st.floats(darkest, 1)),
        min_sharpness=draw(st.floats(0, 1)),
    )


face_gates = st.just(GATES) | _face_gates()
"""Gates that a card could tell."""
