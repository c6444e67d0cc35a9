"""Read what a model answers about photos. Whatever is not as the contract says is nonsense."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from agelane.tfserving.v1 import predict_pb2, tensor_pb2
from agelane_serving.gateway.model.tensors import TensorError, read_bools, read_floats, read_ints
from agelane_serving.policy import AgeDistribution, Box, Faces

_FACE_OUTPUTS = ("face_count", "face_box", "face_score", "brightness", "sharpness")
_AGES = 101
_ROUNDING = 1e-3
_Outputs = Mapping[str, tensor_pb2.TensorProto]


class Outputs(NamedTuple):
    """What a version says about one photo."""

    version: int
    """Version that answered, 1 or greater."""
    distribution: AgeDistribution | None
    """How old the customer is; None: the photo could not be decoded."""
    faces: Faces | None
    """What it found; None: the photo could not be decoded, or faces are not looked for."""


def read_outputs(
    response: predict_pb2.PredictResponse, photo_sizes: Sequence[tuple[int, int]]
) -> list[Outputs]:
    """Return what the model says about N photos of these widths and heights, in their order.

    A model that has none of the outputs for faces does not look for them; one that has some of them
    talks nonsense.

    Raises:
        TensorError: an output is missing, of another type or shape, or out of its range.
        DistributionError: the probabilities are no distribution.
    """
    if not response.model_spec.HasField("version") or response.model_spec.version.value < 1:
        raise TensorError("no version")
    version, outputs, count = response.model_spec.version.value, response.outputs, len(photo_sizes)
    readable = read_bools(outputs["ok"], [count])
    if not any(readable):  # then the others mean nothing, however odd they are
        return [Outputs(version, None, None)] * count
    ages = read_floats(outputs["age"], [count])
    probabilities = read_floats(outputs["age_probabilities"], [count, _AGES])
    faces = _FaceOutputs.read(outputs, count)
    found = []
    for row, (ok, size) in enumerate(zip(readable, photo_sizes, strict=True)):
        if not ok:
            found.append(Outputs(version, None, None))
            continue
        _within("age", ages[row], 0, 100)
        distribution = AgeDistribution(probabilities[_AGES * row : _AGES * (row + 1)])
        found.append(Outputs(version, distribution, faces and faces.of(row, size)))
    return found


class _FaceOutputs(NamedTuple):
    """What was found on N photos."""

    counts: tuple[int, ...]
    boxes: tuple[float, ...]
    scores: tuple[float, ...]
    brightnesses: tuple[float, ...]
    sharpnesses: tuple[float, ...]

    @classmethod
    def read(cls, outputs: _Outputs, count: int) -> _FaceOutputs | None:
        """Return them, or None where the model does not look for faces."""
        if not any(name in outputs for name in _FACE_OUTPUTS):
            return None
        return cls(
            read_ints(outputs["face_count"], [count]),
            read_floats(outputs["face_box"], [count, 4]),
            *[read_floats(outputs[name], [count]) for name in _FACE_OUTPUTS[2:]],
        )

    def of(self, row: int, photo_size: tuple[int, int]) -> Faces:
        """Return what was found on one photo of this width and height."""
        if self.counts[row] < 0:
            raise TensorError(f"{self.counts[row]} faces")
        box = Box(*self.boxes[4 * row : 4 * (row + 1)])
        if not (0 <= box.top <= box.bottom <= 1 and 0 <= box.left <= box.right <= 1):
            raise TensorError(f"{box} does not lie on the photo")
        return Faces(
            count=self.counts[row],
            box=box,
            photo_size=photo_size,
            score=_within("face_score", self.scores[row], 0, 1),
            brightness=_within("brightness", self.brightnesses[row], 0, 1),
            sharpness=_within("sharpness", self.sharpnesses[row], 0, math.inf),
        )


def _within(name: str, value: float, least: float, most: float) -> float:
    """Return a number of this range; what rounding carried over the edge comes back to it."""
    if not (least - _ROUNDING <= value <= most + _ROUNDING and math.isfinite(value)):
        raise TensorError(f"{name} is {value}")
    return min(max(value, least), most)
