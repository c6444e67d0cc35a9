"""What serving/k8s and trainer/k8s say, for the tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
from ruamel.yaml import YAML

from tests.serving.containers.project import ROOT

Manifest = dict[str, Any]

KUBERNETES, TRAINING = ROOT / "serving/k8s", ROOT / "trainer/k8s"
README = (KUBERNETES / "README.md").read_text("utf-8")
OLDEST, NEWEST = "1.30", kubernetes_validate.latest_version()
OTHERS_KINDS = ("ServiceMonitor", "PrometheusRule", "InferenceService")
"""Their schemas come with their operators."""
NOT_FOR_THE_CLUSTER = ("Kustomization", "Component")
KUSTOMIZE: list[str] | None = next(
    (
        command
        for command in (["kubectl", "kustomize"], ["kustomize", "build"])
        if shutil.which(command[0])
    ),
    None,
)
"""What builds a kustomization, if this machine has it."""


def read(text: str) -> list[Manifest]:
    """Return the manifests in a text."""
    return [each for each in YAML(typ="safe").load_all(text) if each]


def manifests_below(folder: Path) -> list[Manifest]:
    """Return the manifests for the cluster that lie in a folder; patches are none."""
    found = (
        each for path in sorted(folder.rglob("*.yaml")) for each in read(path.read_text("utf-8"))
    )
    return [
        m
        for m in found
        if "kind" in m and m["kind"] not in NOT_FOR_THE_CLUSTER and not _is_patch(m)
    ]


def _is_patch(manifest: Manifest) -> bool:
    return manifest["kind"] == "Deployment" and "selector" not in manifest["spec"]


def one(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """Return the only manifest of this kind and name."""
    (found,) = (m for m in manifests if (m["kind"], m["metadata"]["name"]) == (kind, name))
    return found


def pod(manifest: Manifest) -> dict[str, Any]:
    """Return the pod that a Deployment, a Job, a CronJob or an InferenceService makes."""
    spec: dict[str, Any] = manifest["spec"]
    spec = spec["jobTemplate"]["spec"] if "jobTemplate" in spec else spec
    found: dict[str, Any] = spec["predictor"] if "predictor" in spec else spec["template"]["spec"]
    return found


def container(manifest: Manifest) -> dict[str, Any]:
    """Return the only container of such a pod."""
    (found,) = pod(manifest)["containers"]
    assert isinstance(found, dict)
    return found


def build(folder: Path) -> list[Manifest]:
    """Return what kustomize makes of a folder."""
    assert KUSTOMIZE is not None
    done = subprocess.run(
        [*KUSTOMIZE, folder], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return read(done.stdout)


def readme_block(language: str, containing: str) -> str:
    """Return the only block of the README in this language with some words in it."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    (found,) = (block for block in blocks if containing in block)
    assert isinstance(found, str)
    return found


def name(manifest: Manifest) -> str:
    """Return a manifest's name."""
    return str(manifest["metadata"]["name"])


def check_schema(manifest: Manifest) -> None:
    """Raise if Kubernetes' oldest or newest version would not know what this means."""
    if manifest["kind"] in OTHERS_KINDS:
        assert manifest["apiVersion"].count(".") >= 2
        assert manifest["spec"]
        return
    for version in (OLDEST, NEWEST):
        kubernetes_validate.validate(manifest, version, strict=True)


def check_rights(manifest: Manifest) -> None:
    """Raise if a pod has more rights than it needs, as the level `restricted` sees it."""
    spec, only = pod(manifest), container(manifest)
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec.keys().isdisjoint({"hostNetwork", "hostPID", "hostIPC", "initContainers"})
    assert only["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert all(volume.keys().isdisjoint({"hostPath"}) for volume in spec["volumes"])


def longest_failing(probe: dict[str, Any]) -> float:
    """Return for how many seconds a probe may fail without effect."""
    return float(probe["periodSeconds"] * probe.get("failureThreshold", 3))


def shell(commands: str, folder: Path) -> str:
    """Run commands of the README with this Python; return what they print."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["sh", "-euc", commands],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
