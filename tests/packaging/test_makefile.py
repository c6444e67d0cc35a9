"""The Makefile offers what the README and .ci/run call, with a line of help each."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.packaging.distributions import ROOT

TARGETS = (
    "help",
    "demo",
    "test",
    "check",
    "serve",
    "console",
    "serve-gpu",
    "serve-cpu",
    "secrets",
    "tune-batching",
    "eda",
    "train",
    "evaluate",
    "export",
    "loadtest",
    "soak",
    "bench-peers",
    "simulate",
    "clean",
)


def make(*arguments: str) -> str:
    """Run make in the project's root and return what it prints."""
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_make_alone_prints_the_help() -> None:
    """Every target has a line; nothing is installed for it."""
    lines = make().splitlines()
    helped = {match[1] for line in lines if (match := re.match(r"  ([a-z-]+)  +\w+", line))}
    assert helped >= set(TARGETS)
    assert make("help").splitlines() == lines


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_is_understood(target: str) -> None:
    """A dry run names the commands; a name that is also a keyword of make (export) included."""
    assert make("--dry-run", target)


def test_options_of_the_trainer_are_passed_on_where_given() -> None:
    """DATA=... becomes --data ...; what is not given is left to the trainer's defaults."""
    command = make("--dry-run", "train", "DATA=photos").splitlines()[-1].split()
    assert command[-2:] == ["--data", "photos"]
    assert "--recipe" not in command
