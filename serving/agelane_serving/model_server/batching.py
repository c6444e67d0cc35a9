"""Running a signature for calls that come together: in batches, as TensorFlow Serving does.

TensorFlow's own scheduler is open to Python too (tf.raw_ops.BatchFunction), but it wants an
operation, its tensors and their conversion for each call; here TensorFlow is called once a batch
(docs/decisions/0017).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import accumulate
from threading import TIMEOUT_MAX, Condition, Lock, Thread
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from agelane_serving.model_server.config_files import Batching
from agelane_serving.model_server.errors import FailedPrecondition, InvalidArgument, Unavailable

_LARGEST_TO_PREPARE = 16
Arrays = Mapping[str, NDArray[Any]]
"""Values by the name a signature gives them; texts are arrays of bytes objects."""


def is_batchable(function: Any) -> bool:
    """Whether every input and output of a signature leads with a dimension left open, [N, …]."""
    specs = [
        *function.structured_input_signature[1].values(),
        *function.structured_outputs.values(),
    ]
    return bool(function.structured_input_signature[1]) and all(
        spec.shape.rank and spec.shape[0] is None for spec in specs
    )


def run(function: Any, inputs: Arrays) -> Arrays:
    """Run a signature of a SavedModel; raises tf.errors.OpError."""
    outputs = function(**{name: tf.constant(values) for name, values in inputs.items()})
    return {name: tensor.numpy() for name, tensor in outputs.items()}


class _Call:
    """Answered once all of its parts have run."""

    def __init__(self, parts: int) -> None:
        self.answer: Future[Arrays] = Future()
        self._outputs: list[Arrays] = [{}] * parts
        self._errors: list[Exception] = []
        self._parts_left = parts
        self._lock = Lock()

    def begin(self) -> bool:
        """Tell whether anybody still wants it; from now on it can't be cancelled. With a lock."""
        if self.answer.cancelled():
            return False
        return self.answer.running() or self.answer.set_running_or_notify_cancel()

    def part_has_run(self, number: int, outputs: Arrays | Exception) -> None:
        """Take what a part gave, or why it failed."""
        with self._lock:
            if isinstance(outputs, Exception):
                self._errors.append(outputs)
            else:
                self._outputs[number] = outputs
            self._parts_left -= 1
            if self._parts_left:
                return
        if self._errors:
            self.answer.set_exception(self._errors[0])
        else:
            self.answer.set_result(_joined(self._outputs))


@dataclass(eq=False)
class _Part:
    """A call's rows that run in one batch: all, unless they are many."""

    call: _Call
    number: int
    inputs: Arrays
    came_at: float = field(default_factory=time.monotonic)

    @property
    def size(self) -> int:
        return len(next(iter(self.inputs.values())))


