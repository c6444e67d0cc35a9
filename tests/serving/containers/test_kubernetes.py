"""The manifests are valid, and say what docker-compose.yml and the servers themselves say."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from google.protobuf import text_format
from prometheus_client.metrics import MetricWrapperBase

from agelane.tfserving.v1 import config_pb2
from agelane_serving.gateway.deadline import LONGEST_SECONDS
from agelane_serving.gateway.model import servers
from agelane_serving.gateway.operations import metrics
from agelane_serving.gateway.operations.health import ALIVE, READY
from agelane_serving.gateway.settings import Settings, parse_settings
from agelane_serving.gateway.watched_file import WatchedFile
from tests.serving.containers.manifests import (
    KUBERNETES,
    TRAINING,
    Manifest,
    check_rights,
    check_schema,
    container,
    longest_failing,
    manifests_below,
    name,
    one,
    pod,
    read,
    readme_block,
)
from tests.serving.containers.project import MODEL_SERVERS, ROOT, SERVICES
from tests.serving.monitoring.promql import parse, selectors

NAME_CACHE_SECONDS = 30
"""How long CoreDNS may remember an address."""

BASE = manifests_below(KUBERNETES / "base")
PROMETHEUS = manifests_below(KUBERNETES / "components/prometheus")
TFSERVING = one(BASE, "Deployment", "model-server")
GATEWAY = one(BASE, "Deployment", "gateway")
OFFICE = one(BASE, "Deployment", "office")
CONSOLE = one(BASE, "Deployment", "console")
NIGHTLY = one(BASE, "CronJob", "nightly")
MIGRATION = one(BASE, "Job", "migration")
KSERVE = one(manifests_below(KUBERNETES / "kserve"), "InferenceService", "age")
TRAIN = one(manifests_below(TRAINING), "Job", "train")

ALL = [
    *manifests_below(KUBERNETES),
    *manifests_below(TRAINING),
    *read(readme_block("yaml", "PersistentVolume")),
]
each_manifest = pytest.mark.parametrize("manifest", ALL, ids=lambda m: f"{m['kind']} {name(m)}")
each_pod = pytest.mark.parametrize(
    "manifest",
    [TFSERVING, GATEWAY, OFFICE, CONSOLE, NIGHTLY, MIGRATION, KSERVE, TRAIN],
    ids=lambda m: f"{m['kind']} {name(m)}",
)
each_tfserving = pytest.mark.parametrize(
    "manifest", [TFSERVING, KSERVE], ids=lambda m: str(m["kind"])
)


@pytest.fixture
def settings() -> Settings:
    """What the gateway makes of its arguments."""
    return parse_settings(container(GATEWAY)["args"], environment(GATEWAY))


def environment(manifest: Manifest) -> dict[str, str]:
    """Return the variables that a pod's container gets."""
    return {each["name"]: each["value"] for each in container(manifest)["env"]}


@each_manifest
def test_a_manifest_follows_its_schema(manifest: Manifest) -> None:
    """In Kubernetes' oldest version that will do, and in the newest."""
    check_schema(manifest)


def test_a_misspelt_key_is_noticed() -> None:
    """The schemas are the strict ones."""
    wrong = json.loads(json.dumps(GATEWAY))
    wrong["spec"]["template"]["spec"]["terminationGracePeriod"] = 30
    with pytest.raises(kubernetes_validate.ValidationError):
        check_schema(wrong)


@each_pod
def test_a_pod_gets_no_more_rights_than_it_needs(manifest: Manifest) -> None:
    """Not root, a root that can't be written to, no capabilities, no token of the cluster's."""
    check_rights(manifest)


def test_the_cluster_itself_refuses_more_rights() -> None:
    """Whatever somebody adds later."""
    labels = one(BASE, "Namespace", "agelane")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@each_tfserving
def test_tensorflow_serving_gets_the_flags_of_the_compose_file(manifest: Manifest) -> None:
    """And runs likewise: without the image's script, as nobody."""
    only, composed = container(manifest), MODEL_SERVERS["cpu"]
    assert only["args"] == composed["command"]
    assert only["command"] == composed["entrypoint"]
    user = pod(manifest)["securityContext"]
    assert f"{user['runAsUser']}:{user['runAsGroup']}" == composed["user"]
    assert composed["image"].partition("@")[0] == only["image"]


