"""The servers understand the flags and files that docker-compose.yml gives them."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import grpc
import pytest
from google.protobuf import text_format
from grpc_health.v1 import health_pb2, health_pb2_grpc

from agelane.tfserving.v1 import config_pb2
from agelane_serving.console import settings as console_settings
from agelane_serving.gateway import settings as gateway_settings
from agelane_serving.gateway.admission.queue import Limits
from agelane_serving.model_server.server import ModelServer
from agelane_serving.model_server.settings import parse_settings
from tests.ports import free_port
from tests.serving.containers.project import (
    CONSOLE,
    GATEWAY,
    MIGRATION,
    MODEL_SERVERS,
    NIGHTLY,
    OFFICE,
    ROOT,
    flags,
    mounts,
)
from tests.serving.model_server.conftest import Client, base_path, exported, serve, wait_until
from tests.serving.model_server.tiny_model import copy_version, photo

__all__ = ["base_path", "exported", "serve"]  # fixtures
SCRAPED = "/monitoring/prometheus/metrics"

# TensorFlow Serving goes on without flags it doesn't know, so a misspelt one would pass unnoticed.
TENSORFLOW_SERVING_FLAGS = """
allow_version_labels_for_unavailable_models batching_parameters_file enable_batching
enable_grpc_healthcheck_service enable_model_warmup enable_per_model_batching_parameters
enable_profiler enable_serialization_as_tensor_content enable_signature_method_name_check
file_system_poll_wait_seconds flush_filesystem_caches grpc_channel_arguments grpc_max_threads
grpc_socket_path load_retry_interval_micros max_num_load_retries mixed_precision
model_base_path model_config_file model_config_file_poll_wait_seconds model_name
monitoring_config_file num_load_threads num_request_iterations_for_warmup num_tflite_pools
num_tflite_interpreters_per_pool num_unload_threads per_process_gpu_memory_fraction
platform_config_file port prefer_tflite_model remove_unused_fields_from_bundle_metagraph
rest_api_enable_cors_support rest_api_num_threads rest_api_port rest_api_timeout_in_ms
saved_model_tags skip_initialize_tpu ssl_config_file tensorflow_inter_op_parallelism
tensorflow_intra_op_parallelism tensorflow_session_config_file tensorflow_session_parallelism
thread_pool_factory_config_file use_alts_credentials version xla_cpu_compilation_enabled
xla_gpu_compilation_enabled
"""


each_model_server = pytest.mark.parametrize("server", MODEL_SERVERS.values(), ids=MODEL_SERVERS)


@each_model_server
def test_tensorflow_serving_has_each_flag(server: dict[str, Any]) -> None:
    """And each stands in one word with its value, the only form that it reads."""
    assert flags(server).keys() <= set(TENSORFLOW_SERVING_FLAGS.split())
    assert all(flag.startswith("--") and "=" in flag for flag in server["command"])


@each_model_server
def test_the_embedded_server_starts_from_the_same_flags_and_files(
    server: dict[str, Any], base_path: Path
) -> None:
    """All of them and no other; only ports and folders are those of this machine."""
    settings = parse_settings(server["command"], environment={})
    assert (settings.port, settings.rest_api_port) == (8500, 8501)
    rest = free_port()
    settings = replace(
        settings,
        port=0,
        rest_api_port=rest,
        models_dir=base_path.parent,
        model_config_file=on_host(server, settings.model_config_file),
        batching_parameters_file=on_host(server, settings.batching_parameters_file),
        monitoring_config_file=on_host(server, settings.monitoring_config_file),
    )
    embedded = ModelServer(settings)
    embedded.start()
    try:
        with grpc.insecure_channel(embedded.address) as channel:
            health: Any = health_pb2_grpc.HealthStub(channel)
            serving = health_pb2.HealthCheckResponse.SERVING
            wait_until(lambda: health.Check(health_pb2.HealthCheckRequest()).status == serving)
        with urllib.request.urlopen(f"http://127.0.0.1:{rest}{SCRAPED}", timeout=30) as page:
            assert b"tensorflow:serving:request_count" in page.read()
    finally:
        embedded.stop()


def test_a_version_on_trial_answers_by_its_label(
    serve: Callable[..., Client], base_path: Path, exported: Path
) -> None:
    """With the file that the operator puts in the place of models.config meanwhile."""
    copy_version(exported / "2", base_path / "2")
    client = serve(
        f"--model_config_file={ROOT / 'serving/tfserving/models.canary.config'}",
        f"--models_dir={base_path.parent}",
        "--allow_version_labels_for_unavailable_models=true",
    )
    wait_until(lambda: client.states() == {1: "AVAILABLE", 2: "AVAILABLE"})
    for label, version in (("stable", 1), ("canary", 2)):
        assert client.ages(photo(40), label=label)["version"] == version


@each_model_server
def test_the_files_given_are_mounted_and_parse(server: dict[str, Any]) -> None:
    """Models lie where they are mounted, and all calls of a gateway find room."""
    given = flags(server)
    models, batching = config_pb2.ModelServerConfig(), config_pb2.BatchingParameters()
    monitoring = config_pb2.MonitoringConfig()
    for flag, message in (
        ("model_config_file", models),
        ("batching_parameters_file", batching),
        ("monitoring_config_file", monitoring),
    ):
        text_format.Parse(on_host(server, given[flag]).read_text("utf-8"), message)
    for model in models.model_config_list.config:
        assert str(PurePosixPath(model.base_path).parent) in mounts(server)
    assert int(given["grpc_max_threads"]) >= Limits().in_flight
    assert monitoring.prometheus_config.path == SCRAPED


def test_the_gateway_takes_its_flags_and_has_time_to_drain() -> None:
    """It finds the model servers by the name that both have, and its files where they are."""
    settings = gateway_settings.parse_settings(GATEWAY["command"], GATEWAY["environment"])
    assert settings.listen == "0.0.0.0:50051"
    (alias,) = {server["networks"]["model"]["aliases"][0] for server in MODEL_SERVERS.values()}
    assert settings.model_servers == [f"dns:///{alias}:8500"]
    for path in (settings.credentials, settings.token_keys, settings.ledger_key):
        assert str(path.parent) in mounts(GATEWAY) if path else False
    needed = settings.notice_seconds + settings.drain_seconds
    assert needed < int(GATEWAY["stop_grace_period"].removesuffix("s"))


def test_the_office_takes_its_flags_and_signs_nothing() -> None:
    """Under what it says about a photo, nothing could be sold."""
    module, *arguments = OFFICE["command"]
    assert module == "agelane_serving.gateway"
    settings = gateway_settings.parse_settings(arguments, OFFICE["environment"])
    assert settings.ledger
    assert settings.token_keys is None
    assert settings.model_server == flags(GATEWAY)["model-server"]
    needed = settings.notice_seconds + settings.drain_seconds
    assert needed < int(OFFICE["stop_grace_period"].removesuffix("s"))


def test_the_console_takes_its_flags_and_finds_the_office() -> None:
    """At the ports where it listens; all its files are where they are mounted."""
    module, *arguments = CONSOLE["command"]
    assert module == "agelane_serving.console"
    settings = console_settings.parse_settings(arguments, environment={})
    office = {flag: flags(OFFICE)[flag].partition(":")[2] for flag in ("listen", "admin-listen")}
    assert settings.gateway == f"office:{office['listen']}"
    assert settings.admin == f"office:{office['admin-listen']}"
    files = [Path(value) for value in flags(CONSOLE).values() if value.startswith("/")]
    assert len(files) == 6
    assert {str(file.parent) for file in files} <= mounts(CONSOLE).keys()


@pytest.mark.parametrize("service", [NIGHTLY, MIGRATION], ids=["nightly", "migration"])
def test_upkeep_and_migration_take_their_flags(service: dict[str, Any]) -> None:
    """Without a database that says so, and nothing else."""
    environment = os.environ | {"AGELANE_GATEWAY_LEDGER": "nothing://"}
    done = subprocess.run(
        [sys.executable, "-m", *service["command"]],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "usage" not in done.stderr


def on_host(server: dict[str, Any], path: object) -> Path:
    """Return the file that the model server sees at `path`."""
    place = PurePosixPath(str(path))
    return mounts(server)[str(place.parent)] / place.name