class Batcher:
    """Runs a batchable signature; calls that wait for a thread run together. For many threads."""

    def __init__(self, function: Any, batching: Batching) -> None:
        """Start the threads; they end with `close`."""
        self._function, self._batching = function, batching
        sizes = batching.allowed_batch_sizes
        self._most_at_once = sizes[-1] if sizes else batching.max_batch_size
        self._parts: deque[_Part] = deque()
        self.waiting = 0
        """Rows that wait for a batch."""
        self._closed = False
        self._changed = Condition()
        for number in range(batching.num_batch_threads):
            Thread(target=self._work, name=f"batch-{number}", daemon=True).start()

    def __call__(self, inputs: Arrays) -> Future[Arrays]:
        """Return what will have the outputs for inputs [N, …], as soon as their batch has run.

        As long as that has not begun, it can be cancelled, and does not run. It may end in
        FailedPrecondition, where the model gave another number of answers, or a tf.errors.OpError.

        Raises:
            InvalidArgument: N is more than `max_batch_size`, or differs between the inputs.
            Unavailable: too many calls wait.
        """
        size, *others = {len(values) for values in inputs.values()}
        if others:
            raise InvalidArgument("inputs differ in their first dimension")
        if size > self._batching.max_batch_size:
            raise InvalidArgument(
                f"Task size {size} is larger than maximum input batch size "
                f"{self._batching.max_batch_size}"
            )
        step = self._most_at_once
        starts = range(0, max(size, 1), step)
        call = _Call(len(starts))
        self._enqueue(
            [
                _Part(
                    call, number, {name: values[at : at + step] for name, values in inputs.items()}
                )
                for number, at in enumerate(starts)
            ]
        )
        return call.answer

    def run_every_size(self, inputs: Arrays, at_once: int, stopping: Callable[[], bool]) -> None:
        """Run batches of each size that may come, up to 16, some side by side.

        Args:
            inputs: what they are made of, [N, …], N 1 or more.
            at_once: how many run all sizes side by side.
            stopping: asked between batches; then the rest is left out.
        """
        count = len(next(iter(inputs.values())))
        sizes = self._batching.allowed_batch_sizes or range(1, self._most_at_once + 1)

        def run_all(_: int) -> None:
            for size in sizes:
                if size <= _LARGEST_TO_PREPARE and not stopping():
                    rows = np.arange(size) % count
                    self._run([{name: values[rows] for name, values in inputs.items()}])

        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(run_all, range(at_once)))

    def close(self) -> None:
        """Let the threads end, after the calls that wait; does not wait itself."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _enqueue(self, parts: Sequence[_Part]) -> None:
        size = sum(part.size for part in parts)
        room = self._batching.max_enqueued_batches * self._most_at_once
        with self._changed:
            if self._closed:
                raise Unavailable("the version has ended")
            if self.waiting + size > room:
                raise Unavailable("the batch queue is full")
            self._parts.extend(parts)
            self.waiting += size
            self._changed.notify(len(parts))

    def _work(self) -> None:
        while self._answer_next_batch():
            pass

    def _answer_next_batch(self) -> bool:
        """Wait for a batch, run it, and forget its photos; False: it is closed."""
        parts = self._next_batch()
        try:
            found = self._run([part.inputs for part in parts]) if parts else {}
        except Exception as error:  # noqa: BLE001 - each caller gets it
            for part in parts:
                part.call.part_has_run(part.number, error)
            return True
        ends = accumulate(part.size for part in parts)
        for part, end in zip(parts, ends, strict=True):
            rows = slice(end - part.size, end)
            outputs = {name: values[rows] for name, values in found.items()}
            part.call.part_has_run(part.number, outputs)
        return bool(parts)

    def _next_batch(self) -> list[_Part]:
        """Wait for parts and take out those that run next; none: it is closed."""
        with self._changed:
            parts: list[_Part] = []
            while not parts:
                while (seconds := self._seconds_to_wait()) != 0:
                    self._changed.wait(seconds)
                if not self._parts:
                    break
                parts = self._taken_out()
            if self._parts:
                self._changed.notify()  # whoever was told of them may have got here too late
            return parts

    def _taken_out(self) -> list[_Part]:
        """Take out as many as fit; leave those out that nobody waits for any more."""
        taken: list[_Part] = []
        size = 0
        while self._parts and size + self._parts[0].size <= self._most_at_once:
            part = self._parts.popleft()
            self.waiting -= part.size
            if part.call.begin():
                taken.append(part)
                size += part.size
        return taken

    def _seconds_to_wait(self) -> float | None:
        """Return how long a batch may still wait for more; None: until something comes."""
        if self._closed or self.waiting >= self._most_at_once:
            return 0
        if not self._parts:
            return None
        waited = time.monotonic() - self._parts[0].came_at
        longest = min(self._batching.batch_timeout_micros / 1e6, TIMEOUT_MAX)
        return max(0.0, longest - waited)

    def _run(self, parts: Sequence[Arrays]) -> Arrays:
        inputs = _joined(parts)
        size = len(next(iter(inputs.values())))
        allowed = self._batching.allowed_batch_sizes
        # What is empty has no row to pad it with.
        padded = min((it for it in allowed if it >= size > 0), default=size)
        if padded > size:
            rows = np.minimum(np.arange(padded), size - 1)
            inputs = {name: values[rows] for name, values in inputs.items()}
        outputs = run(self._function, inputs)
        if any(len(values) != padded for values in outputs.values()):
            raise FailedPrecondition(
                "the model gave another number of answers than it was asked for"
            )
        return outputs


def _joined(parts: Sequence[Arrays]) -> Arrays:
    if len(parts) == 1:
        return parts[0]
    try:
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    except ValueError as error:
        raise InvalidArgument("calls of one batch differ in more than their first size") from error
