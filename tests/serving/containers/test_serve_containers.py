"""`make serve-gpu` and `make serve-cpu` name all that is missing, or start the containers."""

from __future__ import annotations

import re
import runpy
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.serving.containers.project import ROOT

SECRET_FILES = runpy.run_path(str(ROOT / "serving/serve_containers.py"))["SECRET_FILES"]
DOCKER = """
case "$1 $2" in
"info --format") echo '{"Runtimes": {"runc": {}, "nvidia": {}}}' ;;
"compose version") echo 'Docker Compose version v2.29.1' ;;
"buildx version") echo 'github.com/docker/buildx v0.31.1 a2675950d46b' ;;
"compose --profile") echo "in $(pwd): $*"; exit 42 ;;
*) exit 64 ;;
esac
"""
NO_ENGINE = DOCKER.replace(
    "echo '{", "echo 'Cannot connect to the Docker daemon' >&2; exit 1; echo '{"
)
NO_PLUGIN = DOCKER.replace(
    "echo 'Docker Compose version v2.29.1'", "echo 'unknown command: docker compose' >&2; exit 1"
)
OLD_PLUGIN = DOCKER.replace("v2.29.1", "v1.29.2")
OLD_BUILDX = DOCKER.replace("v0.31.1", "v0.13.1")
NEW_PLUGIN = DOCKER.replace("v2.29.1", "v5.0.1")
NO_RUNTIME = DOCKER.replace(', "nvidia": {}', "")
CDI = NO_RUNTIME.replace(
    '{"Runtimes"', '{"DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=0"}], "Runtimes"'
)
NVIDIA_SMI = "echo 'GPU 0: NVIDIA L4 (UUID: GPU-1)'"
NO_GPU = "echo 'No devices were found'; exit 6"
HANGING = "exec /bin/sleep 60"


