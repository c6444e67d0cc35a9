"""Keeps every configured model served: finds versions, loads, swaps and unloads them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tensorflow_serving.apis import get_model_status_pb2

from agelane_serving.model_server.config_files import ServedModel
from agelane_serving.model_server.errors import (
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ServingError,
    Unknown,
)
from agelane_serving.model_server.loading import Loader
from agelane_serving.model_server.servable import Servable
from agelane_serving.model_server.settings import Settings
from agelane_serving.model_server.versions import (
    ModelVersions,
    State,
    VersionRecord,
    aspired,
    next_load,
    not_servable,
    to_unload,
    versions_on_disk,
)

_LONGEST_WAIT_SECONDS = 3600.0
_logger = logging.getLogger(__name__)


class ModelManager:
    """All models and their versions; safe to call from several threads.

    One thread looks for version folders and loads them, one after the other, while the calls'
    threads lease the versions that are loaded already.
    """

    def __init__(
        self,
        settings: Settings,
        loader: Loader,
        stopping: threading.Event,
        on_ready: Callable[[], None],
    ) -> None:
        """`on_ready` is called once, when every configured model has an AVAILABLE version."""
        self._settings = settings
        self._loader = loader
        self._stopping = stopping
        self._on_ready = on_ready
        self._was_ready = False
        self._models: dict[str, ModelVersions] = {}
        # Guards the models and their records, and tells of each change to them.
        self._changed = threading.Condition()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="versions", daemon=True)

    def start(self) -> None:
        """Begin to look for versions."""
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing new, and let reloads go that wait for a load; leases stay good."""
        self._stopping.set()
        self._wake.set()
        with self._changed:
            self._changed.notify_all()

    def join(self) -> None:
        """Wait, after `stop`, until a load in progress has ended; let no version keep threads."""
        self._thread.join()
        with self._changed:
            for model in self._models.values():
                for record in model.records.values():
                    if record.servable is not None:
                        record.servable.leases.close()

    @contextmanager
    def lease(self, spec: Any) -> Iterator[Servable]:
        """Hold the version a ModelSpec asks for while a call runs; raises ServingError."""
        with self._changed:
            record = self._named(spec, not_servable(spec.name, None)).choose(spec)
            record.calls += 1
            servable = record.servable
        assert servable is not None
        try:
            yield servable
        finally:
            with self._changed:
                record.calls -= 1
                self._end_if_idle(record)

    def statuses(self, spec: Any) -> list[Any]:
        """Return a ModelVersionStatus per version a ModelSpec asks for; raises ServingError."""
        unknown = NotFound(f"Could not find any versions of model {spec.name}")
        with self._changed:
            records = self._named(spec, unknown).statuses(spec)
            if not records:
                raise unknown
            return [_status(record) for record in records]

    def configure(self, models: Sequence[ServedModel]) -> list[str]:
        """Replace the configuration and return the names new in it.

        Raises FailedPrecondition, and changes nothing, for a label that can't be given now.
        """
        with self._changed:
            for model in models:
                self._check_labels(model)
            before = {name for name, model in self._models.items() if not model.removed}
            for name in before:
                self._models[name].removed = True
            for model in models:
                versions = self._models.setdefault(model.name, ModelVersions(model))
                versions.configured, versions.removed, versions.problem = model, False, ""
        self._wake.set()
        return [model.name for model in models if model.name not in before]

    def await_available(self, names: Iterable[str], timeout: float | None) -> None:
        """Wait until each named model has a version or was found to have none to load.

        `timeout` is in seconds; an hour is the most, and what None means. Raises Unknown, naming
        each model without a version and why.
        """
        with self._changed:
            models = [self._models[name] for name in names]
            self._changed.wait_for(
                lambda: self._stopping.is_set() or all(m.available() or m.problem for m in models),
                _LONGEST_WAIT_SECONDS if timeout is None else min(timeout, _LONGEST_WAIT_SECONDS),
            )
            missing = {
                m.configured.name: m.problem or "not yet" for m in models if not m.available()
            }
        if missing:
            raise Unknown(f"{len(missing)} model(s) did not become available: {missing}")

    def _named(self, spec: Any, unknown: ServingError) -> ModelVersions:
        if not spec.name:
            raise InvalidArgument("ModelSpec has no name specified.")
        if spec.name not in self._models:
            raise unknown
        return self._models[spec.name]

    def _check_labels(self, model: ServedModel) -> None:
        """Apply TensorFlow Serving's rule: a label in use may only move to a loaded version."""
        current = self._models.get(model.name)
        available = current.available() if current else []
        labels = current.configured.version_labels if current else {}
        for label, version in model.version_labels.items():
            is_move = labels.get(label, version) != version
            lenient = self._settings.allow_version_labels_for_unavailable_models and not is_move
            if version not in available and not lenient:
                raise FailedPrecondition(
                    f"Request to assign label to version {version} of model {model.name}, "
                    "which is not currently available for inference"
                )

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self._changed:
                models = list(self._models.values())
            for model in models:
                self._update(model)
            self._wake.wait(self._settings.file_system_poll_wait_seconds)
            self._wake.clear()

    def _update(self, model: ModelVersions) -> None:
        """Do what there is to load and unload for one model."""
        configured = model.configured
        folders = {} if model.removed else versions_on_disk(configured.base_path)
        wanted = aspired(folders, configured.version_policy)
        with self._changed:
            for new in wanted - set(model.records):
                model.records[new] = VersionRecord(new)
        self._unload(model, wanted)
        retries = self._settings.max_num_load_retries
        while not self._stopping.is_set():
            number = next_load(wanted, model.records, time.monotonic(), retries)
            if number is None:
                break
            self._load(model, number, folders[number])
            # At once, so that two versions share the memory as briefly as possible.
            self._unload(model, wanted)
            self._tell_when_ready()
        self._note_problem(model, wanted)
        self._tell_when_ready()

    def _load(self, model: ModelVersions, number: int, path: Path) -> None:
        name = model.configured.name
        with self._changed:
            record = model.records[number]
            record.state = State.LOADING
        started = time.monotonic()
        # Without the lock: calls go on while a version loads.
        try:
            servable = self._loader.load(name, number, path)
        except Unknown as error:
            self._note_failed_load(record, error)
            _logger.error("%s version %d: %s", name, number, error)
            return
        with self._changed:
            record.state, record.servable, record.failed_loads = State.AVAILABLE, servable, 0
            record.error_code, record.error_message = 0, ""
            self._changed.notify_all()
        _logger.info(
            "%s version %d available after %.1f s", name, number, time.monotonic() - started
        )

    def _note_failed_load(self, record: VersionRecord, error: ServingError) -> None:
        pause = self._settings.load_retry_interval_micros / 1e6 * 2**record.failed_loads
        with self._changed:
            record.state = State.END
            record.error_code, record.error_message = error.code, str(error)
            record.failed_loads += 1
            record.retry_at = time.monotonic() + pause

    def _unload(self, model: ModelVersions, wanted: set[int]) -> None:
        with self._changed:
            unwanted = model.available() if model.removed else to_unload(wanted, model.records)
            for number in unwanted:
                model.records[number].state = State.UNLOADING
                self._end_if_idle(model.records[number])
                _logger.info("%s version %d unloaded", model.configured.name, number)

    def _end_if_idle(self, record: VersionRecord) -> None:
        if record.state == State.UNLOADING and record.calls == 0 and record.servable is not None:
            record.servable.leases.close()
            record.servable = None
            record.state = State.END

    def _note_problem(self, model: ModelVersions, wanted: set[int]) -> None:
        """Remember why a model has no version, and say so when the reason is new."""
        errors = [model.records[n].error_message for n in sorted(wanted) if n in model.records]
        nothing = f"no version to load in {model.configured.base_path} (folders named 1, 2, …)"
        with self._changed:
            problem = "" if model.available() or model.removed else "; ".join(errors) or nothing
            is_new = problem != model.problem
            model.problem = problem
            self._changed.notify_all()
        if problem and is_new:
            _logger.warning("%s: %s", model.configured.name, problem)

    def _tell_when_ready(self) -> None:
        with self._changed:
            models = [model for model in self._models.values() if not model.removed]
            ready = bool(models) and all(model.available() for model in models)
        # Told once: a model added later must not take the others out of service.
        if ready and not self._was_ready and not self._stopping.is_set():
            self._was_ready = True
            self._on_ready()


def _status(record: VersionRecord) -> Any:
    status = get_model_status_pb2.ModelVersionStatus(version=record.number, state=record.state)
    status.status.error_code = record.error_code
    status.status.error_message = record.error_message
    return status
