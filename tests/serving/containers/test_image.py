"""The images of gateway and office are made of what each needs, and of nothing else."""

from __future__ import annotations

import re
import shlex

from tests.serving.containers.project import GATEWAY, NIGHTLY, ROOT, SERVICES

DOCKERFILE = ROOT / GATEWAY["build"]["context"] / GATEWAY["build"]["dockerfile"]
INSTRUCTIONS = [
    line.split(maxsplit=1)
    for line in re.sub(r"\\\n", " ", DOCKERFILE.read_text("utf-8")).splitlines()
    if line and not line.startswith("#")
]


def instructions(name: str) -> list[str]:
    """Return what follows each instruction `name`, in order."""
    return [rest for found, rest in INSTRUCTIONS if found == name]


def test_both_are_built_from_one_pinned_slim_image() -> None:
    """Their stages start from it as well, so nothing of the build stays behind."""
    base, *stages = instructions("FROM")
    assert re.fullmatch(r"python:\d+\.\d+-slim-\w+(@sha256:[0-9a-f]{64})? AS python", base)
    assert stages == [
        "python AS build",
        "build AS build-office",
        "python AS office",
        "python AS gateway",
    ]
    targets = {name: SERVICES[name]["build"]["target"] for name in ("gateway", "office")}
    assert targets == {"gateway": "gateway", "office": "office"}


def test_what_is_installed_is_pinned_and_holds_no_tensorflow() -> None:
    """The stubs and the service; only the office has what reports and console need."""
    installs = [run for run in instructions("RUN") if "./serving" in run]
    assert [shlex.split(run)[-1] for run in installs] == [
        "./serving[postgresql]",
        "./serving[console,postgresql,reports]",
    ]
    for run in installs:
        assert "--constraint constraints.txt --build-constraint constraints.txt" in run


def test_it_runs_as_nobody_in_particular() -> None:
    """By number, so that an orchestrator can tell that this isn't root."""
    assert instructions("USER") == ["10001:10001"] * 2
    office, gateway = instructions("ENTRYPOINT")
    assert office == '["python", "-m"]'
    assert gateway == '["python", "-m", "agelane_serving.gateway"]'


def test_a_volume_belongs_to_the_user_who_writes_to_it() -> None:
    """Docker gives a new one the owner of the folder in the image."""
    (volume,) = (each for each in NIGHTLY["volumes"] if each["type"] == "volume")
    made = [run for run in instructions("RUN") if run.startswith("install ")]
    assert made == [f"install --directory --owner=10001 --group=10001 {volume['target']}"]


def test_the_build_sees_only_what_it_copies() -> None:
    """No photos, no models, no history: the list says what may, and all of it is there."""
    lines = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    assert rules[0] == "*"
    allowed = [rule[1:] for rule in rules if rule.startswith("!")]
    assert all((ROOT / path).exists() for path in allowed)
    copied = [rest.split()[0] for rest in instructions("COPY") if not rest.startswith("--from")]
    assert {path.partition("/")[0] for path in allowed} == set(copied)
