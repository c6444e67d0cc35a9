"""What the distributions declare about themselves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tomllib
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Distribution:
    """One of the distributions, as its pyproject.toml has it."""

    folder: Path
    """Where it lies."""
    package: Path
    """The folder of its import package."""
    requirements: tuple[Requirement, ...]
    """What it needs."""
    extras: dict[str, tuple[Requirement, ...]]
    """What it needs for more, by extra."""


def read(folder: str, package: str) -> Distribution:
    """Read the distribution in ROOT/folder, whose import package is there in `package`."""
    project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project.get("optional-dependencies", {})
    return Distribution(
        folder=ROOT / folder,
        package=ROOT / folder / package,
        requirements=tuple(map(Requirement, project["dependencies"])),
        extras={extra: tuple(map(Requirement, needs)) for extra, needs in extras.items()},
    )


PROTO = read("proto", "gen/agelane")
CLIENT = read("client", "agelane_client")
FACES = read("faces", "agelane_faces")
SERVING = read("serving", "agelane_serving")
TRAINER = read("trainer", "agelane_trainer")
ALL = (PROTO, CLIENT, FACES, SERVING, TRAINER)
