"""What a model server does: how much at most, and how quickly at a moderate rate."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc

from agelane.tfserving.v1 import predict_pb2, tensor_pb2
from loadtest.bench.load import Load
from loadtest.bench.null_backend import PREDICT
from loadtest.bench.open_loop import begin_at_rate

MODEL = "age"
"""What the gateway asks for."""
_CHANNELS = 4
_DEADLINE_SECONDS = 30
_OPTIONS = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
_PAUSE_AFTER_REFUSAL_SECONDS = 0.01

Call = Callable[[int], Awaitable[str]]
"""Makes the call of this number; returns what came instead of an answer, "" if one came."""


def predict_requests(photos: Iterable[bytes]) -> list[bytes]:
    """Return a Predict request for each photo, as bytes."""
    return [_predict_request(photo) for photo in photos]


def at_most(
    target: str, requests: Sequence[bytes], in_flight: int, warm_up: float, seconds: float
) -> tuple[float, str]:
    """Keep so many calls in flight (closed loop).

    Returns:
        Answers a second after the warm-up, and what came instead of answers, "" if nothing did.
    """
    return asyncio.run(_at_most(target, requests, in_flight, warm_up, seconds))


def at_rate(
    target: str, requests: Sequence[bytes], calls_per_second: float, seconds: float
) -> tuple[Load, str]:
    """Begin calls at a rate, whether others are answered or not (open loop).

    Returns:
        How long those took that were answered, and what came instead of answers, "" if nothing did.
    """
    return asyncio.run(_at_rate(target, requests, calls_per_second, seconds))


async def _at_most(
    target: str, requests: Sequence[bytes], in_flight: int, warm_up: float, seconds: float
) -> tuple[float, str]:
    numbers, calls = itertools.count(), list[tuple[float, float, str]]()
    async with _caller(target, requests) as call:
        begin = time.monotonic() + warm_up
        end = begin + seconds

        async def lane() -> None:
            while (began := time.monotonic()) < end:
                outcome = await call(next(numbers))
                calls.append((began, time.monotonic(), outcome))
                if outcome:
                    await asyncio.sleep(_PAUSE_AFTER_REFUSAL_SECONDS)

        await asyncio.gather(*[lane() for _ in range(in_flight)])
    # Answers come by the batch. So that one more or less at an edge makes no difference, a call
    # across an edge counts with the share of its time that lies within.
    answers = sum(
        max(0.0, min(ended, end) - max(began, begin)) / (ended - began)
        for began, ended, outcome in calls
        if not outcome
    )
    return answers / seconds, _problem(outcome for _, _, outcome in calls)


async def _at_rate(
    target: str, requests: Sequence[bytes], calls_per_second: float, seconds: float
) -> tuple[Load, str]:
    async with _caller(target, requests) as call:
        results = await begin_at_rate(call, calls_per_second, seconds)
    times = sorted(took for _, took, outcome in results if not outcome)
    problem = _problem(outcome for _, _, outcome in results)
    if not times:
        return Load(0.0, (float(_DEADLINE_SECONDS),)), problem or "no call was made"
    return Load(len(times) / seconds, tuple(times)), problem


@asynccontextmanager
async def _caller(target: str, requests: Sequence[bytes]) -> AsyncIterator[Call]:
    channels = [grpc.aio.insecure_channel(target, _OPTIONS) for _ in range(_CHANNELS)]
    methods: list[Any] = [channel.unary_unary(PREDICT) for channel in channels]

    async def call(number: int) -> str:
        method, request = methods[number % _CHANNELS], requests[number % len(requests)]
        try:
            await method(request, timeout=_DEADLINE_SECONDS)
        except grpc.aio.AioRpcError as error:
            return f"{error.code().name} ({error.details()})"
        return ""

    try:
        yield call
    finally:
        for channel in channels:
            await channel.close()


def _problem(outcomes: Iterable[str]) -> str:
    counted = Counter(outcome for outcome in outcomes if outcome)
    if not counted:
        return ""
    [(commonest, _)] = counted.most_common(1)
    return f"{counted.total()} calls not answered: {commonest}"


def _predict_request(photo: bytes) -> bytes:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = MODEL
    tensor = tensor_pb2.TensorProto(dtype=tensor_pb2.DT_STRING, string_val=[photo])
    tensor.tensor_shape.dim.add(size=1)
    request.inputs["image_bytes"].CopyFrom(tensor)
    return request.SerializeToString()
