"""Real model servers on a free port, in this process, over tiny models made once a session."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from agelane_serving.model_server.server import ModelServer
from agelane_serving.model_server.settings import parse_settings
from tests.serving.model_server.tiny_model import TinyModel, copy_version, photo, write_version

YEARS_ADDED = 0.25
"""What version n adds to each age, times n; so an answer tells its version."""
_PATIENCE_SECONDS = 60


@dataclass
class Client:
    """Stubs of one running server, and the calls tests make most."""

    address: str
    channel: grpc.Channel
    base_path: Path

    def __post_init__(self) -> None:
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)
        self.health: Any = health_pb2_grpc.HealthStub(self.channel)

    def ages(self, *photos: bytes, version: int | None = None, label: str | None = None) -> Any:
        """Predict and return the outputs as arrays by name, with the version as `version`."""
        request = predict_request(*photos, version=version, label=label)
        response = self.prediction.Predict(request, timeout=_PATIENCE_SECONDS)
        outputs = {name: tf.make_ndarray(proto) for name, proto in response.outputs.items()}
        return outputs | {"version": response.model_spec.version.value}

    def states(self, name: str = "age") -> dict[int, str]:
        """Return the state of each version the server knows, by number."""
        return {status.version: state_name(status) for status in self.statuses(name)}

    def statuses(self, name: str = "age") -> Any:
        """Return the ModelVersionStatus of each version the server knows."""
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = name
        return self.models.GetModelStatus(request, timeout=_PATIENCE_SECONDS).model_version_status

    def health_of(self, service: str = "") -> int:
        """Return the grpc.health.v1 status of `service`."""
        request = health_pb2.HealthCheckRequest(service=service)
        return int(self.health.Check(request, timeout=_PATIENCE_SECONDS).status)


def predict_request(*photos: bytes, version: int | None = None, label: str | None = None) -> Any:
    """Return a PredictRequest for `photos` on the model `age`."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "age"
    if version is not None:
        request.model_spec.version.value = version
    if label is not None:
        request.model_spec.version_label = label
    request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto(photos, tf.string))
    return request


def state_name(status: Any) -> str:
    """Return the name of a ModelVersionStatus' state."""
    return str(get_model_status_pb2.ModelVersionStatus.State.Name(status.state))


def wait_until(condition: Callable[[], bool]) -> None:
    """Return once `condition` holds; fail after a minute."""
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < give_up, "what the test waits for did not happen"
        time.sleep(0.01)


def refusal(call: Callable[[], Any]) -> tuple[grpc.StatusCode, str]:
    """Return code and details of the error that `call` must end in."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error: Any = caught.value
    return error.code(), error.details()


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the versions 1 and 2, each with a warm-up request; copy, don't serve it."""
    folder = tmp_path_factory.mktemp("exported")
    for version in (1, 2):
        write_version(folder, version, TinyModel(version * YEARS_ADDED, warm_up_photo=photo(30)))
    return folder


@pytest.fixture
def base_path(exported: Path, tmp_path: Path) -> Path:
    """The folder of the model `age`, with version 1 in it."""
    copy_version(exported / "1", tmp_path / "models/age/1")
    return tmp_path / "models/age"


@pytest.fixture
def serve(base_path: Path) -> Iterator[Callable[..., Client]]:
    """Start a server over `base_path` with further flags; it is stopped after the test."""
    stack: list[tuple[ModelServer, grpc.Channel]] = []

    def start(*flags: str, ready: bool = True) -> Client:
        model = ["--model_name=age", f"--model_base_path={base_path}"]
        if any(flag.startswith("--model_config_file=") for flag in flags):
            model = []
        fixed = ["--port=0", "--file_system_poll_wait_seconds=0.02"]
        server = ModelServer(parse_settings([*fixed, *model, *flags], environment={}))
        server.start()
        channel = grpc.insecure_channel(server.address)
        stack.append((server, channel))
        client = Client(server.address, channel, base_path)
        if ready:
            wait_until(lambda: client.health_of() == health_pb2.HealthCheckResponse.SERVING)
        return client

    yield start
    for server, channel in stack:
        channel.close()
        server.stop()


@pytest.fixture
def client(serve: Callable[..., Client]) -> Client:
    """A client of a ready server with version 1, without batching."""
    return serve()


@pytest.fixture
def batching_flags(tmp_path: Path) -> Callable[..., list[str]]:
    """Flags for batching; lines of batching.config may be given as keywords."""

    def flags(**parameters: int) -> list[str]:
        defaults = {
            "max_batch_size": 8,
            "batch_timeout_micros": 20_000,
            "max_enqueued_batches": 100,
            "num_batch_threads": 2,
        }
        path = tmp_path / "batching.config"
        lines = [f"{name} {{ value: {value} }}" for name, value in (defaults | parameters).items()]
        path.write_text("\n".join(lines))
        return ["--enable_batching", f"--batching_parameters_file={path}"]

    return flags
