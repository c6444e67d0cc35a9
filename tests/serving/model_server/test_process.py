"""The process: its flags, its port, its ready line and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import prediction_service_pb2_grpc

from agelane_serving.model_server.server import ModelServer, StartupError
from agelane_serving.model_server.settings import Settings, parse_settings
from tests.serving.model_server.conftest import Client, predict_request
from tests.serving.model_server.tiny_model import photo

MODULE = [sys.executable, "-m", "agelane_serving.model_server"]


def test_sigterm_answers_the_calls_in_progress_and_exits_with_0(
    base_path: Path, batching_flags: Callable[..., list[str]]
) -> None:
    """The call waits in a batch when the signal comes, and still gets its answer."""
    flags = ["--port=0", "--model_name=age", f"--model_base_path={base_path}"]
    batching = batching_flags(max_batch_size=2, batch_timeout_micros=2_000_000)
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    with subprocess.Popen(
        [*MODULE, *flags, *batching], stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        assert "INFO listening on 127.0.0.1:" in next(lines), "TensorFlow's chatter comes first"
        ready = next(line for line in lines if "ready on" in line)
        with grpc.insecure_channel(ready.split()[-1]) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            health: Any = health_pb2_grpc.HealthStub(channel)
            call = stub.Predict.future(predict_request(photo(40)), timeout=60)
            # Answered after the call above has reached the server: the connection keeps order.
            health.Check(health_pb2.HealthCheckRequest(), timeout=60)
            process.send_signal(signal.SIGTERM)
            assert call.result().outputs["age"].float_val == pytest.approx([40.25], abs=1e-3)
        rest = list(lines)
    assert process.returncode == 0
    assert rest == ["model-server INFO draining\n", "model-server INFO stopped\n"]


def test_a_taken_port_is_refused_by_name(client: Client, base_path: Path) -> None:
    """Two servers never share a port; the second says which one it wanted."""
    port = client.address.rpartition(":")[2]
    server = ModelServer(Settings(port=int(port), model_base_path=base_path))
    with pytest.raises(StartupError, match=f"cannot listen on 127.0.0.1:{port}"):
        server.start()


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--rest_api_timeout_in_ms=1"], "unrecognized arguments: --rest_api_timeout_in_ms=1"),
        (["--model_base=x"], "unrecognized arguments"),
        ([], "either --model_config_file or --model_base_path"),
        (["--model_base_path=x", "--model_config_file=y"], "either --model_config_file or"),
        (["--model_base_path=x", "--port=65536"], "--port must be at most 65535"),
        (["--model_base_path=x", "--port=http"], "--port: invalid int value"),
        (["--model_base_path=x", "--grpc_max_threads=0"], "must be at least 1"),
        (["--model_base_path=x", "--shutdown_grace_seconds=-1"], "must not be negative"),
        (["--model_base_path=x", "--file_system_poll_wait_seconds=0"], "must be more than 0"),
        (["--model_base_path=x", "--enable_batching=maybe"], "expected true or false"),
        (["--model_base_path=x", "--batching_parameters_file=y"], "needs --enable_batching"),
        (["--model_base_path=x", "--enable_profiler=true"], "there is no profiler"),
        (["--model_base_path=x", "--rest_api_port=65536"], "--rest_api_port must be at most"),
        (["--model_base_path=x", "--host=0.0.0.0"], "--allow_plaintext_beyond_loopback"),
        (["--model_base_path=x", "--host=lane-7.example"], "--allow_plaintext_beyond_loopback"),
    ],
)
def test_wrong_flags_are_refused_with_the_reason(
    flags: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, before anything is loaded."""
    with pytest.raises(SystemExit) as left:
        parse_settings(flags, environment={})
    assert left.value.code == 2
    assert reason in capsys.readouterr().err


def test_flags_fall_back_to_the_environment() -> None:
    """A flag given wins; variables that are no flags are let be."""
    environment = {
        "AGELANE_MODEL_SERVER_PORT": "9000",
        "AGELANE_MODEL_SERVER_MODEL_BASE_PATH": "models/age",
        "AGELANE_MODEL_SERVER_SERVICE_HOST": "10.0.0.1",
        "AGELANE_MODEL_SERVER_ENABLE_BATCHING": "true",
    }
    settings = parse_settings(["--port=9001"], environment)
    assert settings.port == 9001
    assert settings.model_base_path == Path("models/age")
    assert settings.enable_batching is True


def test_plaintext_beyond_loopback_needs_to_be_said_in_so_many_words() -> None:
    """The flag's name is the warning."""
    flags = ["--model_base_path=x", "--host=0.0.0.0", "--allow_plaintext_beyond_loopback"]
    assert parse_settings(flags, environment={}).host == "0.0.0.0"


def test_help_names_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    """With the text that stands at the field."""
    with pytest.raises(SystemExit):
        parse_settings(["--help"], environment={})
    text = capsys.readouterr().out
    assert all(f"--{name}" in text for name in Settings.__dataclass_fields__)
    assert "BatchingParameters in protobuf text format" in text
