"""Versions come and go on disk, and callers notice nothing but better answers."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf import text_format
from google.rpc import code_pb2
from grpc_health.v1 import health_pb2
from hypothesis import given
from hypothesis import strategies as st

from agelane_serving.model_server.config_files import VersionPolicy
from agelane_serving.model_server.versions import (
    State,
    VersionRecord,
    aspired,
    next_load,
    to_unload,
    versions_on_disk,
)
from tests.serving.model_server.conftest import YEARS_ADDED, Client, state_name, wait_until
from tests.serving.model_server.tiny_model import TinyModel, copy_version, photo, write_version

NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVING = health_pb2.HealthCheckResponse.SERVING
VERSIONS = st.sets(st.integers(1, 9))


def test_a_new_version_takes_over_under_load_without_a_failed_call(
    serve: Callable[..., Client],
    batching_flags: Callable[..., list[str]],
    exported: Path,
    base_path: Path,
) -> None:
    """Every call of four busy lanes succeeds, and its age is that of the version it names."""
    client = serve(*batching_flags(batch_timeout_micros=1000))
    done = threading.Event()
    seen: set[int] = set()
    wrong: list[object] = []

    def lane(age: int) -> None:
        while not done.is_set():
            try:
                answer = client.ages(photo(age))
            except Exception as error:  # noqa: BLE001 - any failure at all fails the test
                wrong.append(error)
                return
            seen.add(answer["version"])
            mark = YEARS_ADDED * (1 if answer["version"] % 2 else 2)
            if abs(answer["age"][0] - age - mark) > 1e-3:
                wrong.append(answer)

    lanes = [threading.Thread(target=lane, args=(age,)) for age in (10, 20, 30, 40)]
    for thread in lanes:
        thread.start()
    for version in (2, 3, 4):
        copy_version(exported / ("1" if version % 2 else "2"), base_path / str(version))
        wait_until(lambda: bool(wrong) or version in seen)  # noqa: B023 - called at once
    done.set()
    for thread in lanes:
        thread.join()
    assert not wrong
    wait_until(lambda: client.states() == {1: "END", 2: "END", 3: "END", 4: "AVAILABLE"})


def test_a_broken_new_version_is_reported_and_the_old_one_stays(
    serve: Callable[..., Client], base_path: Path
) -> None:
    """Its status is END with the error; the folder is tried again and served once it is whole."""
    client = serve("--load_retry_interval_micros=1000", "--max_num_load_retries=1000000")
    (base_path / "2").mkdir()
    wait_until(lambda: client.states().get(2) == "END")
    status = client.statuses()[0]
    assert (status.version, state_name(status)) == (2, "END")
    assert status.status.error_code == code_pb2.UNKNOWN
    assert "saved_model.pb" in status.status.error_message
    assert client.ages(photo(50))["version"] == 1
    (base_path / "2").rmdir()
    copy_version(base_path / "1", base_path / "2")
    wait_until(lambda: client.states() == {1: "END", 2: "AVAILABLE"})
    assert client.statuses()[0].status.error_code == code_pb2.OK


def test_a_version_whose_warm_up_fails_is_not_served(
    serve: Callable[..., Client], exported: Path, base_path: Path
) -> None:
    """A version that can't answer its own recorded request would fail the callers, too."""
    client = serve("--max_num_load_retries=0")
    aside = base_path / ".2.tmp"
    shutil.copytree(exported / "2", aside)
    (aside / "assets.extra/tf_serving_warmup_requests").write_bytes(
        b"no TFRecord, though as long as one"
    )
    aside.rename(base_path / "2")
    wait_until(lambda: client.states().get(2) == "END")
    assert "could not be loaded" in client.statuses()[0].status.error_message
    assert client.ages(photo(50))["version"] == 1


def test_the_last_version_stays_when_its_folder_disappears(
    client: Client, exported: Path, base_path: Path
) -> None:
    """Someone who empties the folder doesn't close the checkouts; a new version still comes."""
    base_path.rename(base_path.with_name("gone"))
    assert client.ages(photo(50))["version"] == 1
    copy_version(exported / "2", base_path / "2")
    wait_until(lambda: client.states() == {1: "END", 2: "AVAILABLE"})


def test_taking_the_newest_version_away_goes_back_to_the_one_before(
    serve: Callable[..., Client], exported: Path, base_path: Path
) -> None:
    """That is the way to roll back."""
    copy_version(exported / "2", base_path / "2")
    client = serve()
    assert client.ages(photo(50))["version"] == 2
    (base_path / "2").rename(base_path / "withdrawn")
    wait_until(lambda: client.ages(photo(50))["version"] == 1)
    wait_until(lambda: client.states() == {1: "AVAILABLE", 2: "END"})


def test_health_is_serving_only_once_a_version_is_available(
    serve: Callable[..., Client], exported: Path, base_path: Path
) -> None:
    """All three names agree; an unserved model is UNAVAILABLE in no other way than NOT_SERVING."""
    shutil.rmtree(base_path)
    client = serve(ready=False)
    names = ("", "tensorflow.serving.PredictionService", "tensorflow.serving.ModelService")
    assert [client.health_of(name) for name in names] == [NOT_SERVING] * 3
    copy_version(exported / "1", base_path / "1")
    wait_until(lambda: client.health_of() == SERVING)
    assert [client.health_of(name) for name in names] == [SERVING] * 3


def test_a_version_without_warm_up_requests_is_served(
    serve: Callable[..., Client], base_path: Path
) -> None:
    """Warm-up is an offer, no duty."""
    write_version(base_path, 5, TinyModel(years_added=1))
    assert serve().ages(photo(50))["age"] == pytest.approx([51], abs=1e-3)


def test_only_numeric_folders_are_versions(tmp_path: Path) -> None:
    """Files, hidden folders and words are let be; a missing folder has no versions."""
    for name in ("1", "20", ".3.tmp", "latest", "4b", "-5"):
        (tmp_path / name).mkdir()
    (tmp_path / "6").touch()
    assert versions_on_disk(tmp_path) == {1: tmp_path / "1", 20: tmp_path / "20"}
    assert versions_on_disk(tmp_path / "missing") == {}


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        ("", {5}),
        ("latest {}", {5}),
        ("latest { num_versions: 2 }", {3, 5}),
        ("all {}", {1, 3, 5}),
        ("specific { versions: 1 versions: 4 }", {1}),
    ],
)
def test_the_policy_chooses_among_the_versions_found(policy: str, wanted: set[int]) -> None:
    """The latest one is the default."""
    assert aspired({1, 3, 5}, text_format.Parse(policy, VersionPolicy())) == wanted


@given(loaded=VERSIONS, wanted=VERSIONS)
def test_unloading_never_leaves_a_model_without_a_version(
    loaded: set[int], wanted: set[int]
) -> None:
    """Whatever is unloaded was unwanted, and a wanted version is there to answer."""
    records = {number: VersionRecord(number, State.AVAILABLE) for number in loaded}
    gone = set(to_unload(wanted, records))
    assert not gone & wanted
    assert not gone or (loaded - gone) & wanted


def test_failed_loads_are_tried_again_after_a_pause_and_not_for_ever() -> None:
    """The next lower version gets its turn meanwhile."""
    broken = VersionRecord(2, State.END, failed_loads=1, retry_at=10)
    records = {1: VersionRecord(1), 2: broken}
    assert next_load({1, 2}, records, now=9, retries=1) == 1
    assert next_load({1, 2}, records, now=10, retries=1) == 2
    assert next_load({2}, records, now=10, retries=0) is None
