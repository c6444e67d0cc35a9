"""What this machine computes well in."""

from __future__ import annotations

from pathlib import Path

from agelane_trainer.network.folded import ServingPrecision

_CPU_FEATURES = Path("/proc/cpuinfo")
_BFLOAT16_FEATURES = ("avx512_bf16", "amx_bf16")


def best_precision(cpu_features: Path = _CPU_FEATURES) -> ServingPrecision:
    """Return bfloat16 where the CPU has instructions for it, else float32.

    Without them bfloat16 is emulated, and slower than float32.
    """
    try:
        features = cpu_features.read_text().split()
    except OSError:
        return "float32"
    return "bfloat16" if set(_BFLOAT16_FEATURES) & set(features) else "float32"
