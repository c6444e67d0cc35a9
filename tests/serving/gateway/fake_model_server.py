"""A scripted model server: speaks TensorFlow Serving's protocol and says what a test tells it."""

from __future__ import annotations

import asyncio
import json
import math
import struct
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc

from agelane.tfserving.v1 import predict_pb2, status_pb2, tensor_pb2

AVAILABLE = status_pb2.ModelVersionStatus.AVAILABLE
LOADING = status_pb2.ModelVersionStatus.LOADING
_Context = grpc.aio.ServicerContext[Any, Any]
Script = Callable[[predict_pb2.PredictResponse], Awaitable[None]]


def bell(age_years: float, width_years: float = 3.0) -> list[float]:
    """Return 101 probabilities around an age."""
    weights = [math.exp(-(((age - age_years) / width_years) ** 2) / 2) for age in range(101)]
    return [weight / sum(weights) for weight in weights]


def floats(values: Sequence[float], shape: Sequence[int]) -> tensor_pb2.TensorProto:
    """Return a float32 tensor with its values in `float_val`."""
    tensor = tensor_pb2.TensorProto(dtype=tensor_pb2.DT_FLOAT, float_val=values)
    return with_shape(tensor, shape)


def packed_floats(values: Sequence[float], shape: Sequence[int]) -> tensor_pb2.TensorProto:
    """Return a float32 tensor with its values in `tensor_content`."""
    content = struct.pack(f"<{len(values)}f", *values)
    tensor = tensor_pb2.TensorProto(dtype=tensor_pb2.DT_FLOAT, tensor_content=content)
    return with_shape(tensor, shape)


def ints(values: Sequence[int], shape: Sequence[int]) -> tensor_pb2.TensorProto:
    """Return an int32 tensor."""
    tensor = tensor_pb2.TensorProto(dtype=tensor_pb2.DT_INT32, int_val=values)
    return with_shape(tensor, shape)


def bools(values: Sequence[bool], shape: Sequence[int]) -> tensor_pb2.TensorProto:
    """Return a bool tensor."""
    tensor = tensor_pb2.TensorProto(dtype=tensor_pb2.DT_BOOL, bool_val=values)
    return with_shape(tensor, shape)


def strings(values: Sequence[bytes], shape: Sequence[int]) -> tensor_pb2.TensorProto:
    """Return a string tensor."""
    tensor = tensor_pb2.TensorProto(dtype=tensor_pb2.DT_STRING, string_val=values)
    return with_shape(tensor, shape)


def with_shape(tensor: tensor_pb2.TensorProto, shape: Sequence[int]) -> tensor_pb2.TensorProto:
    """Give a tensor its shape and return it."""
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    return tensor


FACE_GATES = {
    "min_score": 0.75,
    "min_side_pixels": 24,
    "min_brightness": 0.1,
    "max_brightness": 0.95,
    "min_sharpness": 0.01,
}
"""Gates that the face of a FakeModelServer passes."""


def card(threshold: object = 0.01, **changes: object) -> dict[str, Any]:
    """Return a model card with gates for faces and one certificate for 18 years."""
    certificate = {
        "legal_age_years": 18,
        "score": "probability_under_legal_age",
        "threshold": threshold,
        "max_false_clear_rate": 0.01,
        "confidence": 0.95,
        "minors": 640,
        "false_clears": 2,
    }
    return {
        "schema": 1,
        "name": "age",
        "certificates": [certificate | changes],
        "face_gates": FACE_GATES,
    }


