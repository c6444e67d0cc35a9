"""Our messages reach TensorFlow Serving's own services by the paths of their methods."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures

import grpc
import pytest
from tensorflow_serving.apis import get_model_metadata_pb2 as real_metadata
from tensorflow_serving.apis import model_service_pb2, prediction_service_pb2
from tensorflow_serving.apis import predict_pb2 as real_predict
from tensorflow_serving.apis import prediction_service_pb2_grpc as real_service

from agelane.tfserving.v1 import metadata_pb2, predict_pb2, tensor_pb2


class Echo(real_service.PredictionServiceServicer):
    """A prediction service made of TensorFlow's classes: outputs are the inputs."""

    def Predict(
        self, request: real_predict.PredictRequest, context: grpc.ServicerContext
    ) -> real_predict.PredictResponse:
        """Return the inputs as outputs."""
        return real_predict.PredictResponse(
            model_spec=request.model_spec, outputs=dict(request.inputs)
        )

    def GetModelMetadata(
        self, request: real_metadata.GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> real_metadata.GetModelMetadataResponse:
        """Return one signature, packed as TensorFlow Serving packs it."""
        signatures = real_metadata.SignatureDefMap()
        signatures.signature_def["serving_default"].inputs["image_bytes"].name = "image_bytes:0"
        response = real_metadata.GetModelMetadataResponse(model_spec=request.model_spec)
        response.metadata["signature_def"].Pack(signatures)
        return response


@pytest.fixture(name="channel")
def channel_fixture() -> Iterator[grpc.Channel]:
    """Yield a channel to an Echo server on a free port."""
    server = grpc.server(futures.ThreadPoolExecutor(1), options=[("grpc.so_reuseport", 0)])
    real_service.add_PredictionServiceServicer_to_server(Echo(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    server.stop(None).wait()


def test_a_prediction_made_with_our_messages_is_understood(channel: grpc.Channel) -> None:
    """A photo goes to a real PredictionService and back."""
    photo = tensor_pb2.TensorProto(
        dtype=tensor_pb2.DT_STRING,
        tensor_shape=tensor_pb2.TensorShapeProto(dim=[tensor_pb2.TensorShapeProto.Dim(size=1)]),
        string_val=[b"\xff\xd8 a photo"],
    )
    request = predict_pb2.PredictRequest(
        model_spec=predict_pb2.ModelSpec(name="age", version_label="stable"),
        inputs={"image_bytes": photo},
    )
    predict = channel.unary_unary(
        "/tensorflow.serving.PredictionService/Predict",
        request_serializer=predict_pb2.PredictRequest.SerializeToString,
        response_deserializer=predict_pb2.PredictResponse.FromString,
    )
    response = predict(request, timeout=10)
    assert response.model_spec == request.model_spec
    assert response.outputs["image_bytes"] == photo


def test_packed_signatures_are_read_by_value(channel: grpc.Channel) -> None:
    """The Any in GetModelMetadata bears TensorFlow's type name; its value is a map of ours."""
    get_metadata = channel.unary_unary(
        "/tensorflow.serving.PredictionService/GetModelMetadata",
        request_serializer=metadata_pb2.GetModelMetadataRequest.SerializeToString,
        response_deserializer=metadata_pb2.GetModelMetadataResponse.FromString,
    )
    request = metadata_pb2.GetModelMetadataRequest(
        model_spec=predict_pb2.ModelSpec(name="age"), metadata_field=["signature_def"]
    )
    packed = get_metadata(request, timeout=10).metadata["signature_def"]
    signatures = metadata_pb2.SignatureDefMap.FromString(packed.value)
    inputs = signatures.signature_def["serving_default"].inputs
    assert inputs["image_bytes"].name == "image_bytes:0"


def test_the_documented_paths_exist() -> None:
    """The four methods that tensor.proto names are those of TensorFlow Serving's services."""
    prediction = prediction_service_pb2.DESCRIPTOR.services_by_name["PredictionService"]
    model = model_service_pb2.DESCRIPTOR.services_by_name["ModelService"]
    assert {"Predict", "GetModelMetadata"} <= set(prediction.methods_by_name)
    assert {"GetModelStatus", "HandleReloadConfigRequest"} <= set(model.methods_by_name)
    assert prediction.full_name == "tensorflow.serving.PredictionService"
    assert model.full_name == "tensorflow.serving.ModelService"
