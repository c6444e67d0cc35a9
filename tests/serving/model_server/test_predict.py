"""Predict and GetModelMetadata through the real tensorflow_serving stubs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    predict_pb2,
)

from tests.serving.model_server.conftest import YEARS_ADDED, Client, predict_request, refusal
from tests.serving.model_server.tiny_model import photo

StatusCode = grpc.StatusCode


def test_photos_are_answered_in_their_order(client: Client) -> None:
    """Every output has one element a photo, and the answer names version and signature."""
    answer = client.ages(photo(20), photo(70, "JPEG"), photo(45))
    assert answer["age"] == pytest.approx([20.25, 70.25, 45.25], abs=1e-3)
    assert answer["age_probabilities"].shape == (3, 101)
    assert answer["age_probabilities"].sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    assert list(answer["ok"]) == [True, True, True]
    assert answer["version"] == 1


def test_the_model_spec_of_the_answer_says_who_answered(client: Client) -> None:
    """Name, version and signature are filled in, also where the request left them out."""
    spec = client.prediction.Predict(predict_request(photo(20))).model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("age", 1, "serving_default")


def test_a_raw_call_by_method_path_is_answered(client: Client) -> None:
    """A client without the stubs reaches Predict by its path and plain bytes."""
    call: Any = client.channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    answer = call(predict_request(photo(33)).SerializeToString())
    age = tf.make_ndarray(predict_pb2.PredictResponse.FromString(answer).outputs["age"])
    assert age == pytest.approx([33 + YEARS_ADDED], abs=1e-3)


def test_strings_may_come_as_tensor_content(client: Client) -> None:
    """TensorFlow Serving takes a string tensor in either encoding, and so does this server."""
    photos = [photo(20), photo(60)]
    request = predict_request(*photos)
    tensor = request.inputs["image_bytes"]
    tensor.ClearField("string_val")
    tensor.tensor_content = b"".join(_varint(len(p)) for p in photos) + b"".join(photos)
    age = tf.make_ndarray(client.prediction.Predict(request).outputs["age"])
    assert age == pytest.approx([20.25, 60.25], abs=1e-3)


def test_only_the_outputs_filtered_for_are_sent(client: Client) -> None:
    """output_filter leaves out the 101 probabilities that a caller doesn't need."""
    request = predict_request(photo(20))
    request.output_filter.extend(["age", "ok"])
    assert set(client.prediction.Predict(request).outputs) == {"age", "ok"}