@each_tfserving
def test_models_can_not_be_written(manifest: Manifest) -> None:
    """They lie on a volume that only its owner fills, and none is ever made for the claim."""
    volumes = {volume["name"]: volume for volume in pod(manifest)["volumes"]}
    claim = one(BASE, "PersistentVolumeClaim", "models")
    assert volumes["models"]["persistentVolumeClaim"] == {
        "claimName": name(claim),
        "readOnly": True,
    }
    mounts = {mount["name"]: mount for mount in container(manifest)["volumeMounts"]}
    assert mounts["models"]["readOnly"] is mounts["config"]["readOnly"] is True
    assert claim["spec"]["accessModes"] == ["ReadOnlyMany"]
    assert claim["spec"]["storageClassName"] == ""
    (volume,) = read(readme_block("yaml", "PersistentVolume"))
    assert claim["spec"]["volumeName"] == name(volume)


def test_each_file_that_a_flag_names_is_in_the_config_map() -> None:
    """From the folder that the containers and the embedded server read, without a copy."""
    (folder,) = read((ROOT / "serving/tfserving/kustomization.yaml").read_text("utf-8"))
    (generated,) = folder["configMapGenerator"]
    named = {
        Path(value).name
        for _, _, value in (flag.partition("=") for flag in container(TFSERVING)["args"])
        if value.startswith("/config/")
    }
    assert named <= set(generated["files"])
    assert all((ROOT / "serving/tfserving" / file).is_file() for file in generated["files"])
    assert {v["configMap"]["name"] for v in pod(TFSERVING)["volumes"] if "configMap" in v} == {
        generated["name"]
    }


@each_tfserving
def test_a_model_server_ends_when_nobody_asks_it_any_more(manifest: Manifest) -> None:
    """It knows no SIGTERM: the name has to be forgotten, and the longest call to be over."""
    asleep = container(manifest)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert asleep >= NAME_CACHE_SECONDS + servers._RESOLVE_SECONDS + LONGEST_SECONDS
    assert asleep < pod(manifest)["terminationGracePeriodSeconds"]


