"""`python -m agelane_serving.model_server.bare MODEL PHOTO …`: what TensorFlow alone can do here.

The model's own graph, without a server, on full batches one after the other; and what this machine
multiplies of matrices, which no model can exceed. One JSON object on stdout. A load test compares
the whole stack with it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

import tensorflow as tf

from agelane_serving.model_server.memory import keep_freed_memory
from agelane_serving.model_server.servable import DEFAULT_SIGNATURE

_MATRIX_SIDE = 2048


def main() -> None:
    """Measure and print."""
    options = _parser().parse_args()
    keep_freed_memory()  # as the server does
    version = max((int(it.name), it) for it in options.model.iterdir() if it.name.isdigit())[1]
    loaded = tf.saved_model.load(str(version))
    predict = loaded.signatures[DEFAULT_SIGNATURE]
    photos = [path.read_bytes() for path in options.photos]
    batch = tf.constant(list(islice(cycle(photos), options.batch)))
    calls = _per_second(lambda: predict(image_bytes=batch), options.threads, options.seconds)
    matrix = tf.random.normal((_MATRIX_SIDE, _MATRIX_SIDE))
    products = _per_second(lambda: tf.linalg.matmul(matrix, matrix).numpy(), 1, 3.0)
    figures = {
        "photos_per_second": round(calls * options.batch, 2),
        "batch": options.batch,
        "threads": options.threads,
        "matrix_gflops": round(products * 2 * _MATRIX_SIDE**3 / 1e9, 1),
    }
    print(json.dumps(figures))


def _per_second(call: Callable[[], object], threads: int, seconds: float) -> float:
    """Return how often a call is made a second, by so many threads at once."""
    call()
    end = time.monotonic() + seconds

    def work(_: int) -> int:
        count = 0
        while time.monotonic() < end:
            call()
            count += 1
        return count

    began = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        count = sum(pool.map(work, range(threads)))
    return count / (time.monotonic() - began)


def _parser() -> argparse.ArgumentParser:
    _, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m agelane_serving.model_server.bare", description=more
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="folder with versions")
    parser.add_argument("photos", type=Path, nargs="+", metavar="PHOTO", help="JPEG or PNG file")
    parser.add_argument("--batch", type=int, default=32, help="photos (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="batches at once (%(default)s)")
    parser.add_argument("--seconds", type=float, default=20.0, help="(%(default)s)")
    return parser


if __name__ == "__main__":
    main()
