"""What a version must pass before it is published: the faults that servers find too late.

Each check runs on the SavedModel as it was written, and most of them through a TF1 session, the
path by which TensorFlow Serving loads it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.framework import graph_pb2
from tensorflow.core.protobuf import saved_model_pb2

from agelane.tfserving.v1 import predict_pb2
from agelane_trainer.network.folded import ServingPrecision

WARM_UP_FILE = Path("assets.extra/tf_serving_warmup_requests")
TOLERANCE_YEARS: dict[ServingPrecision, float] = {
    "float32": 0.01,
    "bfloat16": 0.25,
    "float16": 0.25,
}
"""How far an age may lie from that of the network outside the graph."""
OUTPUTS = {
    "age": ("float32", [None]),
    "age_probabilities": ("float32", [None, 101]),
    "ok": ("bool", [None]),
    "face_count": ("int32", [None]),
    "face_box": ("float32", [None, 4]),
    "face_score": ("float32", [None]),
    "brightness": ("float32", [None]),
    "sharpness": ("float32", [None]),
}
"""Outputs of ``serving_default``: type and shape."""
_LARGEST_BYTES = 150_000_000
_FORBIDDEN_OPS = ("PyFunc", "PyFuncStateless", "EagerPyFunc", "ReadFile", "WriteFile", "Print")
"""A server has no Python, and a model has no business with files."""
_CPU_OPS = ("DecodeImage", "ParseTensor", "SerializeTensor", "DatasetToSingleElement")
_BAD = (b"", b"not a photo", b"\xff\xd8\xff\xe0 broken")
_BATCH = 32

Answers = dict[str, npt.NDArray[Any]]
Serve = Callable[[Sequence[bytes]], Answers]


class PreflightError(ValueError):
    """The version must not be published; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Golden:
    """Photos whose ages are known from the network outside the graph."""

    photos: Sequence[bytes]
    """Encoded photos, at least one of them."""
    ages: npt.NDArray[np.floating]
    """Their ages [N] (years), from float32."""


def preflight(folder: Path, precision: ServingPrecision, golden: Golden) -> float:
    """Check the SavedModel in ``folder``; returns its largest difference from the golden ages.

    Raises:
        PreflightError: it must not be published.
    """
    _check_size(folder)
    _check_graph(folder)
    _check_warm_up(folder)
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        try:
            meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
        except (tf.errors.OpError, ValueError, RuntimeError) as error:
            raise PreflightError(f"a TF1 session can't load it: {error}") from error
        _check_signatures(meta_graph.signature_def)
        serve = _server(session, meta_graph.signature_def["serving_default"])
        _check_bad_photos(serve, golden.photos[:4])
        return _check_ages(serve, golden, TOLERANCE_YEARS[precision])


def _check_size(folder: Path) -> None:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > _LARGEST_BYTES:
        raise PreflightError(f"{size:,} bytes are more than {_LARGEST_BYTES:,}")


def _check_graph(folder: Path) -> None:
    """Refuse operations that a server can't or mustn't run, and decoding that isn't on the CPU."""
    content = (folder / "saved_model.pb").read_bytes()
    saved = saved_model_pb2.SavedModel.FromString(content)
    for node in _nodes(saved.meta_graphs[0].graph_def):
        if node.op in _FORBIDDEN_OPS:
            raise PreflightError(f"the graph holds the forbidden operation {node.op}")
        if node.op in _CPU_OPS and "CPU:0" not in node.device:
            raise PreflightError(f"{node.op} ({node.name}) is not pinned to the CPU")


def _nodes(graph: graph_pb2.GraphDef) -> Iterator[Any]:
    yield from graph.node
    for function in graph.library.function:
        # What runs inside a tf.data pipeline has no device; its last operation has.
        in_pipeline = function.signature.name.startswith("__inference_Dataset")
        yield from (n for n in function.node_def if not (in_pipeline and n.op in _CPU_OPS))


def _check_warm_up(folder: Path) -> None:
    file = folder / WARM_UP_FILE
    records = list(tf.data.TFRecordDataset(str(file))) if file.exists() else []
    if not records:
        raise PreflightError("there are no warm-up records")
    for record in records:
        request = predict_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        if "image_bytes" not in request.inputs:
            raise PreflightError("a warm-up record holds no photo")


def _check_signatures(signatures: Mapping[str, Any]) -> None:
    if set(signatures) - {"__saved_model_init_op"} != {"serving_default", "model_card"}:
        raise PreflightError(f"the signatures are {', '.join(sorted(signatures))}")
    found = {
        name: (
            tf.as_dtype(info.dtype).name,
            [None if d.size < 0 else d.size for d in info.tensor_shape.dim],
        )
        for name, info in signatures["serving_default"].outputs.items()
    }
    if found != OUTPUTS:
        raise PreflightError(f"serving_default answers {found} instead of {OUTPUTS}")


def _server(session: Any, signature: Any) -> Serve:
    outputs = {name: tensor.name for name, tensor in signature.outputs.items()}
    photos = signature.inputs["image_bytes"].name
    return lambda batch: session.run(outputs, {photos: list(batch)})


def _check_bad_photos(serve: Serve, good: Sequence[bytes]) -> None:
    """Undecodable photos must spoil only their own rows."""
    try:
        alone, mixed = serve(good), serve([*_BAD, *good])
    except tf.errors.OpError as error:
        raise PreflightError(f"bad photos among good ones fail all of them: {error}") from error
    if mixed["ok"].tolist() != [False] * len(_BAD) + [True] * len(good):
        raise PreflightError(f"bad photos among good ones: ok is {mixed['ok'].tolist()}")
    if mixed["age"][: len(_BAD)].any() or mixed["face_count"][: len(_BAD)].any():
        raise PreflightError("a photo that can't be decoded got an age or a face")
    # The batch has another size, so that sums may round differently.
    if np.abs(mixed["age"][len(_BAD) :] - alone["age"]).max() > max(TOLERANCE_YEARS.values()):
        raise PreflightError("bad photos change the ages of their neighbours")


def _check_ages(serve: Serve, golden: Golden, tolerance_years: float) -> float:
    ages = []
    for start in range(0, len(golden.photos), _BATCH):
        answers = serve(golden.photos[start : start + _BATCH])
        if not all(np.isfinite(answers[name]).all() for name in ("age", "age_probabilities")):
            raise PreflightError("an answer is not finite")
        if np.abs(answers["age_probabilities"].sum(axis=1) - 1).max() > 1e-3:
            raise PreflightError("probabilities don't sum to 1")
        ages.append(answers["age"])
    apart = np.abs(np.concatenate(ages) - golden.ages)
    if not apart.max() <= tolerance_years:
        worst = int(apart.argmax())
        raise PreflightError(
            f"photo {hashlib.sha256(golden.photos[worst]).hexdigest()[:8]} is off by "
            f"{apart[worst]:.3f} years, one of {int((apart > tolerance_years).sum())} of "
            f"{len(apart)} that are off by more than {tolerance_years}"
        )
    return float(apart.max())