class Machine:
    """A copy of the project's script with a model, on a PATH of pretended commands."""

    def __init__(self, folder: Path) -> None:
        """Everything is there."""
        self.root, self.path = folder / "agelane", folder / "bin"
        self.model = self.root / "models/age/7/saved_model.pb"
        self.config = self.root / "serving/tfserving/models.config"
        secrets = [self.root / "secrets" / name for name in SECRET_FILES]
        roles = self.root / "serving/postgresql/roles.sql"
        for file in (self.model, self.config, roles, self.path / "any", *secrets):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        shutil.copy(ROOT / "serving/serve_containers.py", self.root / "serving")
        self.environment = {"PATH": str(self.path), "AGELANE_PORT": str(free_port())}
        self.environment["AGELANE_TLS_PORT"] = str(free_port())
        self.environment["AGELANE_CONSOLE_PORT"] = str(free_port())
        self.command("docker", DOCKER)
        self.command("nvidia-smi", NVIDIA_SMI)
        self.command("nvidia-ctk", "")

    def command(self, name: str, script: str | None) -> None:
        """Put a command on the PATH, or take it away."""
        file = self.path / name
        file.unlink(missing_ok=True)
        if script is not None:
            file.write_text(f"#!/bin/sh\n{script}\n")
            file.chmod(0o755)

    def serve(self, profile: str = "gpu") -> subprocess.CompletedProcess[str]:
        """Run the script."""
        return subprocess.run(
            [sys.executable, self.root / "serving/serve_containers.py", profile],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def missing(self) -> list[str]:
        """Run the script, which must not start anything; return the lines that name something."""
        done = self.serve()
        assert (done.returncode, done.stdout) == (1, "")
        return re.findall(r"^  \d+\. (.*)$", done.stderr, re.MULTILINE)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with everything."""
    return Machine(tmp_path)


@pytest.mark.parametrize("docker", [DOCKER, NEW_PLUGIN, CDI], ids=["runtime", "newer", "cdi"])
def test_with_everything_there_compose_takes_over(machine: Machine, docker: str) -> None:
    """In the project's root, and its exit code is the script's."""
    machine.command("docker", docker)
    done = machine.serve()
    assert done.stdout == f"in {machine.root}: compose --profile gpu up --build\n"
    assert done.returncode == 42


def test_all_that_is_missing_is_named_at_once(machine: Machine) -> None:
    """With a way to get each."""
    for command in ("docker", "nvidia-smi", "nvidia-ctk"):
        machine.command(command, None)
    shutil.rmtree(machine.model.parents[2])
    (machine.root / "secrets/envoy/tls.key").unlink()
    machine.config.chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        machine.environment["AGELANE_PORT"] = str(taken.getsockname()[1])
        assert machine.missing() == [
            "docker: no such command",
            "Docker engine: no command docker",
            "docker compose plugin: no command docker",
            "docker buildx plugin: no command docker",
            "NVIDIA driver: no command nvidia-smi",
            "NVIDIA Container Toolkit: not installed",
            "exported model: models/age holds no version",
            "secrets: no secrets/envoy/tls.key",
            "right to read: the containers' user has none on serving/tfserving/models.config",
            f"port {machine.environment['AGELANE_PORT']}: Address already in use",
        ]
        said = machine.serve().stderr
    for remedy in (
        "make secrets",
        "docs.docker.com/engine",
        "make export",
        "chmod -R a+rX",
        "docker compose --profile",
    ):
        assert remedy in said


@pytest.mark.parametrize(
    ("command", "script", "named"),
    [
        ("docker", NO_ENGINE, "Docker engine: Cannot connect to the Docker daemon"),
        ("docker", NO_PLUGIN, "docker compose plugin: unknown command: docker compose"),
        ("docker", OLD_PLUGIN, "docker compose plugin: too old: "),
        ("docker", OLD_BUILDX, "docker buildx plugin: too old: "),
        ("docker", NO_RUNTIME, "NVIDIA Container Toolkit: installed, but Docker doesn't know it"),
        ("nvidia-smi", NO_GPU, "NVIDIA driver: No devices were found"),
    ],
)
def test_one_missing_thing_is_named_alone(
    machine: Machine, command: str, script: str, named: str
) -> None:
    """In the words of the program that was asked."""
    machine.command(command, script)
    (line,) = machine.missing()
    assert line.startswith(named)


def test_commands_that_hang_are_waited_for_together(machine: Machine) -> None:
    """An engine on a machine that is gone must not make the user wait for long."""
    machine.command("docker", HANGING)
    machine.command("nvidia-smi", HANGING)
    script = machine.root / "serving/serve_containers.py"
    hurried = script.read_text().replace("PATIENCE_SECONDS = 4\n", "PATIENCE_SECONDS = 0.5\n")
    script.write_text(hurried)
    assert [line.partition(": ")[2] for line in machine.missing()] == ["no answer in 0.5 s"] * 4


def test_without_a_gpu_nothing_of_nvidia_is_needed(machine: Machine) -> None:
    """The rest is."""
    for command in ("nvidia-smi", "nvidia-ctk"):
        machine.command(command, None)
    machine.command("docker", NO_RUNTIME)
    assert "compose --profile cpu up" in machine.serve("cpu").stdout
    shutil.rmtree(machine.root / "secrets")
    assert "make secrets" in machine.serve("cpu").stderr


def test_half_a_model_is_no_model(machine: Machine) -> None:
    """TensorFlow Serving would take the highest version, and fail on it."""
    (machine.model.parents[1] / "10").mkdir()
    (machine.model.parents[1] / ".11.partial").mkdir()
    assert machine.missing() == ["exported model: models/age/10 holds no saved_model.pb"]


def test_a_model_that_only_its_owner_may_read_is_named(machine: Machine) -> None:
    """The container's user is another."""
    machine.model.parent.chmod(stat.S_IRWXU)
    assert machine.missing() == ["right to read: the containers' user has none on models/age/7"]


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_a_port_that_is_none_is_refused(machine: Machine, port: str) -> None:
    """By the name of the variable that holds it."""
    machine.environment["AGELANE_PORT"] = port
    assert machine.missing() == [f"port: AGELANE_PORT is {port!r}"]
