"""The gRPC edge: tensorflow.serving's two services in terms of the model manager."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
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
from agelane_serving.model_server.errors import InvalidArgument, ResourceExhausted, describe
from agelane_serving.model_server.manager import ModelManager
from agelane_serving.model_server.monitoring import Requests

_Context = grpc.aio.ServicerContext[Any, Any]
_Method = Callable[[Any, Any, _Context], Awaitable[Any]]
_SIGNATURE_DEF = "signature_def"
_STATUS_CODES = {code.value[0]: code for code in grpc.StatusCode}


def _answers_errors(method: _Method) -> _Method:
    """Make a method end a failed call with a canonical status: the error boundary."""

    @functools.wraps(method)
    async def guarded(self: Any, request: Any, context: _Context) -> Any:
        try:
            return await method(self, request, context)
        except Exception as error:  # noqa: BLE001 - the error boundary
            code, message = describe(error)
            await context.abort(_STATUS_CODES[code], message)

    return guarded


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict and GetModelMetadata; the other rpcs stay UNIMPLEMENTED."""

    def __init__(self, manager: ModelManager, requests: Requests, most_calls: int) -> None:
        """`most_calls` is the number of Predict calls that may be in progress at once."""
        self._manager, self._requests = manager, requests
        self._most_calls = most_calls
        self._calls = 0

    @_answers_errors
    async def Predict(self, request: Any, context: _Context) -> Any:
        """Run one signature of one version over the request's tensors."""
        with self._place(), ExitStack() as lease:
            _check_model_spec(request)
            servable = lease.enter_context(self._manager.lease(request.model_spec))
            with self._requests.counted(servable.name):
                outputs = servable.outputs(request)
                # A caller who leaves takes the call back only as long as its batch has not begun.
                held = lease.pop_all()
                outputs.add_done_callback(lambda _: held.close())
                return servable.response(request, await asyncio.wrap_future(outputs))

    @_answers_errors
    async def GetModelMetadata(self, request: Any, context: _Context) -> Any:
        """Answer with the SignatureDefs of the version, the only metadata there is."""
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
        """Count a Predict call in."""
        if self._calls >= self._most_calls:
            raise ResourceExhausted(f"{self._most_calls} Predict calls are in progress already")
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Model statuses and the replacement of the configuration."""

    def __init__(self, manager: ModelManager, models_dir: Path | None) -> None:
        """`models_dir` maps base paths of a reloaded configuration as at start-up."""
        self._manager = manager
        self._models_dir = models_dir
        self._reloading = asyncio.Lock()

    @_answers_errors
    async def GetModelStatus(self, request: Any, context: _Context) -> Any:
        """Answer with the state of one version or of all, the highest first."""
        _check_model_spec(request)
        return get_model_status_pb2.GetModelStatusResponse(
            model_version_status=self._manager.statuses(request.model_spec)
        )

    @_answers_errors
    async def HandleReloadConfigRequest(self, request: Any, context: _Context) -> Any:
        """Replace the configuration and wait for the models that are new in it."""
        seconds = context.time_remaining()
        async with self._reloading:
            added = self._manager.configure(served_models(request.config, self._models_dir))
            await asyncio.to_thread(self._manager.await_available, added, seconds)
        return model_management_pb2.ReloadConfigResponse()


def _check_model_spec(request: Any) -> None:
    if not request.HasField("model_spec"):
        raise InvalidArgument("Missing ModelSpec")
