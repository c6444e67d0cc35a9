"""An environment for each peer, made by uv, since their needs contradict one another's."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".peers"
REQUIREMENTS = {
    "litserve": ("litserve==0.2.19",),
    "bentoml": ("bentoml==1.4.40",),
    "mlserver": ("mlserver==1.7.1", "uvloop<0.22"),  # its workers do not start with a newer one
    "ray": ("ray[serve]==2.60.0",),
}
"""What each peer is, by its name."""
_STOP_SECONDS = 20.0


@dataclass(frozen=True)
class Environment:
    """A virtual environment with one peer and our TensorFlow."""

    python: str
    """Its interpreter."""


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server and all that it has started, whatever sessions these are in."""
    started = []
    with suppress(psutil.NoSuchProcess):
        started = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    process.kill()
    _, alive = psutil.wait_procs(started, timeout=2)
    for each in alive:
        with suppress(psutil.NoSuchProcess):
            each.kill()


def environment(name: str) -> Environment:
    """Return the environment of a peer; make it first where it is not there yet.

    Raises CalledProcessError where it can't be made; uv has said why.
    """
    folder = FOLDER / name
    python = folder / "bin" / "python"
    done = folder / "made"
    # TensorFlow's version is ours: the same model is computed by the same code.
    requirements = [*REQUIREMENTS[name], f"tensorflow=={version('tensorflow')}", "numpy"]
    if not done.exists() or done.read_text("utf-8") != " ".join(requirements):
        uv = [sys.executable, "-m", "uv"]
        subprocess.run(
            [*uv, "venv", "--clear", "--quiet", "--python", sys.executable, str(folder)], check=True
        )
        subprocess.run(
            [*uv, "pip", "install", "--quiet", "--python", str(python), *requirements], check=True
        )
        done.write_text(" ".join(requirements), encoding="utf-8")
    return Environment(str(python))
