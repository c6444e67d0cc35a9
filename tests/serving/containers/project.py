"""What docker-compose.yml says, for the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[3]
COMPOSE_FILE = ROOT / "docker-compose.yml"
COMPOSE: dict[str, Any] = YAML(typ="safe").load(COMPOSE_FILE)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
MODEL_SERVERS = {profile: SERVICES[f"model-server-{profile}"] for profile in ("gpu", "cpu")}
GATEWAY, OFFICE, ENVOY = (SERVICES[name] for name in ("gateway", "office", "envoy"))
CONSOLE, NIGHTLY, MIGRATION = (SERVICES[name] for name in ("console", "nightly", "migration"))


def flags(service: dict[str, Any]) -> dict[str, str]:
    """Return the flags in a service's command, by name; one without a value is true."""
    words = (word for word in service["command"] if word.startswith("--"))
    pairs = (flag.removeprefix("--").partition("=") for flag in words)
    return {name: value or "true" for name, _, value in pairs}


def mounts(service: dict[str, Any]) -> dict[str, Path]:
    """Return the places of the host that a service gets, by their place in the container."""
    return {
        volume["target"]: ROOT / volume["source"]
        for volume in service.get("volumes", ())
        if volume["type"] == "bind"
    }
