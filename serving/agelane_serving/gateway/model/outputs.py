"""Read what a model answers about one photo. Whatever is not as the contract says is nonsense."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from agelane.tfserving.v1 import predict_pb2, tensor_pb2
from agelane_serving.gateway.model.tensors import TensorError, read_bools, read_floats, read_ints
from agelane_serving.policy import AgeDistribution, Box, Faces

_FACE_OUTPUTS = ("face_count", "face_box", "face_score", "brightness", "sharpness")
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


def read_outputs(response: predict_pb2.PredictResponse, photo_size: tuple[int, int]) -> Outputs:
    """Return what the model says about one photo of this width and height.

    A model that has none of the outputs for faces does not look for them; one that has some of them
    talks nonsense.

    Raises:
        TensorError: an output is missing, of another type or shape, or out of its range.
        DistributionError: the probabilities are no distribution.
    """
    if not response.model_spec.HasField("version") or response.model_spec.version.value < 1:
        raise TensorError("no version")
    version, outputs = response.model_spec.version.value, response.outputs
    (ok,) = read_bools(outputs["ok"], [1])
    if not ok:  # then the others mean nothing, however odd they are
        return Outputs(version, None, None)
    _read_number(outputs, "age", 0, 100)
    probabilities = read_floats(outputs["age_probabilities"], [1, 101])
    return Outputs(version, AgeDistribution(probabilities), _read_faces(outputs, photo_size))


def _read_faces(outputs: _Outputs, photo_size: tuple[int, int]) -> Faces | None:
    if not any(name in outputs for name in _FACE_OUTPUTS):
        return None
    (count,) = read_ints(outputs["face_count"], [1])
    if count < 0:
        raise TensorError(f"{count} faces")
    return Faces(
        count=count,
        box=_read_box(outputs),
        photo_size=photo_size,
        score=_read_number(outputs, "face_score", 0, 1),
        brightness=_read_number(outputs, "brightness", 0, 1),
        sharpness=_read_number(outputs, "sharpness", 0, math.inf),
    )


def _read_box(outputs: _Outputs) -> Box:
    box = Box(*read_floats(outputs["face_box"], [1, 4]))
    if not (0 <= box.top <= box.bottom <= 1 and 0 <= box.left <= box.right <= 1):
        raise TensorError(f"{box} does not lie on the photo")
    return box


def _read_number(outputs: _Outputs, name: str, least: float, most: float) -> float:
    """Return a number within its range; what rounding carried over the edge comes back to it."""
    (value,) = read_floats(outputs[name], [1])
    if not (least - _ROUNDING <= value <= most + _ROUNDING and math.isfinite(value)):
        raise TensorError(f"{name} is {value}")
    return min(max(value, least), most)
