"""One model server, TensorFlow Serving or one like it, and what it has been like lately."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from agelane.tfserving.v1 import predict_pb2, status_pb2
from agelane_serving.gateway.assessment import ModelAnswer
from agelane_serving.gateway.deadline import Deadline
from agelane_serving.gateway.errors import ModelSlow, ModelUnavailable, ModelUnreachable
from agelane_serving.gateway.model.breaker import Breaker
from agelane_serving.gateway.model.cards import CardCache, CardUnavailable
from agelane_serving.gateway.model.discovery import Place
from agelane_serving.gateway.model.gathering import Gathering
from agelane_serving.gateway.model.outputs import Outputs, read_outputs
from agelane_serving.gateway.model.tensors import TensorError, read_string, string_tensor
from agelane_serving.gateway.photo.upright import UprightPhoto
from agelane_serving.policy import Card, CardError, DistributionError, read_card

_CHANNEL_OPTIONS: tuple[tuple[str, int | str], ...] = (
    # A proxy that the environment names for the internet gets to see no photo.
    ("grpc.enable_http_proxy", 0),
    # Second attempts are `ModelServers`' business.
    ("grpc.enable_retries", 0),
    # A server that comes back is found within two seconds, not two minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # Notices a connection whose other end is gone. Only while a call waits: TensorFlow Serving
    # sends clients away that ping more.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.max_receive_message_length", 1024 * 1024),
)
_CARD_SECONDS = 2.0
_AVAILABLE = status_pb2.ModelVersionStatus.AVAILABLE
_FAILURES = {
    grpc.StatusCode.DEADLINE_EXCEEDED: ModelSlow,
    grpc.StatusCode.UNAVAILABLE: ModelUnreachable,
    # What has come to a server that closes its port, and not begun.
    grpc.StatusCode.CANCELLED: ModelUnreachable,
}
_Method = grpc.aio.UnaryUnaryMultiCallable[Any, bytes]


class Backend:
    """One model on one model server."""

    def __init__(
        self, place: Place, model_name: str, credentials: grpc.ChannelCredentials | None = None
    ) -> None:
        """Connect when needed.

        Args:
            place: where the server is.
            model_name: name of the model there.
            credentials: what TLS is spoken with; None: plaintext is.
        """
        self.target, self.model_name = place.target, model_name
        self._channel = _channel(place, credentials)
        # Answers stay bytes here: gRPC would log a trace for each that can't be parsed.
        self._predict: _Method = self._channel.unary_unary(
            "/tensorflow.serving.PredictionService/Predict",
            request_serializer=predict_pb2.PredictRequest.SerializeToString,
        )
        self._status: _Method = self._channel.unary_unary(
            "/tensorflow.serving.ModelService/GetModelStatus",
            request_serializer=status_pb2.GetModelStatusRequest.SerializeToString,
        )
        self._gathering = Gathering(self._ask)
        self.cards = CardCache(self._read_card)
        self.breaker = Breaker()
        self.available: frozenset[int] = frozenset()
        """Versions that answered calls when it was last asked."""

    async def predict(self, photo: UprightPhoto, label: str, deadline: Deadline) -> ModelAnswer:
        """Ask about one photo the version with this label, or the newest one where that is "".

        Raises:
            ModelUnavailable: no answer that makes sense before the deadline.
        """
        version, distribution, faces = await self._gathering.ask(photo, label, deadline)
        card = await self.cards.of(version, deadline.remaining_seconds())
        return ModelAnswer(version, distribution, faces, card, photo)

    async def available_versions(self, timeout_seconds: float) -> frozenset[int]:
        """Return the versions that answer calls.

        Raises:
            ModelUnavailable: the server did not tell in time.
        """
        request = status_pb2.GetModelStatusRequest()
        request.model_spec.name = self.model_name
        answer = await _answer(self._status(request, timeout=timeout_seconds))
        try:
            response = status_pb2.GetModelStatusResponse.FromString(answer)
        except DecodeError as error:
            raise ModelUnavailable(f"nonsense: {error}") from error
        statuses = response.model_version_status
        return frozenset(status.version for status in statuses if status.state == _AVAILABLE)

    async def close(self) -> None:
        """End what is in progress and disconnect."""
        await self.cards.close()
        await self._channel.close()

    async def _ask(
        self, photos: Sequence[UprightPhoto], label: str, seconds: float
    ) -> list[Outputs]:
        """Return what a version says about each of some photos, in their order."""
        request = predict_pb2.PredictRequest()
        request.model_spec.name = self.model_name
        if label:
            request.model_spec.version_label = label
        tensor = string_tensor([photo.content for photo in photos])
        request.inputs["image_bytes"].CopyFrom(tensor)
        answer = await _answer(self._predict(request, timeout=seconds))
        try:
            response = predict_pb2.PredictResponse.FromString(answer)
            return read_outputs(response, [photo.size for photo in photos])
        except (DecodeError, TensorError, DistributionError) as error:
            raise ModelUnavailable(f"nonsense: {error}") from error

    async def _read_card(self, version: int) -> Card:
        """Read the card of one version."""
        request = predict_pb2.PredictRequest()
        request.model_spec.name = self.model_name
        request.model_spec.version.value = version
        request.model_spec.signature_name = "model_card"
        request.inputs["unused"].CopyFrom(string_tensor([b""]))
        try:
            answer = await _answer(self._predict(request, timeout=_CARD_SECONDS))
            response = predict_pb2.PredictResponse.FromString(answer)
            if response.model_spec.version.value != version:
                raise CardError("another version answered")
            return read_card(json.loads(read_string(response.outputs["model_card"])))
        except (ModelUnavailable, DecodeError, ValueError, RecursionError) as error:
            raise CardUnavailable(f"{type(error).__name__}: {error}") from error


def _channel(place: Place, credentials: grpc.ChannelCredentials | None) -> grpc.aio.Channel:
    if credentials is None:
        return grpc.aio.insecure_channel(place.target, options=_CHANNEL_OPTIONS)
    options = list(_CHANNEL_OPTIONS)
    if place.tls_name:
        options.append(("grpc.ssl_target_name_override", place.tls_name))
    return grpc.aio.secure_channel(place.target, credentials, options=options)


async def _answer(call: grpc.aio.UnaryUnaryCall[Any, bytes]) -> bytes:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        kind = _FAILURES.get(error.code(), ModelUnavailable)
        raise kind(error.code().name) from error
    except asyncio.CancelledError:
        # A channel that is closing cancels its calls; a caller who left cancels the task.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise ModelUnavailable("the channel was closed") from None