class FakeModelServer:
    """A model server whose answers are attributes; change them at any time."""

    def __init__(self) -> None:
        """A certified model that finds one good face on each photo and takes it for 60.

        `labels` are those of its versions; `of_version` is what a version says other than that, and
        `of_photo` what all say of a photo. It takes `most_photos` in a call.
        """
        self.probabilities: Sequence[float] = bell(60)
        self.face_count = 1
        self.face_box: Sequence[float] = (0.125, 0.25, 0.875, 0.75)
        self.face_score = 0.875
        self.brightness = 0.5
        self.sharpness = 0.25
        self.ok = True
        self.version = 3
        self.labels: dict[str, int] = {}
        self.of_version: dict[int, Sequence[float]] = {}
        self.of_photo: dict[bytes, Sequence[float]] = {}
        self.most_photos = 1_000
        self.calls: list[int] = []
        self.cards: dict[int, Any] = {3: card()}
        self.states: dict[int, status_pb2.ModelVersionStatus.State.ValueType] = {3: AVAILABLE}
        self.failure: grpc.StatusCode | None = None
        self.status_failure: grpc.StatusCode | None = None
        self.script: Script | None = None
        self.photos: list[bytes] = []
        self.card_reads = 0
        self.timeouts: list[float] = []
        self.asked, self.cancelled = asyncio.Event(), asyncio.Event()
        self.address = ""

    async def start(self, port: int = 0, tls: grpc.ServerCredentials | None = None) -> None:
        """Listen on loopback."""
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler(
                    "tensorflow.serving.PredictionService",
                    {
                        "Predict": grpc.unary_unary_rpc_method_handler(
                            self._predict, predict_pb2.PredictRequest.FromString, _to_bytes
                        )
                    },
                ),
                grpc.method_handlers_generic_handler(
                    "tensorflow.serving.ModelService",
                    {
                        "GetModelStatus": grpc.unary_unary_rpc_method_handler(
                            self._status, status_pb2.GetModelStatusRequest.FromString, _to_bytes
                        )
                    },
                ),
            )
        )
        address = f"127.0.0.1:{port}"
        if tls is None:
            self.port = self._server.add_insecure_port(address)
        else:
            self.port = self._server.add_secure_port(address, tls)
        self.address = f"127.0.0.1:{self.port}"
        await self._server.start()

    async def stop(self) -> None:
        """Vanish at once."""
        await self._server.stop(None)

    async def _predict(self, request: predict_pb2.PredictRequest, context: _Context) -> object:
        if request.model_spec.signature_name == "model_card":
            return await self._card(request, context)
        self.asked.set()
        photos = request.inputs["image_bytes"].string_val
        self.photos.extend(photos)
        self.calls.append(len(photos))
        self.timeouts.append(context.time_remaining() or math.inf)
        if self.failure is not None:
            await context.abort(self.failure, "scripted failure")
        if len(photos) > self.most_photos:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "larger than a batch")
        version = self.version
        if label := request.model_spec.version_label:
            if label not in self.labels:
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "unknown version label")
            version = self.labels[label]
        response = predict_pb2.PredictResponse()
        response.model_spec.name = "age"
        response.model_spec.version.value = version
        for name, tensor in self._outputs(version, photos).items():
            response.outputs[name].CopyFrom(tensor)
        if self.script is not None:
            try:
                await self.script(response)
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
            except RawAnswer as raw:
                return raw.content
        return response

    def _outputs(self, version: int, photos: Sequence[bytes]) -> dict[str, tensor_pb2.TensorProto]:
        count, says = len(photos), self.of_version.get(version, self.probabilities)
        rows = [self.of_photo.get(photo, says) for photo in photos]
        ages = [sum(age * share for age, share in enumerate(row)) for row in rows]
        return {
            "age": floats(ages, [count]),
            "age_probabilities": floats([share for row in rows for share in row], [count, 101]),
            "ok": bools([self.ok] * count, [count]),
            "face_count": ints([self.face_count] * count, [count]),
            "face_box": floats([*self.face_box] * count, [count, len(self.face_box)]),
            "face_score": floats([self.face_score] * count, [count]),
            "brightness": floats([self.brightness] * count, [count]),
            "sharpness": floats([self.sharpness] * count, [count]),
        }

    async def _card(self, request: predict_pb2.PredictRequest, context: _Context) -> object:
        self.card_reads += 1
        version = request.model_spec.version.value
        if version not in self.cards:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such version")
        found = self.cards[version]
        text = found if isinstance(found, bytes) else json.dumps(found).encode()
        response = predict_pb2.PredictResponse()
        response.model_spec.version.value = version
        response.outputs["model_card"].CopyFrom(strings([text], [1]))
        return response

    async def _status(self, request: object, context: _Context) -> object:
        if self.status_failure is not None:
            await context.abort(self.status_failure, "scripted failure")
        response = status_pb2.GetModelStatusResponse()
        for version, state in self.states.items():
            response.model_version_status.add(version=version, state=state)
        return response


class RawAnswer(Exception):
    """Raised by a script: send these bytes instead of a message."""

    def __init__(self, content: bytes) -> None:
        """`content` goes on the wire as it is."""
        self.content = content


def _to_bytes(message: Any) -> bytes:
    content: bytes = message if isinstance(message, bytes) else message.SerializeToString()
    return content
