"""The wheels that a till installs work with every Python, grpcio and protobuf that they promise."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.distributions import CLIENT, PROTO, ROOT
from tests.packaging.test_wheels import build

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
OLDEST, NEWEST = "lowest", "highest"
CASES = [(PYTHONS[0], OLDEST), *((python, NEWEST) for python in PYTHONS)]
BROUGHT = (
    *("agelane-client", "agelane-proto"),
    *("googleapis-common-protos", "grpcio", "grpcio-status", "protobuf"),
)
UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module", name="wheels")
def wheels_fixture(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The wheels of client and stubs."""
    return [build(it, tmp_path_factory.mktemp(it.folder.name)) for it in (PROTO, CLIENT)]


@pytest.mark.parametrize(("python", "resolution"), CASES)
def test_a_till_works_with(
    python: str, resolution: str, wheels: list[Path], tmp_path: Path
) -> None:
    """In an environment that holds the two wheels and what they need; the oldest, or the newest."""
    interpreter = found(python)
    if interpreter is None:
        pytest.skip(f"no Python {python} here")
    environment = tmp_path / "environment"
    uv("venv", "--python", interpreter, str(environment))
    uv(
        *("pip", "install", "--python", str(environment), "--resolution", resolution),
        *map(str, wheels),
    )
    listed = uv("pip", "list", "--python", str(environment), "--format=freeze").splitlines()
    names = {line.partition("==")[0] for line in listed}
    assert names - {"typing-extensions"} == set(BROUGHT)  # which some releases of grpcio need
    if resolution == OLDEST:
        assert {"grpcio==1.73.0", "grpcio-status==1.73.0", "protobuf==6.31.0"} <= set(listed)
    subprocess.run(
        [environment / "bin" / "python", ROOT / "tests" / "packaging" / "sdk_exercise.py"],
        check=True,
        cwd=tmp_path,
    )


def found(python: str) -> str | None:
    """Return the path of an interpreter of this version, None if there is none."""
    for candidate in (f"python{python}", sys.executable):
        path = shutil.which(candidate)
        if path is None:
            continue
        # A version manager's name for it may lead nowhere.
        said = subprocess.run(
            [path, "-c", "import sys; print(sys.executable, '%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.split()
        if said[1:] == [python]:
            return said[0]
    # pyenv keeps them beside each other, and shows one.
    beside = sorted(Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser().glob("versions/*"))
    return next(
        (str(it / "bin" / "python") for it in beside if it.name.startswith(f"{python}.")), None
    )


def uv(*arguments: str) -> str:
    """Run uv, and return what it said; without a package index the test is skipped."""
    done = subprocess.run([UV, *arguments], capture_output=True, text=True, check=False)
    if re.search("error sending request|dns error|Could not connect", done.stderr):
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    return done.stdout
