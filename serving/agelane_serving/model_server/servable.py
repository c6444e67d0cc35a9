"""One loaded version of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    functions: Mapping[str, Callable[[Arrays], Arrays]] = field(repr=False)
    """What runs each signature, by signature name."""
    loaded: Any = field(repr=False)
    """The loaded SavedModel; it keeps the variables alive, which the functions alone do not."""
    leases: ExitStack = field(default_factory=ExitStack, repr=False)
    """What to close once no call is in progress any more."""

    def predict(self, request: Any) -> Any:
        """Answer a PredictRequest with a PredictResponse; raises ServingError or tf OpError."""
        signature_name = request.model_spec.signature_name or DEFAULT_SIGNATURE
        if signature_name not in self.functions:
            raise FailedPrecondition(f'Serving signature key "{signature_name}" not found.')
        signature = self.signature_defs[signature_name]
        wanted = wanted_outputs(signature, request.output_filter)
        outputs = self.functions[signature_name](read_inputs(signature, request.inputs))
        response = predict_pb2.PredictResponse()
        response.model_spec.name = self.name
        response.model_spec.version.value = self.version
        response.model_spec.signature_name = signature_name
        for output in wanted:
            write_output(outputs[output], response.outputs[output])
        return response
