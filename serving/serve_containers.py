"""`make serve-gpu` and `make serve-cpu`: name everything that is missing, or start the containers.

It runs before anything is installed, so it needs nothing but Python's standard library.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "models" / "age"
CONFIG = ROOT / "serving" / "tfserving"
POSTGRESQL = ROOT / "serving" / "postgresql"
SECRETS = ROOT / "secrets"
SECRET_FILES = (
    "gateway/tokens.toml",
    "gateway/keys.toml",
    "gateway/ledger.key",
    "gateway/pg_service.conf",
    "nightly/pg_service.conf",
    "ledger/postgres",
    "ledger/agelane",
    "ledger/agelane_gateway",
    "ledger/agelane_console",
    "console/pg_service.conf",
    "console/users.toml",
    "console/manager.token",
    "console/lane.token",
    "console/operator.token",
    "envoy/tls.crt",
    "envoy/tls.key",
    "grafana/password",
)
PATIENCE_SECONDS = 4
"""How long each command may take. They run side by side, so all is said within 5 s."""


@dataclass(frozen=True)
class Missing:
    """Something without which the containers can't run."""

    what: str
    """Its name."""
    why: str
    """What was seen, or not."""
    remedy: str
    """How to get it."""


class NoAnswerError(Exception):
    """A command is not there, failed or took too long; the message says which."""


def main() -> int:
    """Start the containers in place of this process, or return 1 after naming what is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("profile", choices=("gpu", "cpu"), help="what the model runs on")
    profile = parser.parse_args().profile
    missing = find_missing(CHECKS if profile == "gpu" else CPU_CHECKS)
    if missing:
        print(report(profile, missing), file=sys.stderr)
        return 1
    os.chdir(ROOT)
    os.execvp("docker", ("docker", "compose", "--profile", profile, "up", "--build"))


def find_missing(checks: Sequence[Callable[[], Missing | None]]) -> list[Missing]:
    """Look at everything, whatever the others find."""
    with ThreadPoolExecutor(len(checks)) as threads:
        return [found for found in threads.map(lambda check: check(), checks) if found]


def report(profile: str, missing: list[Missing]) -> str:
    """Return what to tell the user."""
    items = (
        f"  {number}. {it.what}: {it.why}\n     {it.remedy}\n"
        for number, it in enumerate(missing, start=1)
    )
    return "\n".join(
        [
            f"make serve-{profile} can't start. This is missing:\n",
            *items,
            "Without a GPU `make serve-cpu` runs the same containers, without containers "
            "`make serve` the same service.",
        ]
    )


def docker_command() -> Missing | None:
    """The command docker is there."""
    if shutil.which("docker"):
        return None
    remedy = "Install Docker Engine: https://docs.docker.com/engine/install/"
    return Missing("docker", "no such command", remedy)


def docker_engine() -> Missing | None:
    """The engine answers, and answers this user."""
    try:
        docker_info()
    except NoAnswerError as error:
        remedy = (
            "Start it: sudo systemctl start docker. If this user may not use it: "
            "sudo usermod -aG docker $USER, and log in again."
        )
        return Missing("Docker engine", str(error), remedy)
    return None


def compose_plugin() -> Missing | None:
    """`docker compose` is there; the older docker-compose is another program."""
    # Earlier ones can't wait for a service that no profile starts, or restart one of a profile.
    return plugin("compose", (2, 23), "https://docs.docker.com/compose/install/linux/")


def buildx_plugin() -> Missing | None:
    """`docker compose` builds with it, and newer ones refuse what is older."""
    return plugin("buildx", (0, 17), "https://github.com/docker/buildx#installing")


def nvidia_driver() -> Missing | None:
    """The driver is loaded and sees a GPU."""
    try:
        gpus = ask("nvidia-smi", "--list-gpus")
    except NoAnswerError as error:
        why = str(error)
    else:
        if "GPU 0" in gpus:
            return None
        why = "it sees no GPU"
    remedy = (
        "Install the driver, 555 or newer: https://www.nvidia.com/drivers. "
        "If it is there and only slow to answer: sudo nvidia-smi -pm 1"
    )
    return Missing("NVIDIA driver", why, remedy)


def nvidia_toolkit() -> Missing | None:
    """The NVIDIA Container Toolkit is there, and the engine knows it."""
    installed = shutil.which("nvidia-ctk") is not None
    try:
        known = offers_nvidia(docker_info())
    except NoAnswerError:
        # The engine is named on its own; what it would say of the toolkit isn't known.
        known = installed
    if known:
        return None
    what = "NVIDIA Container Toolkit"
    configure = (
        "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker"
    )
    if installed:
        return Missing(what, "installed, but Docker doesn't know it", f"Tell it: {configure}")
    guide = "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide"
    return Missing(what, "not installed", f"Install it: {guide}.html, then: {configure}")


def exported_model() -> Missing | None:
    """The version that TensorFlow Serving would take is there, and whole."""
    newest = newest_version()
    if newest is None:
        return Missing("exported model", "models/age holds no version", "Make one: make export")
    if (newest / "saved_model.pb").is_file():
        return None
    why = f"models/age/{newest.name} holds no saved_model.pb"
    return Missing("exported model", why, "Remove that folder, then: make export")


def readable_mounts() -> Missing | None:
    """The container's user, who is nobody on the host, may read what is mounted."""
    try:
        closed = [path for path in mounted() if not open_to_all(path)]
    except OSError:  # a folder that is another user's, which is named on its own
        return None
    if not closed:
        return None
    why = f"the containers' user has none on {closed[0].relative_to(ROOT)}"
    folders = "models serving/tfserving serving/postgresql secrets/*/"
    remedy = f"Give it to everybody: chmod -R a+rX {folders}"
    return Missing("right to read", why, remedy)


