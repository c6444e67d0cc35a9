"""Each distribution declares what it imports, and the lock knows all of it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest
import tomllib
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from loadtest.peers.environments import REQUIREMENTS
from tests.packaging.distributions import ALL, CLIENT, PROTO, ROOT, SERVING, TRAINER, Distribution

each_distribution = pytest.mark.parametrize("distribution", ALL, ids=lambda it: it.folder.name)
OWN = {it.package.name: {f"agelane-{it.folder.name}"} for it in ALL}
USED_BY = {
    "console": ("console",),
    "faces": ("photos/preparation.py",),
    "model-server": ("model_server",),
    "photos": ("photos/pillow.py",),
    "postgresql": ("ledger/store.py",),
    "reports": (
        *("eda", "evaluation/report", "publishing/documents.py", "reports"),
        "training/learning_curves.py",
    ),
    "tracing": ("gateway/operations/tracing.py",),
}
"""Files and folders of a package that may use what an extra brings."""
PEERS = ROOT / "loadtest" / "peers" / "servers"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@each_distribution
def test_what_is_imported_is_declared(distribution: Distribution) -> None:
    """Only the modules that an extra is meant for may use what the extra brings."""
    files = set(distribution.package.rglob("*.py"))
    needs = set(names(distribution.requirements)) | OWN[distribution.package.name]
    for extra, brought in distribution.extras.items():
        users = {path for path in files if used_by(extra, path.relative_to(distribution.package))}
        assert users
        assert undeclared(users, needs | set(names(brought))) == {}
        files -= users
    assert undeclared(files, needs) == {}


@pytest.mark.parametrize("folder", ["loadtest", "tests"])
def test_what_the_tools_import_is_declared(folder: str) -> None:
    """By a distribution or by a dependency group."""
    needs = {name for owners in OWN.values() for name in owners} | set(names(declared()))
    files = set((ROOT / folder).rglob("*.py"))
    peers = {it for it in files if it.is_relative_to(PEERS)}
    assert undeclared(files - peers, needs) == {}
    # They run in environments of their own; Starlette comes with Ray Serve.
    brought = set(names(map(Requirement, chain(*REQUIREMENTS.values())))) | {"starlette"}
    assert undeclared(peers, needs | brought) == {}


def test_a_till_needs_only_grpc_and_protobuf() -> None:
    """The client's dependencies are the stubs, grpcio, protobuf, and the messages of a status."""
    assert set(names(CLIENT.requirements)) == {
        "agelane-proto",
        "googleapis-common-protos",
        "grpcio",
        "grpcio-status",
        "protobuf",
    }
    assert set(names(PROTO.requirements)) == {"grpcio", "protobuf"}


def test_the_gateway_needs_no_tensorflow() -> None:
    """TensorFlow and NumPy come with the extra alone."""
    assert {"tensorflow", "numpy"}.isdisjoint(names(SERVING.requirements))
    assert "tensorflow" in set(names(SERVING.extras["model-server"]))
    assert "tensorflow" in set(names(TRAINER.requirements))


def test_the_lock_holds_names_and_versions_of_everything() -> None:
    """Each line of constraints.txt pins one release; each dependency has one, within its range."""
    locked = {}
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines():
        match = re.fullmatch(r"([a-z0-9-]+)==([0-9a-z.]+)( ; .+)?", line)
        assert match, line
        locked[match[1]] = Version(match[2])
    for requirement in declared():
        if not requirement.name.startswith("agelane-"):
            assert locked[canonicalize_name(requirement.name)] in requirement.specifier


def test_the_stubs_run_with_the_oldest_releases_allowed() -> None:
    """Generated code refuses runtimes older than its generator, so the lower bounds equal it."""
    oldest = {need.name: str(need.specifier) for need in PROTO.requirements}
    for path in PROTO.package.rglob("*_pb2.py"):
        generated_for = re.search(r"# Protobuf Python Version: (\d+\.\d+)", path.read_text("utf-8"))
        assert generated_for
        assert f">={generated_for[1]}" in oldest["protobuf"]
    for path in PROTO.package.rglob("*_pb2_grpc.py"):
        generated_for = re.search(r"GRPC_GENERATED_VERSION = '(\d+\.\d+)", path.read_text("utf-8"))
        assert generated_for
        assert f">={generated_for[1]}" in oldest["grpcio"]


def used_by(extra: str, path: Path) -> bool:
    """Return whether a module, by its path in its package, may use what an extra brings."""
    return any(path.is_relative_to(place) for place in USED_BY[extra])


def declared() -> Iterator[Requirement]:
    """Yield all requirements, those of extras and dependency groups included."""
    for distribution in ALL:
        yield from distribution.requirements
        for extra in distribution.extras.values():
            yield from extra
    for group in PYPROJECT["dependency-groups"].values():
        yield from (Requirement(need) for need in group if isinstance(need, str))


def names(requirements: Iterable[Requirement]) -> Iterator[str]:
    """Yield the names of `requirements` in their normal form."""
    return (canonicalize_name(requirement.name) for requirement in requirements)


def undeclared(files: Iterable[Path], needs: set[str]) -> dict[str, set[str]]:
    """Return which modules that `needs` do not bring are imported, by file."""
    owners = packages_distributions()
    found: dict[str, set[str]] = {}
    for path in files:
        for module in imported(path):
            top = module.partition(".")[0]
            owner = OWN.get(top) or {canonicalize_name(name) for name in owners.get(top, [top])}
            ours = top in ("loadtest", "tests") or top in sys.stdlib_module_names
            if not ours and owner.isdisjoint(needs):
                found.setdefault(path.relative_to(ROOT).as_posix(), set()).add(module)
    return found


def imported(path: Path) -> Iterator[str]:
    """Yield the full names of the modules that `path` imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
