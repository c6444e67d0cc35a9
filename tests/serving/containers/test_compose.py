"""docker-compose.yml is valid, and lets nobody near the model server who has no business there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest
from ruamel.yaml import YAML

from tests.serving.containers.project import (
    COMPOSE,
    COMPOSE_FILE,
    CONSOLE,
    ENVOY,
    GATEWAY,
    MIGRATION,
    MODEL_SERVERS,
    NIGHTLY,
    OFFICE,
    ROOT,
    SERVICES,
    flags,
    mounts,
)

SECRETS = ROOT / "secrets"
ENDS_BY_ITSELF = ("migration",)
LISTENS_NOWHERE = ("locust-worker", *ENDS_BY_ITSELF)
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
    assert service["restart"] == ("no" if name in ENDS_BY_ITSELF else "unless-stopped")
    assert {"max-size", "max-file"} <= service["logging"]["options"].keys()
    checked = service["healthcheck"]
    assert checked.get("disable") is (True if name in LISTENS_NOWHERE else None)
    assert checked.get("test", ["CMD"])[0] == "CMD"


@pytest.mark.parametrize(
    ("network", "names"),
    [
        # TensorFlow Serving lets anybody load other models.
        ("model", "model-server-gpu model-server-cpu gateway office prometheus"),
        # What is spoken there is plaintext.
        ("gateways", "gateway office envoy prometheus"),
        ("office", "office console"),
        ("ledger", "ledger migration gateway office console nightly"),
    ],
)
def test_a_closed_network_has_those_on_it_who_need_it(network: str, names: str) -> None:
    """And no way in or out."""
    assert COMPOSE["networks"][network] == {"internal": True}
    on_it = {name for name, service in SERVICES.items() if network in service["networks"]}
    assert on_it == set(names.split())


def test_model_servers_and_the_database_are_on_no_other_network() -> None:
    """And publish no port."""
    for server, network in (
        *((each, "model") for each in MODEL_SERVERS.values()),
        (SERVICES["ledger"], "ledger"),
    ):
        assert "ports" not in server
        assert list(server["networks"]) == [network]


def test_other_machines_reach_tls_alone() -> None:
    """Whatever else is published is for this machine, at the ports of the design."""
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]
    beyond = [port for port in published if not port.startswith("127.0.0.1:")]
    assert beyond == ["${AGELANE_CONSOLE_PORT:-8444}:8443", "${AGELANE_TLS_PORT:-8443}:8443"]
    assert {"tls-certificate", "tls-key"} <= flags(CONSOLE).keys()
    assert "127.0.0.1:${AGELANE_PORT:-50051}:50051" in published


def test_each_profile_has_its_model_server_and_two_gateways() -> None:
    """As nobody, of one version, on one NVIDIA GPU or on none."""
    for profile, tag in (("gpu", "2.20.0-gpu"), ("cpu", "2.20.0")):
        server = MODEL_SERVERS[profile]
        assert server["profiles"] == [profile]
        pinned = rf"tensorflow/serving:{re.escape(tag)}(@sha256:[0-9a-f]{{64}})?"
        assert re.fullmatch(pinned, server["image"])
        assert server["entrypoint"] == ["tensorflow_model_server"]
        assert server["user"] == "65534:65534"
    reservations = MODEL_SERVERS["gpu"]["deploy"]["resources"]["reservations"]
    assert reservations == {"devices": [{"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}]}
    assert "profiles" not in GATEWAY
    assert GATEWAY["deploy"]["replicas"] == 2


@each_service
def test_what_is_mounted_from_the_host_can_not_be_written(name: str) -> None:
    """Nor is a missing folder made, as root's: it would be served, empty."""
    for volume in SERVICES[name].get("volumes", ()):
        if volume["type"] == "bind":
            assert volume["read_only"] is True
            assert volume["bind"] == {"create_host_path": False}
        else:
            assert volume["source"] in COMPOSE["volumes"]


