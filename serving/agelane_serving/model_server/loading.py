"""From a version folder to a version that may take calls."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from agelane_serving.model_server.batching import Arrays, Batcher, is_batchable, run
from agelane_serving.model_server.config_files import Batching
from agelane_serving.model_server.errors import Unknown, message_of
from agelane_serving.model_server.memory import give_freed_memory_back
from agelane_serving.model_server.servable import DEFAULT_SIGNATURE, Servable
from agelane_serving.model_server.warmup import warm_up

_TAG = "serve"


class Loader:
    """Loads version folders, all in the same way."""

    def __init__(
        self,
        batching: Batching | None,
        most_calls: int,
        warmup_iterations: int,
        stopping: Callable[[], bool],
    ) -> None:
        """Say how versions are to run.

        Args:
            batching: how calls are combined; None: each runs alone.
            most_calls: how many of those that run alone do at once.
            warmup_iterations: how often each recorded request is replayed; 0: there is no warm-up.
            stopping: asked between warm-up requests, so that a stop needn't wait for them all.
        """
        self._batching = batching
        self._alone = ThreadPoolExecutor(most_calls, thread_name_prefix="alone")
        self._warmup_iterations = warmup_iterations
        self._stopping = stopping

    def load(self, name: str, version: int, path: Path) -> Servable:
        """Load and warm up the SavedModel in `path`; raises Unknown, with the reason."""
        try:
            with ExitStack() as leases:
                servable = self._load(name, version, path, leases)
                warm_up(servable, path, self._warmup_iterations, self._stopping)
                # The version keeps its threads now; a failure above has ended them.
                servable.leases = leases.pop_all()
        # A damaged folder makes TensorFlow's loader raise anything, from OSError to KeyError.
        except Exception as error:
            reason = f"{type(error).__name__}: {message_of(error)}"
            raise Unknown(f"{path} could not be loaded: {reason}") from error
        give_freed_memory_back()
        return servable

    def _load(self, name: str, version: int, path: Path, leases: ExitStack) -> Servable:
        signature_defs = _read_signature_defs(path)
        loaded = tf.saved_model.load(str(path), tags=[_TAG])
        functions = {
            key: self._callable(key, function, leases)
            for key, function in loaded.signatures.items()
        }
        return Servable(name, version, signature_defs, functions, loaded)

    def _callable(
        self, signature: str, function: Any, leases: ExitStack
    ) -> Callable[[Arrays], Future[Arrays]]:
        # The lanes call the default signature; others, as model_card, aren't worth threads.
        batches = signature == DEFAULT_SIGNATURE and is_batchable(function)
        if self._batching is None or not batches:
            return lambda inputs: self._alone.submit(run, function, inputs)
        return leases.enter_context(closing(Batcher(function, self._batching)))


def _read_signature_defs(path: Path) -> dict[str, Any]:
    model = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    for graph in model.meta_graphs:
        if _TAG in graph.meta_info_def.tags:
            return dict(graph.signature_def)
    raise ValueError(f"no graph with the tag {_TAG!r}")
