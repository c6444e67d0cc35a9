"""TensorFlow Serving's monitoring.config and ssl.config mean the same to the embedded server."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families
from tensorflow_serving.apis import prediction_service_pb2_grpc

from agelane_serving.model_server.config_files import read_monitoring, read_ssl
from agelane_serving.model_server.errors import InvalidArgument
from tests.ports import free_port
from tests.serving.containers.project import ROOT
from tests.serving.gateway.security.certificates import Authority, needs_openssl
from tests.serving.model_server.conftest import Client, predict_request, refusal, wait_until
from tests.serving.model_server.tiny_model import photo

MONITORING = ROOT / "serving/tfserving/monitoring.config"
PATH = "/monitoring/prometheus/metrics"


def read(address: str) -> str:
    """Return the page at an address."""
    with urllib.request.urlopen(f"http://{address}", timeout=30) as response:
        content: bytes = response.read()
    return content.decode()


def test_calls_are_counted_under_tensorflow_servings_names(serve: Callable[..., Client]) -> None:
    """Good ones and bad ones, at the path of the file and no other."""
    port = free_port()
    client = serve(f"--monitoring_config_file={MONITORING}", f"--rest_api_port={port}")
    client.ages(photo(40))
    client.ages(photo(40))
    refusal(lambda: client.ages(photo(40), version=9))
    page = read(f"127.0.0.1:{port}{PATH}")
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }
    assert samples[":tensorflow:serving:request_count", "OK", "age"] == 2
    assert samples[":tensorflow:serving:request_latency_count", "age"] == 2
    assert samples[":tensorflow:serving:request_latency_sum", "age"] > 0
    with pytest.raises(urllib.error.HTTPError):
        read(f"127.0.0.1:{port}/v1/models/age")


def test_the_file_says_where_and_whether(tmp_path: Path) -> None:
    """The path has TensorFlow Serving's default."""
    path = tmp_path / "monitoring.config"
    for text, shown in (
        ("prometheus_config { enable: true }", PATH),
        ('prometheus_config { enable: true path: "/m" }', "/m"),
        ('prometheus_config { path: "/m" }', ""),
        ("", ""),
    ):
        path.write_text(text)
        assert read_monitoring(path) == shown
    path.write_text('prometheus_config { enable: true path: "m" }')
    with pytest.raises(InvalidArgument, match="must begin with /"):
        read_monitoring(path)


def ssl_config(folder: Path, authority: Authority, *, verify: bool) -> Path:
    """Write an ssl.config for a certificate of `authority`."""
    pair = authority.issue("model-server")
    parts = {
        "server_key": pair.key,
        "server_cert": pair.certificate,
        "custom_ca": authority.own.certificate,
    }
    lines = [f"{name}: {path.read_text()!r}" for name, path in parts.items()]
    file = folder / "ssl.config"
    file.write_text("\n".join([*lines, f"client_verify: {str(verify).lower()}"]))
    return file


@needs_openssl
@pytest.mark.parametrize("verify", [False, True])
def test_with_ssl_only_tls_is_spoken(
    serve: Callable[..., Client], tmp_path: Path, verify: bool
) -> None:
    """With client_verify only to those who have a certificate too."""
    authority = Authority(tmp_path, "ours")
    config = ssl_config(tmp_path, authority, verify=verify)
    plain = serve(f"--ssl_config_file={config}", ready=False)
    assert refusal(lambda: plain.ages(photo(40)))[0] is grpc.StatusCode.UNAVAILABLE
    caller, root = authority.issue("gateway"), authority.own.certificate.read_bytes()
    known = grpc.ssl_channel_credentials(
        root, caller.key.read_bytes(), caller.certificate.read_bytes()
    )
    with grpc.secure_channel(plain.address, known) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        serving = health_pb2.HealthCheckResponse.SERVING
        wait_until(lambda: health.Check(health_pb2.HealthCheckRequest()).status == serving)
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        answer = stub.Predict(predict_request(photo(40)), timeout=60)
        assert answer.model_spec.version.value == 1
    with grpc.secure_channel(plain.address, grpc.ssl_channel_credentials(root)) as channel:
        stranger = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        if verify:
            code, _ = refusal(lambda: stranger.Predict(predict_request(photo(40)), timeout=60))
            assert code is grpc.StatusCode.UNAVAILABLE
        else:
            assert stranger.Predict(predict_request(photo(40)), timeout=60)


@pytest.mark.parametrize("text", ['server_key: "secret"', 'server_key "secret', "secret", ""])
def test_a_wrong_ssl_config_is_refused_and_not_quoted(tmp_path: Path, text: str) -> None:
    """By the file's name: what is wrong may be the key."""
    path = tmp_path / "ssl.config"
    path.write_text(text)
    with pytest.raises(InvalidArgument, match=r"ssl\.config") as refused:
        read_ssl(path)
    assert "secret" not in str(refused.value)
