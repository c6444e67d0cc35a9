"""The versions of one model: which are on disk, which are wanted, and what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.rpc import code_pb2
from tensorflow_serving.apis import get_model_status_pb2

from agelane_serving.model_server.config_files import ServedModel
from agelane_serving.model_server.errors import InvalidArgument, NotFound
from agelane_serving.model_server.servable import Servable

State = get_model_status_pb2.ModelVersionStatus.State


@dataclass
class VersionRecord:
    """What is known of one version since the server started."""

    number: int
    """The version, the name of its folder."""
    state: int = State.START
    """START, LOADING, AVAILABLE, UNLOADING or END; a failed load is END with an error."""
    error_code: int = code_pb2.OK
    """Canonical code of the last failed load."""
    error_message: str = ""
    """What the last failed load said."""
    servable: Servable | None = None
    """The version in memory, from AVAILABLE until the last call after UNLOADING."""
    calls: int = 0
    """Calls in progress."""
    failed_loads: int = 0
    """Failed loads in a row."""
    retry_at: float = 0
    """Earliest time of the next load, on the clock of the manager."""


@dataclass
class ModelVersions:
    """One model and all its versions. It has no lock: the manager holds one around every use."""

    configured: ServedModel
    """The model as the operator configured it last."""
    removed: bool = False
    """No longer configured; its versions end and only their statuses remain."""
    problem: str = ""
    """Why nothing could be loaded since the last configuration; empty while untried."""
    records: dict[int, VersionRecord] = field(default_factory=dict)
    """By version number."""

    def available(self) -> list[int]:
        """Return the versions that take calls, highest first."""
        numbers = (r.number for r in self.records.values() if r.state == State.AVAILABLE)
        return sorted(numbers, reverse=True)

    def choose(self, spec: Any) -> VersionRecord:
        """Return the version that a ModelSpec asks for; raises NotFound or InvalidArgument."""
        wanted = self.wanted_version(spec)
        candidates = [number for number in self.available() if wanted in (None, number)]
        if not candidates:
            raise not_servable(spec.name, wanted)
        return self.records[candidates[0]]

    def statuses(self, spec: Any) -> list[VersionRecord]:
        """Return the records a GetModelStatus asks for, highest version first."""
        wanted = self.wanted_version(spec)
        if wanted is not None and wanted not in self.records:
            raise NotFound(f"Could not find version {wanted} of model {spec.name}")
        numbers = sorted(self.records, reverse=True) if wanted is None else [wanted]
        return [self.records[number] for number in numbers]

    def wanted_version(self, spec: Any) -> int | None:
        """Return the number a ModelSpec asks for by number or label; None means the latest."""
        if spec.WhichOneof("version_choice") == "version_label":
            labels = self.configured.version_labels
            if spec.version_label not in labels:
                raise InvalidArgument(f"Unrecognized servable version label: {spec.version_label}")
            return labels[spec.version_label]
        return int(spec.version.value) if spec.HasField("version") else None


def not_servable(name: str, version: int | None) -> NotFound:
    """Return TensorFlow Serving's error for a model or version that takes no calls."""
    request = f"Latest({name})" if version is None else f"Specific({name}, {version})"
    return NotFound(f"Servable not found for request: {request}")


def versions_on_disk(base_path: Path) -> dict[int, Path]:
    """Return the numeric subfolders of `base_path`, by number; none if it doesn't exist."""
    try:
        children = list(base_path.iterdir())
    except OSError:
        return {}
    return {
        int(child.name): child
        for child in children
        if child.name.isascii() and child.name.isdigit() and child.is_dir()
    }


def aspired(on_disk: Iterable[int], policy: Any) -> set[int]:
    """Return the versions that a ServableVersionPolicy wants of those `on_disk`."""
    # Unset means the latest, as in TensorFlow Serving.
    chosen = policy.WhichOneof("policy_choice")
    if chosen == "all":
        return set(on_disk)
    if chosen == "specific":
        return set(on_disk) & set(policy.specific.versions)
    newest = max(1, policy.latest.num_versions)
    return set(sorted(on_disk, reverse=True)[:newest])


def next_load(
    wanted: set[int], records: Mapping[int, VersionRecord], now: float, retries: int
) -> int | None:
    """Return the version to load now, the highest first, or None.

    A version whose load failed comes again after its pause, at most `retries` times.
    """
    for number in sorted(wanted, reverse=True):
        record = records[number]
        may_try = record.failed_loads <= retries and record.retry_at <= now
        if record.state in (State.START, State.END) and may_try:
            return number
    return None


def to_unload(wanted: set[int], records: Mapping[int, VersionRecord]) -> list[int]:
    """Return the versions to unload now, so that the model never stays without an answer.

    Unwanted versions go only once a wanted one takes calls. So the last version stays when its
    folder disappears, and the old one stays when the new one doesn't load.
    """
    available = {n for n, record in records.items() if record.state == State.AVAILABLE}
    return sorted(available - wanted) if available & wanted else []