def test_the_model_card_is_read_by_its_own_signature(client: Client) -> None:
    """Its dummy input may be any string."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = "age", "model_card"
    request.inputs["unused"].CopyFrom(tf.make_tensor_proto([""]))
    card = tf.make_ndarray(client.prediction.Predict(request).outputs["model_card"])[0]
    assert json.loads(card)["certificates"][0]["legal_age_years"] == 18


def test_metadata_holds_the_signatures_as_exported(client: Client) -> None:
    """GetModelMetadata answers with a SignatureDefMap, and with the version."""
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "age"
    answer = client.prediction.GetModelMetadata(request)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(signatures)
    default = signatures.signature_def["serving_default"]
    assert set(default.inputs) == {"image_bytes"}
    assert set(default.outputs) == {
        "age", "age_probabilities", "ok",
        "face_count", "face_box", "face_score", "brightness", "sharpness",
    }  # fmt: skip
    assert answer.model_spec.version.value == 1


def _named(name: str) -> Any:
    request = predict_request(photo(20))
    request.model_spec.name = name
    return request


def _with(**changes: Any) -> Any:
    """Return a good request with one thing wrong."""
    request = predict_request(photo(20))
    if "signature" in changes:
        request.model_spec.signature_name = changes["signature"]
    if "filter" in changes:
        request.output_filter.extend(changes["filter"])
    if "tensor" in changes:
        request.inputs["image_bytes"].CopyFrom(changes["tensor"])
    return request


def _claiming(elements: int) -> Any:
    """Return a string tensor that claims `elements` elements and names one."""
    tensor = tf.make_tensor_proto([b"x"])
    tensor.tensor_shape.dim[0].size = elements
    return tensor


def _without_inputs() -> Any:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "age"
    return request


REFUSED = [
    ("no model", predict_pb2.PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
    ("no name", _named(""), "INVALID_ARGUMENT", "ModelSpec has no name specified."),
    ("unknown model", _named("x"), "NOT_FOUND", "Servable not found for request: Latest(x)"),
    (
        "unknown version",
        predict_request(photo(20), version=7),
        "NOT_FOUND",
        "Servable not found for request: Specific(age, 7)",
    ),
    (
        "unknown label",
        predict_request(photo(20), label="canary"),
        "INVALID_ARGUMENT",
        "Unrecognized servable version label: canary",
    ),
    (
        "unknown signature",
        _with(signature="x"),
        "FAILED_PRECONDITION",
        'Serving signature key "x" not found.',
    ),
    ("missing input", _without_inputs(), "INVALID_ARGUMENT", "Missing but required: {image_bytes}"),
    ("wrong type", _with(tensor=tf.make_tensor_proto([1.0])), "INVALID_ARGUMENT", "DT_STRING"),
    ("no batch", _with(tensor=tf.make_tensor_proto("x")), "INVALID_ARGUMENT", "expected shape"),
    ("a matrix", _with(tensor=tf.make_tensor_proto([["x"]])), "INVALID_ARGUMENT", "expected shape"),
    ("a huge claim", _with(tensor=_claiming(10**9)), "INVALID_ARGUMENT", "more elements than"),
    ("negative size", _with(tensor=_claiming(-1)), "INVALID_ARGUMENT", "expected shape"),
    ("unknown output", _with(filter=["mood"]), "INVALID_ARGUMENT", "alias not found"),
    ("output twice", _with(filter=["age", "age"]), "INVALID_ARGUMENT", "duplicate output"),
]


@pytest.mark.parametrize(
    ("request_", "code", "details"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_a_wrong_request_is_refused_as_tensorflow_serving_does(
    client: Client, request_: Any, code: str, details: str
) -> None:
    """The code is TensorFlow Serving's, the details say what is wrong, and the server goes on."""
    refused = refusal(lambda: client.prediction.Predict(request_))
    assert refused[0].name == code
    assert details in refused[1]
    assert client.ages(photo(50))["age"] == pytest.approx([50.25], abs=1e-3)


def test_an_undecodable_photo_is_marked_and_no_error(
    client: Client, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Its neighbours in the same request keep their answers, and nothing of it is logged."""
    answer = client.ages(b"", photo(40), b"\x89PNG\r\n\x1a\nrubbish")
    output = capfd.readouterr()
    assert "rubbish" not in output.out + output.err + caplog.text
    assert list(answer["ok"]) == [False, True, False]
    assert answer["age"][1] == pytest.approx(40.25, abs=1e-3)


def test_an_empty_batch_has_empty_answers(client: Client) -> None:
    """No photos, no ages, no error."""
    assert client.ages()["age"].shape == (0,)


def test_rpcs_beyond_the_contract_are_unimplemented(client: Client) -> None:
    """Classify is one of those that no client of ours uses."""
    request = classification_pb2.ClassificationRequest()
    code, _ = refusal(lambda: client.prediction.Classify(request))
    assert code is StatusCode.UNIMPLEMENTED


def test_a_call_past_its_deadline_ends(client: Client) -> None:
    """And the server goes on."""
    code, _ = refusal(lambda: client.prediction.Predict(predict_request(photo(2)), timeout=1e-9))
    assert code is StatusCode.DEADLINE_EXCEEDED
    assert client.ages(photo(50))["version"] == 1


def test_a_message_beyond_the_limit_is_refused(serve: Callable[..., Client]) -> None:
    """The limit is a flag; the connection lives on."""
    client = serve("--grpc_max_message_bytes=20000")
    code, _ = refusal(lambda: client.ages(bytes(30_000)))
    assert code is StatusCode.RESOURCE_EXHAUSTED
    assert client.ages(photo(50))["age"] == pytest.approx([50.25], abs=1e-3)


@pytest.mark.parametrize("fields", [[], ["weights"]])
def test_metadata_other_than_signatures_is_refused(client: Client, fields: list[str]) -> None:
    """There is no other metadata."""
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    request.model_spec.name = "age"
    code, _ = refusal(lambda: client.prediction.GetModelMetadata(request))
    assert code is StatusCode.INVALID_ARGUMENT


def _varint(number: int) -> bytes:
    """Return `number` as TensorFlow writes the length of a string in tensor_content."""
    encoded = b""
    while number >= 0x80:
        encoded += bytes([number & 0x7F | 0x80])
        number >>= 7
    return encoded + bytes([number])
