"""One loaded version of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from tensorflow_serving.apis import predict_pb2

from agelane_serving.model_server.batching import Arrays
from agelane_serving.model_server.errors import FailedPrecondition
from agelane_serving.model_server.tensors import read_inputs, wanted_outputs, write_output

DEFAULT_SIGNATURE = "serving_default"


@dataclass
class Servable:
    """A SavedModel in memory, ready to answer; safe to call from several threads."""

    name: str
    """The model's name, as requests give it."""
    version: int
    """The number of its folder."""
    signature_defs: Mapping[str, Any]
    """SignatureDef by signature name, as exported."""
    functions: Mapping[str, Callable[[Arrays], Future[Arrays]]] = field(repr=False)
    """What begins to run each signature, by signature name."""
    loaded: Any = field(repr=False)
    """The loaded SavedModel; it keeps the variables alive, which the functions alone do not."""
    leases: ExitStack = field(default_factory=ExitStack, repr=False)
    """What to close once no call is in progress any more."""

    def outputs(self, request: Any) -> Future[Arrays]:
        """Return what will have the outputs that a PredictRequest asks for, and maybe others.

        It may be cancelled, and may end in a ServingError or tf.errors.OpError. Raises ServingError
        for a request that can't be right, or can't be taken.
        """
        name = _signature_name(request)
        if name not in self.functions:
            raise FailedPrecondition(f'Serving signature key "{name}" not found.')
        signature = self.signature_defs[name]
        wanted_outputs(signature, request.output_filter)
        return self.functions[name](read_inputs(signature, request.inputs))

    def response(self, request: Any, outputs: Arrays) -> Any:
        """Return the PredictResponse with the outputs of a PredictRequest."""
        response = predict_pb2.PredictResponse()
        response.model_spec.name = self.name
        response.model_spec.version.value = self.version
        name = response.model_spec.signature_name = _signature_name(request)
        for output in wanted_outputs(self.signature_defs[name], request.output_filter):
            write_output(outputs[output], response.outputs[output])
        return response


def _signature_name(request: Any) -> str:
    return request.model_spec.signature_name or DEFAULT_SIGNATURE
