"""The whole stack with the shipped model, as `make serve` runs it, on free ports."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "docs" / "samples"
PHOTOS = ROOT / "tests" / "photos"
"""Photos without a face."""
MODELS = ROOT / "models"
SHARED_PHOTOS = ROOT.parent / "shared" / "data" / "faces.tar.gz"


@dataclass(frozen=True)
class Addresses:
    """Where the parts of a running stack listen."""

    gateway: str
    """What tills call."""
    model_server: str
    """What the gateway calls."""


@pytest.fixture(scope="session")
def stack(policy_without_audit: Path) -> Iterator[Addresses]:
    """Start the stack once for all tests; nobody is asked for a document by chance."""
    if not any(MODELS.glob("age/*/saved_model.pb")):
        pytest.fail("no exported model: `make export` makes one")
    command = [sys.executable, "-m", "agelane_serving.stack", "--model-port=0", "--gateway-port=0"]
    process = subprocess.Popen(
        [*command, f"--models={MODELS}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "AGELANE_GATEWAY_POLICY": str(policy_without_audit)},
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            ready = re.search(r"READY: gateway on (\S+), model server on (\S+)", line)
            if ready:
                break
        else:
            pytest.fail("the stack ended before it was ready")
        yield Addresses(*ready.groups())
    finally:
        process.terminate()
        assert process.wait(60) == 0
