"""Running a signature in batches, by TensorFlow's own scheduler."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from agelane_serving.model_server.config_files import Batching

Tensors = Mapping[str, Any]
"""Tensors by the name a signature gives them."""


_free_queues: dict[Batching, list[str]] = {}
_queue_numbers = itertools.count()
_queues_lock = threading.Lock()


@contextmanager
def batch_queue(batching: Batching) -> Iterator[str]:
    """Lend the name of a batch queue to one signature of one loaded version.

    TensorFlow keeps a queue, its parameters and its threads under its name for as long as the
    process lives, and combines calls that wait under the same name, even for different versions.
    So nobody else has the name meanwhile, and it is lent again only after its version has ended:
    otherwise each hot swap would leave threads behind, which poll.
    """
    with _queues_lock:
        free = _free_queues.setdefault(batching, [])
        name = free.pop() if free else f"batch_queue_{next(_queue_numbers)}"
    try:
        yield name
    finally:
        with _queues_lock:
            free.append(name)


def is_batchable(function: Any) -> bool:
    """Whether every input and output of a signature leads with a dimension left open, [N, …]."""
    specs = [
        *function.structured_input_signature[1].values(),
        *function.structured_outputs.values(),
    ]
    return bool(function.structured_input_signature[1]) and all(
        spec.shape.rank and spec.shape[0] is None for spec in specs
    )


def batched(function: Any, batching: Batching, queue: str) -> Callable[[Tensors], Tensors]:
    """Return `function`, a batchable signature, so that concurrent calls run as one.

    A call blocks until its batch has run. It raises tf.errors.UnavailableError when the queue is
    full and tf.errors.InvalidArgumentError when the call alone exceeds `max_batch_size`.
    """
    specs = function.structured_input_signature[1]
    input_names, output_names = sorted(specs), sorted(function.structured_outputs)

    @tf.function(input_signature=[specs[name] for name in input_names], autograph=False)
    def run_batch(*inputs: Any) -> list[Any]:
        outputs = function(**dict(zip(input_names, inputs, strict=True)))
        return [outputs[name] for name in output_names]

    # Traced here, so that no caller waits for it.
    traced = run_batch.get_concrete_function()
    output_types = [output.dtype for output in traced.outputs]

    def call(inputs: Tensors) -> Tensors:
        # The operation behind tf.nondifferentiable_batch_function. That makes a graph around it,
        # which takes as long again.
        outputs = tf.raw_ops.BatchFunction(
            in_tensors=[inputs[name] for name in input_names],
            captured_tensors=traced.captured_inputs,
            f=traced,
            Tout=output_types,
            shared_name=queue,
            num_batch_threads=batching.num_batch_threads,
            max_batch_size=batching.max_batch_size,
            batch_timeout_micros=batching.batch_timeout_micros,
            allowed_batch_sizes=list(batching.allowed_batch_sizes),
            max_enqueued_batches=batching.max_enqueued_batches,
            enable_large_batch_splitting=batching.enable_large_batch_splitting,
        )
        return dict(zip(output_names, outputs, strict=True))

    return call
