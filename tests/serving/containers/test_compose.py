"""docker-compose.yml is valid, and lets nobody near the model server but the gateway."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.serving.containers.project import COMPOSE, COMPOSE_FILE, GATEWAY, MODEL_SERVER, SERVICES

each_service = pytest.mark.parametrize("name", SERVICES)


def test_the_file_follows_the_compose_specification() -> None:
    """A misspelt key would be an error on the machine with the GPU, not here."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run(
        [*command, COMPOSE_FILE], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout


@each_service
def test_a_container_gets_no_more_rights_than_it_needs(name: str) -> None:
    """A read-only root, no capabilities, no way to more, and limits."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.keys().isdisjoint({"privileged", "cap_add", "devices", "network_mode", "pid"})
    assert {"memory", "pids"} <= service["deploy"]["resources"]["limits"].keys()


@each_service
def test_a_container_is_checked_restarted_and_stopped_in_order(name: str) -> None:
    """With tini as PID 1, signals reach the process; the log can't fill the disk."""
    service = SERVICES[name]
    assert service["init"] is True
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"
    assert {"max-size", "max-file"} <= service["logging"]["options"].keys()


def test_only_the_gateway_reaches_the_model_server() -> None:
    """TensorFlow Serving lets anybody load other models."""
    assert "ports" not in MODEL_SERVER
    (network,) = MODEL_SERVER["networks"]
    assert COMPOSE["networks"][network] == {"internal": True}
    on_it = {name for name, service in SERVICES.items() if network in service["networks"]}
    assert on_it == {"model-server", "gateway"}


def test_plaintext_is_published_on_loopback_alone() -> None:
    """At the port of the design, unless the operator chooses another."""
    assert GATEWAY["ports"] == ["127.0.0.1:${AGELANE_PORT:-50051}:50051"]


def test_the_model_server_runs_the_pinned_image_on_one_nvidia_gpu() -> None:
    """As nobody, and without the image's script, which would open the REST port."""
    pinned = r"tensorflow/serving:2\.20\.0-gpu(@sha256:[0-9a-f]{64})?"
    assert re.fullmatch(pinned, MODEL_SERVER["image"])
    assert MODEL_SERVER["entrypoint"] == ["tensorflow_model_server"]
    assert MODEL_SERVER["user"] == "65534:65534"
    (device,) = MODEL_SERVER["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}


def test_what_is_mounted_can_not_be_written() -> None:
    """Nor is a missing folder made, as root's: it would be served, empty."""
    for volume in MODEL_SERVER["volumes"]:
        assert volume["read_only"] is True
        assert volume["bind"] == {"create_host_path": False}
    assert "volumes" not in GATEWAY


def test_the_gateway_waits_for_the_models() -> None:
    """And so stops before the model server, which doesn't wait for calls in progress."""
    assert GATEWAY["depends_on"] == {"model-server": {"condition": "service_healthy"}}
