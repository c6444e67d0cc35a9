"""Servers that cost next to nothing: nghttpd answers each call with the same bytes."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

from agelane.tfserving.v1 import predict_pb2, status_pb2, tensor_pb2
from agelane.v1 import checkout_pb2
from agelane_client.testing import assessment

ASSESS = "/agelane.v1.CheckoutService/AssessCustomer"
PREDICT = "/tensorflow.serving.PredictionService/Predict"
STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
_VERSION = 1
_CARD = {
    "schema": 1,
    "certificates": [
        {
            "legal_age_years": 18,
            "score": "probability_under_legal_age",
            "threshold": 0.01,
            "max_false_clear_rate": 0.01,
            "confidence": 0.95,
        }
    ],
    "face_gates": {
        "min_score": 0.5,
        "min_side_pixels": 10,
        "min_brightness": 0.0,
        "max_brightness": 1.0,
        "min_sharpness": 0.0,
    },
}


def model_server_answers() -> dict[str, bytes]:
    """Return what a model server answers, by method: always the same."""
    return {PREDICT: predict_answer(), STATUS: status_answer()}


def gateway_answers() -> dict[str, bytes]:
    """Return what a gateway answers, by method: always the same age."""
    assessed = assessment(age_years=60.0)
    response = checkout_pb2.AssessCustomerResponse(assessment=assessed)
    return {ASSESS: response.SerializeToString()}


def write_answers(folder: Path, answers: Mapping[str, bytes]) -> list[str]:
    """Write what is answered, and return the command that serves it, but for the port."""
    for path, message in answers.items():
        file = folder / path.strip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(frame(message))
    return ["nghttpd", "--no-tls", f"--htdocs={folder}", "--trailer=grpc-status: 0"]


def frame(message: bytes) -> bytes:
    """Return a message as it stands in the body of a gRPC call."""
    return b"\0" + struct.pack(">I", len(message)) + message


def predict_answer() -> bytes:
    """Return the answer to any Predict call: 60 years, one good face, and the model card."""
    bell = [max(0.0, 1 - abs(age - 60) / 10) / 10 for age in range(101)]
    # One message after the other is both messages in one.
    return face_answer(bell, sharpness=0.5) + card_answer(json.dumps(_CARD))


def face_answer(probabilities: Sequence[float], sharpness: float) -> bytes:
    """Return the answer to a Predict call about one face: P(age = 0 … 100), and how sharp it is."""
    response = _response()
    mean = sum(age * probability for age, probability in enumerate(probabilities))
    for name, values, shape in (
        ("age", [mean], [1]),
        ("age_probabilities", probabilities, [1, 101]),
        ("face_box", [0.1, 0.1, 0.9, 0.9], [1, 4]),
        ("face_score", [0.9], [1]),
        ("brightness", [0.5], [1]),
        ("sharpness", [sharpness], [1]),
    ):
        tensor = tensor_pb2.TensorProto(dtype=tensor_pb2.DT_FLOAT, float_val=values)
        response.outputs[name].CopyFrom(_shaped(tensor, shape))
    ok = tensor_pb2.TensorProto(dtype=tensor_pb2.DT_BOOL, bool_val=[True])
    response.outputs["ok"].CopyFrom(_shaped(ok, [1]))
    count = tensor_pb2.TensorProto(dtype=tensor_pb2.DT_INT32, int_val=[1])
    response.outputs["face_count"].CopyFrom(_shaped(count, [1]))
    return response.SerializeToString()


def card_answer(card: str) -> bytes:
    """Return the answer to a call of the signature `model_card`: JSON."""
    response = _response()
    tensor = tensor_pb2.TensorProto(dtype=tensor_pb2.DT_STRING, string_val=[card.encode()])
    response.outputs["model_card"].CopyFrom(_shaped(tensor, [1]))
    return response.SerializeToString()


def status_answer() -> bytes:
    """Return the answer to any GetModelStatus call: one version is available."""
    response = status_pb2.GetModelStatusResponse()
    state = status_pb2.ModelVersionStatus.AVAILABLE
    response.model_version_status.add(version=_VERSION, state=state)
    return response.SerializeToString()


def _response() -> predict_pb2.PredictResponse:
    response = predict_pb2.PredictResponse()
    response.model_spec.name = "age"
    response.model_spec.version.value = _VERSION
    return response


def _shaped(tensor: tensor_pb2.TensorProto, shape: Sequence[int]) -> tensor_pb2.TensorProto:
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    return tensor
