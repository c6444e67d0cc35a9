"""Replaying the recorded requests of a version before it takes calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from agelane_serving.model_server.errors import FailedPrecondition, InvalidArgument
from agelane_serving.model_server.servable import Servable

REQUESTS_FILE = Path("assets.extra", "tf_serving_warmup_requests")
_MOST_RECORDS = 1000


def warm_up(
    servable: Servable, path: Path, iterations: int, at_once: int, stopping: Callable[[], bool]
) -> None:
    """Replay the requests kept in the version folder `path`, if there are any.

    The file is a TFRecord of PredictionLogs, at most 1000 of them, as TensorFlow Serving wants
    it. A request that fails raises its error: a version that can't answer it must not serve.

    Args:
        servable: what answers them.
        path: where they are.
        iterations: how often each is sent; 0: there is no warm-up.
        at_once: how many send all of them, side by side.
        stopping: asked between requests, so that a stop needn't wait for them all.
    """
    file = path / REQUESTS_FILE
    if iterations == 0 or not file.exists():
        return

    requests = list(_requests(file)) * iterations

    def replay(_: int) -> None:
        for request in requests:
            if stopping():
                raise FailedPrecondition("the server is stopping")
            servable.predict(request)

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(replay, range(at_once)))


def _requests(file: Path) -> Iterator[Any]:
    records = tf.data.TFRecordDataset(str(file)).as_numpy_iterator()
    for number, record in enumerate(records, start=1):
        if number > _MOST_RECORDS:
            raise InvalidArgument(f"Number of warmup records exceeds the maximum ({_MOST_RECORDS})")
        log = prediction_log_pb2.PredictionLog.FromString(record)
        if not log.HasField("predict_log"):
            raise InvalidArgument(f"warm-up record {number}: only predict_log is supported")
        yield log.predict_log.request