def secrets() -> Missing | None:
    """Tokens, keys, passwords and the certificate are there."""
    try:
        lacking = [name for name in SECRET_FILES if not (SECRETS / name).is_file()]
    except OSError as error:
        remedy = f"Give it to this user: sudo chown -R $USER {SECRETS.name}"
        return Missing("secrets", f"{SECRETS.name}: {error.strerror}", remedy)
    if not lacking:
        return None
    return Missing("secrets", f"no secrets/{lacking[0]}", "Make what is not there: make secrets")


def free_port() -> Missing | None:
    """The port for this machine can be had."""
    return port_for("AGELANE_PORT", "127.0.0.1", 50051)


def free_tls_port() -> Missing | None:
    """The port for tills can be had."""
    return port_for("AGELANE_TLS_PORT", "0.0.0.0", 8443)


def free_console_port() -> Missing | None:
    """The port for managers can be had."""
    return port_for("AGELANE_CONSOLE_PORT", "0.0.0.0", 8444)


CHECKS: tuple[Callable[[], Missing | None], ...] = (
    docker_command,
    docker_engine,
    compose_plugin,
    buildx_plugin,
    nvidia_driver,
    nvidia_toolkit,
    exported_model,
    secrets,
    readable_mounts,
    free_port,
    free_tls_port,
    free_console_port,
)
CPU_CHECKS = tuple(check for check in CHECKS if check not in (nvidia_driver, nvidia_toolkit))


def port_for(variable: str, host: str, usual: int) -> Missing | None:
    """Check that the port which a variable names, or the usual one, can be had."""
    text = os.environ.get(variable) or str(usual)
    if not (text.isdecimal() and 0 < int(text) < 65536):
        return Missing("port", f"{variable} is {text!r}", "Set it to 1 ... 65535, or unset it.")
    with socket.socket() as listener:
        # A connection that has just ended doesn't hold the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, int(text)))
        except OSError as error:
            remedy = (
                "Stop what listens there (make serve, or earlier containers: "
                "docker compose --profile '*' down), "
                f"or choose another: {variable}={usual + 1} make …"
            )
            return Missing(f"port {text}", str(error.strerror), remedy)
    return None


def ask(*command: str) -> str:
    """Return what a command prints; raises NoAnswerError."""
    try:
        done = subprocess.run(
            command,
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise NoAnswerError(f"no answer in {PATIENCE_SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines()
        raise NoAnswerError(said[0] if said else f"exit code {error.returncode}") from error
    except FileNotFoundError as error:
        raise NoAnswerError(f"no command {command[0]}") from error
    except OSError as error:
        raise NoAnswerError(f"{command[0]}: {error.strerror}") from error
    return done.stdout


def plugin(name: str, oldest: tuple[int, int], guide: str) -> Missing | None:
    """Check that a plugin of the docker command is there and not older than `oldest`."""
    try:
        said = ask("docker", name, "version").strip()
    except NoAnswerError as error:
        why = str(error)
    else:
        version = re.search(r" v?(\d+)\.(\d+)", said)
        if version and (int(version[1]), int(version[2])) >= oldest:
            return None
        why = f"too old: {said!r}"
    remedy = f"Install version {oldest[0]}.{oldest[1]} or newer: {guide}"
    return Missing(f"docker {name} plugin", why, remedy)


def docker_info() -> dict[str, Any]:
    """Return what the engine says of itself; raises NoAnswerError."""
    try:
        info: dict[str, Any] = json.loads(ask("docker", "info", "--format", "{{json .}}"))
    except ValueError as error:
        raise NoAnswerError("`docker info` gave no JSON") from error
    return info


def offers_nvidia(info: dict[str, Any]) -> bool:
    """Whether the engine can give containers a GPU: by NVIDIA's runtime, or by CDI."""
    devices = info.get("DiscoveredDevices") or ()
    return "nvidia" in (info.get("Runtimes") or ()) or any(
        str(device.get("ID")).startswith("nvidia.com/gpu") for device in devices
    )


def newest_version() -> Path | None:
    """Return the folder of the highest version, the only one that models.config serves."""
    versions = [folder for folder in MODEL.glob("*") if folder.name.isdecimal()]
    return max(versions, key=lambda folder: int(folder.name), default=None)


def mounted() -> Iterator[Path]:
    """Yield what containers read from the host."""
    newest = newest_version()
    if newest:
        yield from (MODEL.parent, MODEL, newest, *newest.rglob("*"))
    for folder in (CONFIG, POSTGRESQL):
        yield from (folder, *folder.rglob("*"))
    # The folder itself may be closed: it is the engine that enters it.
    yield from SECRETS.glob("*/")
    yield from SECRETS.glob("*/*")


def open_to_all(path: Path) -> bool:
    """Whether any user may read a file, or list and enter a folder."""
    needed = 0o5 if path.is_dir() else 0o4
    return path.stat().st_mode & needed == needed


if __name__ == "__main__":
    sys.exit(main())
