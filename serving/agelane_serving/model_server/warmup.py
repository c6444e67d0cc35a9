"""Replaying the recorded requests of a version before it takes calls."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from agelane_serving.model_server.batching import Batcher
from agelane_serving.model_server.errors import FailedPrecondition, InvalidArgument
from agelane_serving.model_server.servable import DEFAULT_SIGNATURE, Servable
from agelane_serving.model_server.tensors import read_inputs

REQUESTS_FILE = Path("assets.extra", "tf_serving_warmup_requests")
_MOST_RECORDS = 1000


def warm_up(servable: Servable, path: Path, iterations: int, stopping: Callable[[], bool]) -> None:
    """Replay the requests kept in the version folder `path`, and run what they are in all sizes.

    The file is a TFRecord of PredictionLogs, at most 1000 of them, as TensorFlow Serving wants
    it. A request that fails raises its error: a version that can't answer it must not serve.

    TensorFlow prepares its work for each size of a batch in each thread that computes, one a core.
    Where calls are combined, any size may come, so each is run on all cores at once.

    Args:
        servable: what answers them.
        path: where they are. Without a file nothing is run.
        iterations: how often each is sent; 0: there is no warm-up.
        stopping: asked between requests, so that a stop needn't wait for them all.
    """
    file = path / REQUESTS_FILE
    if iterations == 0 or not file.exists():
        return
    requests = list(_requests(file))
    for request in requests * iterations:
        if stopping():
            raise FailedPrecondition("the server is stopping")
        servable.outputs(request).result()
    batcher = servable.functions.get(DEFAULT_SIGNATURE)
    lanes_send = [it for it in requests if it.model_spec.signature_name in ("", DEFAULT_SIGNATURE)]
    if lanes_send and isinstance(batcher, Batcher):
        inputs = read_inputs(servable.signature_defs[DEFAULT_SIGNATURE], lanes_send[0].inputs)
        batcher.run_every_size(inputs, os.cpu_count() or 1, stopping)


def _requests(file: Path) -> Iterator[Any]:
    records = tf.data.TFRecordDataset(str(file)).as_numpy_iterator()
    for number, record in enumerate(records, start=1):
        if number > _MOST_RECORDS:
            raise InvalidArgument(f"Number of warmup records exceeds the maximum ({_MOST_RECORDS})")
        log = prediction_log_pb2.PredictionLog.FromString(record)
        if not log.HasField("predict_log"):
            raise InvalidArgument(f"warm-up record {number}: only predict_log is supported")
        yield log.predict_log.request