@each_service
def test_an_image_is_built_here_or_has_a_version(name: str) -> None:
    """`latest` would be another one tomorrow."""
    service = SERVICES[name]
    if "build" in service:
        assert (ROOT / service["build"]["dockerfile"]).is_file()
    else:
        assert re.search(r":v?\d+\.\d+", service["image"])


def test_containers_start_when_what_they_need_is_ready() -> None:
    """And so stop before it; a profile that isn't chosen is not waited for."""
    healthy, ended = ({"condition": f"service_{c}"} for c in ("healthy", "completed_successfully"))
    assert (
        GATEWAY["depends_on"]
        == OFFICE["depends_on"]
        == {
            **{f"model-server-{it}": healthy | {"required": False} for it in ("gpu", "cpu")},
            "migration": ended,
        }
    )
    assert MIGRATION["depends_on"] == {"ledger": healthy}
    assert NIGHTLY["depends_on"] == {"migration": ended}
    assert CONSOLE["depends_on"] == {"office": healthy}
    assert ENVOY["depends_on"] == {"gateway": healthy}


@pytest.mark.parametrize(
    ("name", "folders"),
    [
        ("gateway", {"gateway"}),
        # The same: it reads tokens and the ledger as a gateway does.
        ("office", {"gateway"}),
        ("console", {"console", "envoy"}),
        ("nightly", {"nightly", "gateway/ledger.key"}),
        ("migration", {"nightly"}),
        ("ledger", {"ledger"}),
        ("envoy", {"envoy"}),
    ],
)
def test_each_sees_its_own_secrets(name: str, folders: set[str]) -> None:
    """A password of the database is no other's, and stands in no environment."""
    seen = {path for path in mounts(SERVICES[name]).values() if path.is_relative_to(SECRETS)}
    assert {str(path.relative_to(SECRETS)) for path in seen} == folders
    environment = SERVICES[name].get("environment", {})
    assert not [key for key in environment if key.endswith("PASSWORD")]


def test_whoever_uses_the_ledger_finds_it_by_the_service_file() -> None:
    """Which stands in the folder of each."""
    for service in (GATEWAY, OFFICE, NIGHTLY, MIGRATION, CONSOLE):
        place = PurePosixPath(service["environment"]["PGSERVICEFILE"])
        assert str(place.parent) in mounts(service)
    urls = {each["environment"]["AGELANE_GATEWAY_LEDGER"] for each in (GATEWAY, OFFICE, NIGHTLY)}
    assert urls == {flags(CONSOLE)["ledger"]}


def test_prometheus_finds_what_shows_metrics() -> None:
    """By the names and ports that gateways and model servers have."""
    config = YAML(typ="safe").load(ROOT / "serving/monitoring/prometheus.yml")
    found = {
        job["job_name"]: (job["dns_sd_configs"][0]["names"][0], job["dns_sd_configs"][0]["port"])
        for job in config["scrape_configs"]
    }
    assert found == {"agelane-gateway": ("gateway", 9464), "model-server": ("model-server", 8501)}
    assert flags(GATEWAY)["metrics-listen"].endswith(":9464")
    assert flags(MODEL_SERVERS["gpu"])["rest_api_port"] == "8501"


def test_services_are_called_by_their_names() -> None:
    """In alerts, docs and help: a wrong one would be an error at night."""
    files = [ROOT / "serving/monitoring/alerts.yaml", ROOT / "docs/operations.md"]
    files += (ROOT / "loadtest/tune_batching").glob("*.py")
    command = re.compile(r"docker compose (?:--profile \S+ )?(?:logs|restart) ([a-z][a-z-]+)")
    named = [name for file in files for name in command.findall(file.read_text("utf-8"))]
    assert len(named) > 5
    assert set(named) <= set(SERVICES)


def test_all_dockerfiles_are_clean() -> None:
    """Hadolint finds nothing in them."""
    files = sorted(ROOT.glob("*/**/Dockerfile"))
    files = [file for file in files if not file.is_relative_to(ROOT / ".venv")]
    assert {file.parent.name for file in files} == {"serving", "envoy", "loadtest", "trainer"}
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, *files], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout
