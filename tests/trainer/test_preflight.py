"""Every fault that a server would find too late is found before publication."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from agelane_trainer.evaluation.calibration import Calibration
from agelane_trainer.network.face_finder import build_face_finder
from agelane_trainer.publishing import preflight as checks
from agelane_trainer.publishing.export import write_saved_model
from agelane_trainer.publishing.golden import golden_ages
from agelane_trainer.publishing.preflight import WARM_UP_FILE, Golden, PreflightError, preflight
from tests.trainer.conftest import FINDER, INPUT_SIZE
from tests.trainer.small_network import small_network

CARD = {"schema": 1, "name": "age"}


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """A network of a few thousand weights in place of ResNet50."""
    keras.utils.set_random_seed(5)
    return small_network(INPUT_SIZE)


@pytest.fixture(scope="module")
def good(network: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A faultless SavedModel."""
    folder = tmp_path_factory.mktemp("good") / "1"
    write_saved_model(network, build_face_finder(FINDER), Calibration(), CARD, folder)
    return folder


@pytest.fixture(scope="module", name="known")
def known_fixture(network: keras.Model, finder: keras.Model, golden: list[bytes]) -> Golden:
    """Golden ages of that network."""
    return golden_ages(golden, network, finder, Calibration())


@pytest.fixture
def copy(good: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(good, tmp_path / "1"))


def spoil(folder: Path, change: Callable[[Any], None]) -> None:
    """Change the graph of a SavedModel, given as protobuf."""
    path = folder / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    change(saved.meta_graphs[0])
    path.write_bytes(saved.SerializeToString())


def test_a_faultless_version_passes(good: Path, known: Golden) -> None:
    """And its ages are those of the network outside the graph."""
    assert preflight(good, "float32", known) <= 0.01


def without_card(graph: Any) -> None:
    """Take the signature of the model card away."""
    del graph.signature_def["model_card"]


def with_another_signature(graph: Any) -> None:
    """Add a signature that nobody knows."""
    graph.signature_def["debug"].CopyFrom(graph.signature_def["model_card"])


def without_face_count(graph: Any) -> None:
    """Take an output away."""
    del graph.signature_def["serving_default"].outputs["face_count"]


def with_100_ages(graph: Any) -> None:
    """Say that there is an age less."""
    outputs = graph.signature_def["serving_default"].outputs
    outputs["age_probabilities"].tensor_shape.dim[1].size = 100


def with_python(graph: Any) -> None:
    """Call Python, which no server has."""
    graph.graph_def.library.function[0].node_def.add(name="helper", op="PyFunc")


def with_a_file(graph: Any) -> None:
    """Read a file of the server's."""
    graph.graph_def.node.add(name="secret", op="ReadFile")


def with_decoding_anywhere(graph: Any) -> None:
    """Leave it to the server where photos are decoded."""
    for function in graph.graph_def.library.function:
        for node in function.node_def:
            if node.op == "DatasetToSingleElement":
                node.device = ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without_card, r"the signatures are \w+, serving_default$"),
        (with_another_signature, "the signatures are .*debug, model_card, serving_default$"),
        (without_face_count, "serving_default answers .* instead of"),
        (with_100_ages, "serving_default answers .* instead of"),
        (with_python, "forbidden operation PyFunc"),
        (with_a_file, "forbidden operation ReadFile"),
        (with_decoding_anywhere, "DatasetToSingleElement .* is not pinned to the CPU"),
    ],
)
def test_a_fault_of_the_graph_is_found(
    copy: Path, known: Golden, change: Callable[[Any], None], message: str
) -> None:
    """And named."""
    spoil(copy, change)
    with pytest.raises(PreflightError, match=message):
        preflight(copy, "float32", known)


def test_ages_that_differ_are_found(good: Path, known: Golden) -> None:
    """By more than 0.01 years in float32, and by more than 0.25 with fewer bits."""
    ages = np.array(known.ages)
    ages[3] += 0.1
    with pytest.raises(
        PreflightError,
        match=r"off by 0\.\d+ years, one of 1 of \d+ that are off by more than 0\.01",
    ):
        preflight(good, "float32", Golden(known.photos, ages))
    assert preflight(good, "bfloat16", Golden(known.photos, ages)) == pytest.approx(0.1, abs=0.01)
    with pytest.raises(PreflightError, match=r"one of 6 of 6 that are off by more than 0\.25"):
        preflight(good, "bfloat16", Golden(known.photos, known.ages + 0.3))
    with pytest.raises(PreflightError, match="off by nan"):
        preflight(good, "float32", Golden(known.photos, known.ages * np.nan))


def test_a_version_without_warm_up_is_found(copy: Path, known: Golden) -> None:
    """The first customers would wait for it."""
    for spoiling in ((copy / WARM_UP_FILE).write_bytes, lambda _: (copy / WARM_UP_FILE).unlink()):
        spoiling(b"")
        with pytest.raises(PreflightError, match="no warm-up records"):
            preflight(copy, "float32", known)


def test_warm_up_records_without_a_photo_are_found(copy: Path, known: Golden) -> None:
    """They would warm up nothing."""
    with tf.io.TFRecordWriter(str(copy / WARM_UP_FILE)) as writer:
        writer.write(b"")
    with pytest.raises(PreflightError, match="holds no photo"):
        preflight(copy, "float32", known)


def test_a_version_that_a_session_cannot_load_is_found(copy: Path, known: Golden) -> None:
    """Such as one that came without its weights."""
    for path in (copy / "variables").iterdir():
        path.unlink()
    with pytest.raises(PreflightError, match="a TF1 session can't load it"):
        preflight(copy, "float32", known)


def test_a_version_that_is_too_large_is_found(
    good: Path, known: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A branch's line has to carry it."""
    monkeypatch.setattr(checks, "_LARGEST_BYTES", 1000)
    with pytest.raises(PreflightError, match="bytes are more than 1,000"):
        preflight(good, "float32", known)


def decoding_plainly(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
    """Answer as a version may, but decode photos as tutorials do."""
    with tf.device("/CPU:0"):
        age = tf.map_fn(
            lambda data: tf.reduce_mean(tf.cast(tf.io.decode_jpeg(data), tf.float32)),
            image_bytes,
            fn_output_signature=tf.TensorSpec([], tf.float32),
        )
    numbers = ("age", "face_score", "brightness", "sharpness")
    return {
        **{name: tf.identity(age) for name in numbers},
        "age_probabilities": tf.one_hot(tf.cast(age, tf.int32), 101),
        "ok": age >= 0,
        "face_count": tf.cast(age, tf.int32),
        "face_box": tf.stack([age] * 4, axis=1),
    }


def test_a_version_whose_bad_photos_fail_the_whole_batch_is_found(
    good: Path, network: keras.Model, known: Golden, tmp_path: Path
) -> None:
    """One customer's broken photo would fail the calls of all others."""
    archive = keras.export.ExportArchive()
    archive.track(network)
    photos = tf.TensorSpec([None], tf.string, name="image_bytes")
    archive.add_endpoint("serving_default", decoding_plainly, input_signature=[photos])
    archive.add_endpoint("model_card", lambda x: {"model_card": x}, input_signature=[photos])
    archive.write_out(str(tmp_path / "1"), verbose=False)
    shutil.copytree((good / WARM_UP_FILE).parent, (tmp_path / "1" / WARM_UP_FILE).parent)
    with pytest.raises(PreflightError, match="bad photos among good ones fail all of them"):
        preflight(tmp_path / "1", "float32", known)
