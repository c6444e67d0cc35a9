"""What kustomize and the commands of the README make of the manifests is valid too."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agelane_serving.gateway.configuration import Configuration
from agelane_serving.gateway.settings import parse_settings
from tests.serving.containers.manifests import (
    KUBERNETES,
    KUSTOMIZE,
    build,
    check_rights,
    check_schema,
    container,
    longest_failing,
    name,
    one,
    pod,
    read,
    readme_block,
    shell,
)
from tests.serving.containers.project import MODEL_SERVERS, ROOT

needs_kustomize = pytest.mark.skipif(
    KUSTOMIZE is None, reason="no kubectl and no kustomize here: kubernetes.io/docs/tasks/tools"
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What kustomize needs of the project, with secrets made as the README tells."""
    root = tmp_path_factory.mktemp("kubernetes")
    for folder in ("serving/k8s", "serving/tfserving"):
        kept = shutil.ignore_patterns("*.toml", "*.key", "*.token", "*.conf", "tls.*", "*.txt")
        shutil.copytree(ROOT / folder, root / folder, ignore=kept)
    shutil.copy(ROOT / "serving/make_secrets.py", root / "serving")
    shell(readme_block("sh", "make_secrets"), root)
    return root


def test_the_gateway_reads_the_secrets_that_the_readme_makes(checkout: Path) -> None:
    """The first till's token, for nobody else to read and for nobody to commit."""
    folder = checkout / "serving/k8s/secrets"
    tokens, keys = folder / "gateway/tokens.toml", folder / "gateway/keys.toml"
    settings = parse_settings([f"--credentials={tokens}", f"--token-keys={keys}"], environment={})
    configuration = Configuration(settings)
    assert configuration.credentials is not None
    token = (folder / "till/till.token").read_text("utf-8").strip()
    caller = configuration.credentials().caller_of([("authorization", f"Bearer {token}")])
    assert (caller.store_id, caller.token_id) == ("hamburg-1", "hamburg-1-till")
    assert folder.stat().st_mode & 0o077 == 0
    ignored = (KUBERNETES / "secrets/.gitignore").read_text("utf-8").split()
    assert ignored == ["*", "!.gitignore", "!kustomization.yaml"]


@needs_kustomize
@pytest.mark.parametrize("folder", ["overlays/cpu", "overlays/gpu", "kserve"])
def test_what_is_built_is_valid(checkout: Path, folder: str) -> None:
    """All is in the namespace, each name that is used exists, and limits are set."""
    built = build(checkout / "serving/k8s" / folder)
    for manifest in built:
        check_schema(manifest)
        assert manifest["kind"] == "Namespace" or manifest["metadata"]["namespace"] == "agelane"
    names = {(m["kind"], name(m)) for m in built}
    pods = [m for m in built if m["kind"] in ("CronJob", "Deployment", "InferenceService", "Job")]
    assert len(pods) == 6
    for manifest in pods:
        check_rights(manifest)
        resources = container(manifest)["resources"]
        assert "memory" in resources["limits"]
        assert {"cpu", "memory"} <= resources["requests"].keys()
        for volume in pod(manifest)["volumes"]:
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in names
            if "secret" in volume:
                assert ("Secret", volume["secret"]["secretName"]) in names


@needs_kustomize
@pytest.mark.parametrize(
    ("variant", "tag", "gpus"), [("cpu", "2.20.0", 0), ("gpu", "2.20.0-gpu", 1)]
)
def test_an_overlay_says_what_the_model_runs_on(
    checkout: Path, variant: str, tag: str, gpus: int
) -> None:
    """One GPU each, and time for its driver; how many there are is the autoscaler's to say."""
    built = one(build(checkout / "serving/k8s/overlays" / variant), "Deployment", "model-server")
    only = container(built)
    assert only["image"] == f"tensorflow/serving:{tag}"
    assert only["resources"]["limits"].get("nvidia.com/gpu", 0) == gpus
    assert only["args"] == MODEL_SERVERS[variant]["command"]
    patience = longest_failing(only["startupProbe"])
    assert patience == (600 if gpus else 120)
    assert built["spec"].get("progressDeadlineSeconds", 600) > patience
    assert "replicas" not in built["spec"]


@needs_kustomize
def test_another_configuration_starts_other_pods(checkout: Path, tmp_path: Path) -> None:
    """TensorFlow Serving reads its files once; the gateway reads the secret whenever it changes."""
    changed = tmp_path / "changed"
    shutil.copytree(checkout, changed)
    with (changed / "serving/tfserving/batching.config").open("a") as file:
        file.write("# another\n")
    before, after = (
        {
            kind: {name(m) for m in built if m["kind"] == kind}
            for built in (build(root / "serving/k8s/overlays/cpu"),)
            for kind in ("ConfigMap", "Secret")
        }
        for root in (checkout, changed)
    )
    assert before["ConfigMap"].isdisjoint(after["ConfigMap"])
    assert before["Secret"] == after["Secret"] >= {"gateway", "console", "nightly"}


def test_the_alerts_become_a_prometheus_rule() -> None:
    """By the command of the README, all of them and unchanged."""
    command = "kubectl() { cat; }\n" + readme_block("sh", "PrometheusRule")
    (rule,) = read(shell(command, ROOT))
    check_schema(rule)
    (alerts,) = read((ROOT / "serving/monitoring/alerts.yaml").read_text("utf-8"))
    assert rule["kind"] == "PrometheusRule"
    assert rule["spec"] == alerts
