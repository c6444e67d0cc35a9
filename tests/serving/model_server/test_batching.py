"""Concurrent calls run as batches and yet each gets its own answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import tensorflow as tf

from tests.serving.model_server.conftest import (
    YEARS_ADDED,
    Client,
    predict_request,
    refusal,
    wait_until,
)
from tests.serving.model_server.tiny_model import copy_version, photo

SHIPPED = Path(__file__).parents[3] / "serving/tfserving"
BROKEN = b"\xff\xd8\xff\xe0 not a photo"


def at_once(client: Client, requests: list[Any]) -> list[Any]:
    """Send all `requests` before waiting for an answer; return the answers in their order."""
    calls = [client.prediction.Predict.future(request, timeout=60) for request in requests]
    return [call.result() for call in calls]


def output(response: Any, name: str) -> list[Any]:
    """Return one output of a PredictResponse as a list."""
    return list(tf.make_ndarray(response.outputs[name]))


def test_broken_photos_harm_no_neighbour(serve: Callable[..., Client]) -> None:
    """12 broken photos among 96 concurrent calls, batched as shipped: all good calls succeed."""
    client = serve("--enable_batching", f"--batching_parameters_file={SHIPPED / 'batching.config'}")
    photos = [BROKEN if call % 8 == 3 else photo(call) for call in range(96)]
    answers = at_once(client, [predict_request(each) for each in photos])
    oks = [output(answer, "ok") for answer in answers]
    assert oks == [[each is not BROKEN] for each in photos]
    ages = [output(answer, "age")[0] for answer in answers if output(answer, "ok")[0]]
    good = [call + YEARS_ADDED for call in range(96) if call % 8 != 3]
    assert ages == pytest.approx(good, abs=1e-3)


def test_callers_of_one_batch_get_their_own_answers(
    serve: Callable[..., Client], batching_flags: Callable[..., list[str]]
) -> None:
    """Requests of one to four photos are cut out of their batches where they belong."""
    client = serve(*batching_flags())
    asked = [[(call * 7 + i) % 101 for i in range(1 + call % 4)] for call in range(60)]
    answers = at_once(client, [predict_request(*map(photo, ages)) for ages in asked])
    for ages, answer in zip(asked, answers, strict=True):
        expected = [age + YEARS_ADDED for age in ages]
        assert output(answer, "age") == pytest.approx(expected, abs=1e-3)


def test_versions_never_share_a_batch(
    serve: Callable[..., Client],
    batching_flags: Callable[..., list[str]],
    exported: Path,
    base_path: Path,
    tmp_path: Path,
) -> None:
    """Calls for two versions at the same time are each answered by the version asked for."""
    copy_version(exported / "2", base_path / "2")
    config = tmp_path / "models.config"
    config.write_text(
        'model_config_list { config { name: "age" base_path: "/models/age" '
        'model_platform: "tensorflow" model_version_policy { all {} } } }'
    )
    flags = [f"--model_config_file={config}", f"--models_dir={base_path.parent}"]
    client = serve(*flags, *batching_flags())
    wait_until(lambda: client.states() == {1: "AVAILABLE", 2: "AVAILABLE"})
    requests = [predict_request(photo(age), version=1 + age % 2) for age in range(80)]
    answers = at_once(client, requests)
    expected = [age + YEARS_ADDED * (1 + age % 2) for age in range(80)]
    assert [output(answer, "age")[0] for answer in answers] == pytest.approx(expected, abs=1e-3)
    assert [answer.model_spec.version.value for answer in answers] == [1, 2] * 40


def test_a_full_queue_is_told_as_unavailable(
    serve: Callable[..., Client], batching_flags: Callable[..., list[str]]
) -> None:
    """The call that doesn't fit is refused at once; the one that waits is answered."""
    client = serve(
        *batching_flags(
            max_batch_size=2,
            max_enqueued_batches=1,
            num_batch_threads=1,
            batch_timeout_micros=60_000_000,
        ),
        "--enable_model_warmup=false",
    )
    send = client.prediction.Predict.future
    single = predict_request(photo(20))
    waiting = [send(single, timeout=60)]

    def pair_is_refused() -> bool:
        # A single photo that came while a pair was queued has been refused itself.
        if waiting[-1].done():
            waiting.append(send(single, timeout=60))
        pair = send(predict_request(photo(1), photo(2)), timeout=60)
        return pair.code() is grpc.StatusCode.UNAVAILABLE and "is full" in pair.details()

    wait_until(pair_is_refused)
    assert output(client.prediction.Predict(predict_request(photo(30))), "age") == [30.25]
    assert output(waiting[-1].result(), "age") == [20.25]


def test_a_short_queue_does_not_keep_a_version_from_warming_up(
    serve: Callable[..., Client], batching_flags: Callable[..., list[str]]
) -> None:
    """Warm-up calls that come at once must all find a place, or the version would not load."""
    flags = batching_flags(max_batch_size=1, max_enqueued_batches=1, num_batch_threads=8)
    assert serve(*flags).states() == {1: "AVAILABLE"}


def test_a_request_larger_than_a_batch_is_refused(
    serve: Callable[..., Client], batching_flags: Callable[..., list[str]]
) -> None:
    """It could never be run, so it is the caller's mistake."""
    client = serve(*batching_flags())
    code, details = refusal(lambda: client.ages(*[photo(1)] * 9))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert details == "Task size 9 is larger than maximum input batch size 8"


def test_more_calls_than_threads_are_refused_and_health_still_answers(
    serve: Callable[..., Client], batching_flags: Callable[..., list[str]]
) -> None:
    """RESOURCE_EXHAUSTED beyond --grpc_max_threads; a call that waits in a batch holds a thread."""
    client = serve(*batching_flags(batch_timeout_micros=1_000_000), "--grpc_max_threads=1")
    calls = [
        client.prediction.Predict.future(predict_request(photo(age)), timeout=60)
        for age in range(4)
    ]
    assert client.health_of() == 1
    assert client.states() == {1: "AVAILABLE"}
    codes = {call.code() for call in calls}
    assert codes == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads in /proc")
def test_hot_swaps_leave_no_batch_threads_behind(
    serve: Callable[..., Client],
    batching_flags: Callable[..., list[str]],
    exported: Path,
    base_path: Path,
) -> None:
    """Those of a version end with it."""
    client = serve(*batching_flags(num_batch_threads=20))

    def swap_to(version: int) -> int:
        copy_version(exported / "1", base_path / str(version))
        wait_until(lambda: client.states()[version - 1] == "END")
        assert client.ages(photo(50))["version"] == version
        return len(list(Path("/proc/self/task").iterdir()))

    after_first = swap_to(2)
    after_fifth = [swap_to(version) for version in range(3, 7)][-1]
    assert after_fifth - after_first < 20
