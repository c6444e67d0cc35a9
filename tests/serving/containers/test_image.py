"""The gateway's image is made of what the project needs for it, and of nothing else."""

from __future__ import annotations

import re

from tests.serving.containers.project import GATEWAY, ROOT

DOCKERFILE = ROOT / GATEWAY["build"]["context"] / GATEWAY["build"]["dockerfile"]
INSTRUCTIONS = [
    line.split(maxsplit=1)
    for line in re.sub(r"\\\n", " ", DOCKERFILE.read_text("utf-8")).splitlines()
    if line and not line.startswith("#")
]


def instructions(name: str) -> list[str]:
    """Return what follows each instruction `name`, in order."""
    return [rest for found, rest in INSTRUCTIONS if found == name]


def test_it_is_built_from_one_pinned_slim_image() -> None:
    """The final stage starts from it as well, so nothing of the build stays behind."""
    base, *stages = instructions("FROM")
    assert re.fullmatch(r"python:\d+\.\d+-slim-\w+(@sha256:[0-9a-f]{64})? AS python", base)
    assert stages == ["python AS build", "python"]


def test_what_is_installed_is_pinned_and_holds_no_tensorflow() -> None:
    """The stubs and the service, without the model server's extra; build tools are pinned too."""
    install = instructions("RUN")[-1]
    assert install.split()[-2:] == ["./proto", "./serving"]
    assert "--constraint constraints.txt --build-constraint constraints.txt" in install


def test_it_runs_as_nobody_in_particular() -> None:
    """By number, so that an orchestrator can tell that this isn't root."""
    assert instructions("USER") == ["10001:10001"]
    assert instructions("ENTRYPOINT") == ['["python", "-m", "agelane_serving.gateway"]']


def test_the_build_sees_only_what_it_copies() -> None:
    """No photos, no models, no history: the list says what may, and all of it is there."""
    lines = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    assert rules[0] == "*"
    allowed = [rule[1:] for rule in rules if rule.startswith("!")]
    assert all((ROOT / path).exists() for path in allowed)
    copied = [rest.split()[0] for rest in instructions("COPY") if not rest.startswith("--from")]
    assert {path.partition("/")[0] for path in allowed} == set(copied)
