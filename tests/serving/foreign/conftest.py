"""A gateway process in front of a scripted model server, for clients that nobody here wrote.

The tests of a file share them, and so an event loop.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.serving.foreign.processes import Outcome, gateway_for, run, until_ready
from tests.serving.gateway import photos
from tests.serving.gateway.fake_model_server import FakeModelServer

_NODE_FOLDER = Path(__file__).parent / "node"
_INSTALL_SECONDS = 300
_UNREACHABLE = ("EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ENETUNREACH", "ENOTFOUND", "ETIMEDOUT")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(policy_without_audit: Path) -> AsyncIterator[str]:
    """The address of a gateway that is ready."""
    model = FakeModelServer()
    await model.start()
    async with gateway_for(model.address, policy_without_audit) as gateway:
        await until_ready(gateway.address)
        yield gateway.address
    await model.stop()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A file with a good photo."""
    file = tmp_path / "customer.jpg"
    file.write_bytes(photos.jpeg())
    return file


@pytest.fixture
def no_photo(tmp_path: Path) -> Path:
    """A file that is no photo."""
    file = tmp_path / "customer.gif"
    file.write_bytes(b"GIF89a")
    return file


class Node:
    """Node.js with the packages of `node/package-lock.json`."""

    def __init__(self, node: str, modules: Path) -> None:
        self._node = node
        self._modules = modules

    async def run(self, script: str, *arguments: str | Path) -> Outcome:
        """Run a script of the folder `node`."""
        path = _NODE_FOLDER / script
        return await run(self._node, path, *arguments, NODE_PATH=str(self._modules))


@pytest.fixture(scope="session")
def node(pytestconfig: pytest.Config) -> Node:
    """Node.js and the packages, which are installed once for each version of the lock file."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if found is None or npm is None:
        pytest.skip("no Node.js with npm here: your distribution has it, and nodejs.org")
    lock = (_NODE_FOLDER / "package-lock.json").read_bytes()
    assert pytestconfig.cache is not None
    cache = pytestconfig.cache.mkdir("node")
    folder = cache / hashlib.sha256(lock).hexdigest()[:16]
    if not folder.exists():
        aside = cache / f"{folder.name}-{os.getpid()}"
        _install(npm, aside)
        aside.rename(folder)
    return Node(found, folder / "node_modules")


def _install(npm: str, folder: Path) -> None:
    folder.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_NODE_FOLDER / name, folder)
    # None of these packages needs its scripts.
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
    )
    if done.returncode != 0:
        shutil.rmtree(folder)
        if any(word in done.stderr for word in _UNREACHABLE):
            pytest.skip("npm reaches no registry: the first run of these tests needs a network")
        pytest.fail(done.stderr)
