"""What a till and a gateway load into memory."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

PROBE = """
import importlib, json, pathlib, re, sys
importlib.import_module(sys.argv[1])
status = pathlib.Path("/proc/self/status").read_text()
kilobytes = re.search(r"VmHWM:\\s+(\\d+)", status)[1]
print(json.dumps({"modules": sorted(sys.modules), "peak_mb": int(kilobytes) / 1024}))
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


@pytest.mark.parametrize(
    "module", ["agelane_client", "agelane_client.cli.main", "agelane_serving.gateway.__main__"]
)
def test_tensorflow_and_numpy_are_never_imported(module: str) -> None:
    """Neither by a till nor by the gateway; only the model server's process has them."""
    loaded = {name.partition(".")[0] for name in probe(module)["modules"]}
    assert loaded.isdisjoint({"tensorflow", "tensorflow_serving", "keras", "numpy"})


def test_a_till_spends_little_memory_on_the_client() -> None:
    """Python, gRPC, protobuf and the client together stay within 45 MB.

    It is 36 MB, or 42 where the kernel maps more of gRPC's library than is used.
    """
    assert probe("agelane_client")["peak_mb"] <= 45


def probe(module: str) -> dict[str, Any]:
    """Import `module` in a fresh interpreter; return its modules and its peak memory."""
    command = [sys.executable, "-c", PROBE, module]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result