@each_tfserving
def test_a_model_server_has_time_to_load(manifest: Manifest) -> None:
    """It opens its port afterwards; before that, nothing may be sent and nothing is restarted."""
    only = container(manifest)
    port = only["ports"][0]
    for flag, each in zip(("port", "rest_api_port"), only["ports"], strict=True):
        assert f"--{flag}={each['containerPort']}" in only["args"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert only[probe]["tcpSocket"]["port"] in (port["name"], port["containerPort"])
    assert longest_failing(only["startupProbe"]) >= 120


def test_kserve_runs_the_same_container_under_its_own_name() -> None:
    """Behind the same label, so that the base's service, policies and budget hold for it."""
    ours, theirs = container(TFSERVING), container(KSERVE)
    for key in ("image", "command", "args", "securityContext", "lifecycle", "volumeMounts"):
        assert theirs[key] == ours[key]
    assert theirs["name"] == "kserve-container"
    assert pod(KSERVE)["labels"] == TFSERVING["spec"]["selector"]["matchLabels"]
    assert pod(KSERVE)["volumes"] == pod(TFSERVING)["volumes"]


def test_the_gateway_takes_its_flags(settings: Settings) -> None:
    """It asks for tokens although it speaks plaintext, and follows the model server's name."""
    service = one(BASE, "Service", "model-server")
    port = service["spec"]["ports"][0]
    assert settings.model_servers == [f"dns:///{name(service)}:{port['port']}"]
    assert service["spec"]["clusterIP"] == "None"
    assert settings.credentials is not None
    assert settings.token_keys is not None
    assert settings.ledger
    (mount,) = container(GATEWAY)["volumeMounts"]
    assert {settings.credentials.parent, settings.token_keys.parent} == {Path(mount["mountPath"])}
    ports = {each["name"]: each["containerPort"] for each in container(GATEWAY)["ports"]}
    assert ports == {"grpc": port_of(settings.listen), "metrics": port_of(settings.metrics_listen)}


def test_the_gateway_is_asked_by_grpc_whether_it_lives_and_is_ready(settings: Settings) -> None:
    """Such a probe speaks no TLS, so neither does the gateway."""
    only = container(GATEWAY)
    port = port_of(settings.listen)
    assert only["readinessProbe"]["grpc"] == {"port": port, "service": READY}
    for probe in ("startupProbe", "livenessProbe"):
        assert only[probe]["grpc"] == {"port": port, "service": ALIVE}
    assert settings.tls_certificate is None
    assert settings.processes == 1  # more than one need a folder to write to


def test_the_gateway_has_time_to_drain(settings: Settings) -> None:
    """Whoever leaves isn't restarted for it either: it says of itself that it doesn't live."""
    draining = settings.notice_seconds + settings.drain_seconds
    assert pod(GATEWAY)["terminationGracePeriodSeconds"] > draining
    only = container(GATEWAY)
    assert longest_failing(only["livenessProbe"]) > draining
    noticed = longest_failing(only["readinessProbe"]) + only["readinessProbe"]["timeoutSeconds"]
    assert noticed <= settings.notice_seconds


@pytest.mark.parametrize(
    ("manifest", "composed", "other"),
    [
        (OFFICE, SERVICES["office"], set()),
        (CONSOLE, SERVICES["console"], set()),
        # The cluster says when; and it has no volume to keep the last event on.
        (NIGHTLY, SERVICES["nightly"], {"--key=/ledger.key", "--at=03:00", "--seen=/seen/last"}),
        (MIGRATION, SERVICES["migration"], set()),
    ],
    ids=["office", "console", "nightly", "migration"],
)
def test_the_office_runs_as_in_the_compose_file(
    manifest: Manifest, composed: dict[str, Any], other: set[str]
) -> None:
    """By the same arguments, from the same image."""
    only = container(manifest)
    assert set(composed["command"]) - set(only["args"]) == other
    assert only["image"].partition(":")[0] == composed["image"]
    variables = {key: value for key, value in composed["environment"].items() if key != "TZ"}
    assert environment(manifest).keys() == variables.keys()
    for key in variables.keys() & {"PGSERVICEFILE", "AGELANE_GATEWAY_LEDGER"}:
        assert environment(manifest)[key] == variables[key]


@pytest.mark.parametrize(
    "manifest",
    [GATEWAY, OFFICE, CONSOLE, NIGHTLY, MIGRATION],
    ids=["gateway", "office", "console", "nightly", "migration"],
)
def test_each_file_that_is_named_is_in_the_secret_that_is_mounted(manifest: Manifest) -> None:
    """Which kustomize makes from the files of `make secrets`."""
    (folder,) = read((KUBERNETES / "secrets/kustomization.yaml").read_text("utf-8"))
    files = {
        each["name"]: {Path(file).name for file in each["files"]}
        for each in folder["secretGenerator"]
    }
    mounted = {mount["name"]: mount["mountPath"] for mount in container(manifest)["volumeMounts"]}
    there = {
        f"{mounted[volume['name']]}/{file}"
        for volume in pod(manifest)["volumes"]
        for file in files[volume["secret"]["secretName"]]
    }
    words = [word.partition("=")[2] for word in container(manifest)["args"]]
    named = {word for word in (*words, *environment(manifest).values()) if word.startswith("/")}
    assert named
    assert named <= there


def test_the_console_is_found_by_tls_and_is_one() -> None:
    """It alone knows who is logged in."""
    service = one(BASE, "Service", "console")["spec"]
    assert service["selector"] == CONSOLE["spec"]["selector"]["matchLabels"]
    assert [port["targetPort"] for port in service["ports"]] == ["https"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container(CONSOLE)[probe]["httpGet"]["scheme"] == "HTTPS"
    assert CONSOLE["spec"]["replicas"] == 1
    assert CONSOLE["spec"]["strategy"] == {"type": "Recreate"}


def test_the_office_is_found_at_its_ports() -> None:
    """By the console, at the name that its flags have."""
    service = one(BASE, "Service", "office")["spec"]
    assert service["selector"] == OFFICE["spec"]["selector"]["matchLabels"]
    ports = {port["port"] for port in service["ports"]}
    assert ports == {each["containerPort"] for each in container(OFFICE)["ports"]}


def test_one_of_each_may_be_away() -> None:
    """There are two, on different machines if possible, and one at a time may be taken away."""
    for deployment in (TFSERVING, GATEWAY):
        labels = deployment["spec"]["selector"]["matchLabels"]
        assert deployment["spec"]["replicas"] == 2
        budget = one(BASE, "PodDisruptionBudget", name(deployment))["spec"]
        assert budget == {"maxUnavailable": 1, "selector": {"matchLabels": labels}}
        keys = {each["topologyKey"] for each in pod(deployment)["topologySpreadConstraints"]}
        assert keys == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
        assert one(BASE, "Service", name(deployment))["spec"]["selector"] == labels


def test_a_secret_that_kubernetes_replaces_is_read_anew(tmp_path: Path) -> None:
    """The kubelet turns a link to another folder; a file mounted alone would stay as it was."""
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "tokens.toml").write_text(version)
    data = tmp_path / "..data"
    data.symlink_to("1")
    (tmp_path / "tokens.toml").symlink_to("..data/tokens.toml")
    watched = WatchedFile("credentials", tmp_path / "tokens.toml", int)
    before = watched._signature()
    (aside := tmp_path / "..aside").symlink_to("2")
    aside.replace(data)
    assert watched._signature() != before
    assert all("subPath" not in mount for mount in container(GATEWAY)["volumeMounts"])


def test_prometheus_finds_the_gateways_under_the_name_that_alerts_know() -> None:
    """By the labels and the port of the service."""
    monitor, service = one(PROMETHEUS, "ServiceMonitor", "gateway"), one(BASE, "Service", "gateway")
    assert monitor["spec"]["selector"]["matchLabels"] == service["metadata"]["labels"]
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    (relabeling,) = endpoint["relabelings"]
    assert relabeling["targetLabel"] == "job"
    alerts = (ROOT / "serving/monitoring/alerts.yaml").read_text("utf-8")
    assert f'job="{relabeling["replacement"]}"' in alerts


def test_model_servers_are_added_before_their_batches_are_full() -> None:
    """By a number that the adapter makes from gauges that the gateway has."""
    scaler = one(PROMETHEUS, "HorizontalPodAutoscaler", "model-server")["spec"]
    assert scaler["scaleTargetRef"]["name"] == name(TFSERVING)
    assert scaler["minReplicas"] == TFSERVING["spec"]["replicas"]
    (metric,) = scaler["metrics"]
    (values,) = read((KUBERNETES / "components/prometheus/adapter-values.yaml").read_text("utf-8"))
    (rule,) = values["rules"]["external"]
    assert metric["external"]["metric"]["name"] == rule["name"]["as"]
    gauges = {
        each._name for _, each in inspect.getmembers(metrics) if isinstance(each, MetricWrapperBase)
    }
    query = rule["metricsQuery"].replace("<<.LabelMatchers>>", 'namespace="agelane"')
    for asked in (query, rule["seriesQuery"]):
        assert {each.name for each in selectors(parse(asked))} <= gauges

    (on_gpu,) = read((KUBERNETES / "overlays/gpu/autoscaler.yaml").read_text("utf-8"))
    for file, spec in (("batching.config", scaler), ("batching.gpu.config", on_gpu["spec"])):
        batching = config_pb2.BatchingParameters()
        text_format.Parse((ROOT / "serving/tfserving" / file).read_text("utf-8"), batching)
        # Without a number of threads there are as many as cores: a full batch is what counts.
        full = batching.max_batch_size.value * (batching.num_batch_threads.value or 1)
        target = spec["metrics"][0]["external"]["target"]
        assert full / 2 <= int(target["averageValue"]) < full


def port_of(address: str) -> int:
    """Return the port of HOST:PORT."""
    return int(address.rpartition(":")[2])
