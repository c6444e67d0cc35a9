"""The gRPC edge: tensorflow.serving's two services in terms of the model manager."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)

from agelane_serving.model_server.config_files import served_models
from agelane_serving.model_server.errors import (
    DeadlineExceeded,
    InvalidArgument,
    ResourceExhausted,
    describe,
)
from agelane_serving.model_server.manager import ModelManager
from agelane_serving.model_server.monitoring import Requests

_SIGNATURE_DEF = "signature_def"
_STATUS_CODES = {code.value[0]: code for code in grpc.StatusCode}


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict and GetModelMetadata; the other rpcs stay UNIMPLEMENTED."""

    def __init__(self, manager: ModelManager, requests: Requests, most_calls: int) -> None:
        """`most_calls` is the number of Predict calls that may be in progress at once."""
        self._manager, self._requests = manager, requests
        self._most_calls = most_calls
        self._free_calls = threading.BoundedSemaphore(most_calls)

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Run one signature of one version over the request's tensors."""
        with _errors_as_status(context), self._place():
            _check_model_spec(request)
            with (
                self._manager.lease(request.model_spec) as servable,
                self._requests.counted(servable.name),
            ):
                # Last chance: what is queued runs even if nobody waits any more.
                _check_somebody_waits(context)
                return servable.predict(request)

    def GetModelMetadata(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Answer with the SignatureDefs of the version, the only metadata there is."""
        with _errors_as_status(context):
            _check_model_spec(request)
            if not request.metadata_field:
                raise InvalidArgument("must specify at least one metadata_field")
            for name in request.metadata_field:
                if name != _SIGNATURE_DEF:
                    raise InvalidArgument(f"Metadata field {name} is not supported")
            with self._manager.lease(request.model_spec) as servable:
                response = get_model_metadata_pb2.GetModelMetadataResponse()
                response.model_spec.name = servable.name
                response.model_spec.version.value = servable.version
                signatures = get_model_metadata_pb2.SignatureDefMap()
                for name, definition in servable.signature_defs.items():
                    signatures.signature_def[name].CopyFrom(definition)
                response.metadata[_SIGNATURE_DEF].Pack(signatures)
                return response

    @contextmanager
    def _place(self) -> Iterator[None]:
        """Count a Predict call in; the server has some threads more, so that it can refuse."""
        if not self._free_calls.acquire(blocking=False):
            raise ResourceExhausted(f"{self._most_calls} Predict calls are in progress already")
        try:
            yield
        finally:
            self._free_calls.release()


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Model statuses and the replacement of the configuration."""

    def __init__(self, manager: ModelManager, models_dir: Path | None) -> None:
        """`models_dir` maps base paths of a reloaded configuration as at start-up."""
        self._manager = manager
        self._models_dir = models_dir
        self._reloading = threading.Lock()

    def GetModelStatus(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Answer with the state of one version or of all, the highest first."""
        with _errors_as_status(context):
            _check_model_spec(request)
            return get_model_status_pb2.GetModelStatusResponse(
                model_version_status=self._manager.statuses(request.model_spec)
            )

    def HandleReloadConfigRequest(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Replace the configuration and wait for the models that are new in it."""
        with _errors_as_status(context), self._reloading:
            added = self._manager.configure(served_models(request.config, self._models_dir))
            self._manager.await_available(added, context.time_remaining())
            return model_management_pb2.ReloadConfigResponse()


@contextmanager
def _errors_as_status(context: grpc.ServicerContext) -> Iterator[None]:
    """The error boundary: whatever goes wrong in a call ends it with a canonical status."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the error boundary
        code, message = describe(error)
        context.abort(_STATUS_CODES[code], message)


def _check_model_spec(request: Any) -> None:
    if not request.HasField("model_spec"):
        raise InvalidArgument("Missing ModelSpec")


def _check_somebody_waits(context: grpc.ServicerContext) -> None:
    if not context.is_active() or context.time_remaining() == 0:
        raise DeadlineExceeded("the call ended before its turn came")
