"""Each worker of the training on several machines finds the others."""

from __future__ import annotations

import json

import pytest

from tests.serving.containers.manifests import (
    TRAINING,
    build,
    check_schema,
    container,
    manifests_below,
    name,
    one,
    pod,
)
from tests.serving.containers.test_kustomize import needs_kustomize

TRAINER = manifests_below(TRAINING)
TRAIN = one(TRAINER, "Job", "train")


@pytest.mark.parametrize("index", range(TRAIN["spec"]["completions"]))
def test_each_worker_knows_itself_and_the_others(index: int) -> None:
    """By the names that its number and the headless service give it."""
    variables = {each["name"]: each for each in container(TRAIN)["env"]}
    assert list(variables).index("JOB_COMPLETION_INDEX") < list(variables).index("TF_CONFIG")
    text = variables["TF_CONFIG"]["value"].replace("$(JOB_COMPLETION_INDEX)", str(index))
    config = json.loads(text)
    service = one(TRAINER, "Service", pod(TRAIN)["subdomain"])
    (port,) = service["spec"]["ports"]
    workers = range(TRAIN["spec"]["parallelism"])
    assert config == {
        "cluster": {
            "worker": [f"{name(TRAIN)}-{n}.{name(service)}:{port['port']}" for n in workers]
        },
        "task": {"type": "worker", "index": index},
    }


def test_all_workers_run_at_once_and_find_one_another() -> None:
    """They wait for the last of them, so the names must be there before anybody is ready."""
    spec = TRAIN["spec"]
    assert spec["completionMode"] == "Indexed"
    assert spec["completions"] == spec["parallelism"]
    service = one(TRAINER, "Service", "train")["spec"]
    assert (service["clusterIP"], service["publishNotReadyAddresses"]) == ("None", True)
    policy = one(TRAINER, "NetworkPolicy", "train")["spec"]
    (ingress,) = policy["ingress"]
    labels = spec["template"]["metadata"]["labels"]
    assert ingress == {"from": [{"podSelector": {"matchLabels": labels}}]}
    assert policy["podSelector"]["matchLabels"] == service["selector"] == labels


@needs_kustomize
def test_the_training_is_built_as_it_stands() -> None:
    """In whatever namespace it is put."""
    built = build(TRAINING)
    for manifest in built:
        check_schema(manifest)
    assert {(m["kind"], name(m)) for m in built} == {(m["kind"], name(m)) for m in TRAINER}
    assert container(one(built, "Job", "train")) == container(TRAIN)
