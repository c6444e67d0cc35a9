"""The wheels of the distributions are complete, small and free of anything else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.packaging.distributions import ALL, CLIENT, PROTO, Distribution


@pytest.fixture(scope="module", name="wheels")
def wheels_fixture(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Path]:
    """Build all wheels once; return them by folder of their distribution."""
    return {it.folder: build(it, tmp_path_factory.mktemp(it.folder.name)) for it in ALL}


def build(distribution: Distribution, out: Path) -> Path:
    """Build the wheel of `distribution` into `out`."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*command, "--directory", out], cwd=distribution.folder, check=True)
    (wheel,) = out.glob("*.whl")
    return wheel


def test_a_wheel_holds_its_package_and_nothing_else(wheels: dict[Path, Path]) -> None:
    """Every file of the package is there, the typing marker too; no tests, no sources of stubs.

    But for the types of TensorFlow Serving's messages, which a till would download in vain.
    """
    for distribution in ALL:
        package, wheel = distribution.package, wheels[distribution.folder]
        expected = {
            path.relative_to(package.parent).as_posix()
            for path in package.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
            if not ("tfserving" in path.parts and path.suffix == ".pyi")
        }
        packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
        assert packed == expected
        assert f"{package.name}/py.typed" in packed


def test_what_a_till_downloads_is_small(wheels: dict[Path, Path]) -> None:
    """The wheels of client and stubs weigh at most 150 KB together."""
    assert wheels[CLIENT.folder].stat().st_size + wheels[PROTO.folder].stat().st_size <= 150_000
