"""Replaying the recorded requests of a version before it takes calls."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from agelane_serving.model_server.errors import FailedPrecondition, InvalidArgument
from agelane_serving.model_server.servable import Servable

REQUESTS_FILE = Path("assets.extra", "tf_serving_warmup_requests")
_MOST_RECORDS = 1000


def warm_up(servable: Servable, path: Path, iterations: int, stopping: Callable[[], bool]) -> None:
    """Replay the requests kept in the version folder `path`, if there are any.

    The file is a TFRecord of PredictionLogs, at most 1000 of them, as TensorFlow Serving wants
    it. A request that fails raises its error: a version that can't answer it must not serve.
    """
    file = path / REQUESTS_FILE
    if iterations == 0 or not file.exists():
        return
    records = tf.data.TFRecordDataset(str(file)).as_numpy_iterator()
    for number, record in enumerate(records, start=1):
        if stopping():
            raise FailedPrecondition("the server is stopping")
        if number > _MOST_RECORDS:
            raise InvalidArgument(f"Number of warmup records exceeds the maximum ({_MOST_RECORDS})")
        log = prediction_log_pb2.PredictionLog.FromString(record)
        if not log.HasField("predict_log"):
            raise InvalidArgument(f"warm-up record {number}: only predict_log is supported")
        for _ in range(iterations):
            servable.predict(log.predict_log.request)
