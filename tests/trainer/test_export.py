"""The SavedModel is a contract: signatures, bad photos, the session path, atomic publication."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from agelane_trainer.evaluation.calibration import Calibration, age_probabilities, median_ages
from agelane_trainer.evaluation.predict import predict
from agelane_trainer.network.folded import build_folded
from agelane_trainer.network.resnet import read_arrays
from agelane_trainer.publishing import export as publishing
from agelane_trainer.publishing.export import ExportError, Sources, export, newest_version
from agelane_trainer.publishing.golden import golden_photos
from agelane_trainer.publishing.machine import best_precision
from agelane_trainer.publishing.preflight import OUTPUTS
from tests.trainer.conftest import INPUT_SIZE, SAMPLES, encoded, made_up_photo, photo_of_somebody
from tests.trainer.small_network import small_network

WORSE = {"mae_years": 5.3, "mae_95_high_years": 5.5}


@pytest.fixture(scope="module")
def photos() -> list[bytes]:
    """Two faces and none, as JPEG and PNG."""
    return [
        encoded(photo_of_somebody(1, 120)),
        encoded(photo_of_somebody(2, 120), "PNG"),
        encoded(made_up_photo(3, 120)),
    ]


@pytest.fixture(scope="module")
def served(exported: Path) -> Callable[[list[bytes]], dict[str, np.ndarray]]:
    """``serving_default`` as Python calls it."""
    signature = tf.saved_model.load(str(exported)).signatures["serving_default"]
    return lambda photos: {
        name: value.numpy() for name, value in signature(image_bytes=tf.constant(photos)).items()
    }


def served_by_a_session(version: Path, photos: list[bytes]) -> dict[str, np.ndarray]:
    """Call ``serving_default`` as TensorFlow Serving does."""
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], str(version))
        signature = graph.signature_def["serving_default"]
        outputs = {name: tensor.name for name, tensor in signature.outputs.items()}
        answers: dict[str, np.ndarray] = session.run(
            outputs, {signature.inputs["image_bytes"].name: photos}
        )
    return answers


@pytest.fixture
def with_card(sources: Sources, tmp_path: Path) -> Callable[..., Sources]:
    """Return the same sources with other entries in their card."""

    def changed(**entries: Any) -> Sources:
        path = tmp_path / "card.json"
        path.write_text(json.dumps(json.loads(sources.card.read_text()) | entries))
        return replace(sources, card=path)

    return changed


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of a few thousand weights is published in place of ResNet50."""
    keras.utils.set_random_seed(5)
    network = small_network(INPUT_SIZE)
    monkeypatch.setattr(publishing, "build_folded", lambda *_: network)


def put_in_place(models: Path, card: Path, **entries: Any) -> None:
    """Make a version 7 of which only the card is there."""
    (models / "7" / "assets.extra").mkdir(parents=True)
    text = json.dumps(json.loads(card.read_text()) | entries, sort_keys=True)
    (models / "7" / "assets.extra" / "model_card.json").write_text(text)


def test_the_graph_answers_as_the_network_does(
    served: Callable[[list[bytes]], dict[str, np.ndarray]],
    random_weights: Path,
    card_file: Path,
    finder: keras.Model,
    photos: list[bytes],
) -> None:
    """Decoding, faces, network and calibration, against the same steps outside the graph."""
    answers = served(photos)
    network = build_folded(read_arrays(random_weights), INPUT_SIZE, "float32")
    predicted = predict([partial(bytes, photo) for photo in photos], network, finder)
    calibration = {
        key: tuple(value) for key, value in json.loads(card_file.read_text())["calibration"].items()
    }
    expected = age_probabilities(predicted.logits, Calibration(**calibration))
    assert answers["age_probabilities"] == pytest.approx(expected, abs=1e-4)
    assert answers["age"] == pytest.approx(median_ages(expected).numpy(), abs=0.01)
    assert answers["ok"].all()
    assert answers["face_count"].tolist() == predicted.faces.count.tolist() == [1, 1, 0]
    for name in ("brightness", "sharpness"):
        assert answers[name] == pytest.approx(getattr(predicted.faces, name), abs=1e-4)
    assert answers["face_score"] == pytest.approx(predicted.faces.score, abs=1e-4)


def test_types_and_shapes_are_those_of_the_contract(
    served: Callable[[list[bytes]], dict[str, np.ndarray]], photos: list[bytes]
) -> None:
    """For one photo as for many."""
    for batch in (photos, photos[:1]):
        found = {
            name: (value.dtype.name, [None, *value.shape[1:]])
            for name, value in served(batch).items()
        }
        assert found == OUTPUTS


def test_bad_photos_spoil_only_their_own_rows(
    served: Callable[[list[bytes]], dict[str, np.ndarray]], photos: list[bytes]
) -> None:
    """And read as a newborn without a face, should anybody forget to look at ``ok``."""
    bad = [b"", b"not a photo", photos[0][: len(photos[0]) // 2]]
    mixed = [photo for pair in zip(photos, bad, strict=True) for photo in pair]
    answers, alone = served(mixed), served(photos)
    assert answers["ok"].tolist() == [True, False] * 3
    for name, values in answers.items():
        assert values[::2] == pytest.approx(alone[name], abs=1e-3)
    assert (answers["age_probabilities"][1::2, 0] == 1).all()
    for name in set(OUTPUTS) - {"age_probabilities"}:
        assert not answers[name][1::2].any(), name


def test_the_session_path_of_tensorflow_serving_gives_the_same(
    exported: Path,
    served: Callable[[list[bytes]], dict[str, np.ndarray]],
    photos: list[bytes],
) -> None:
    """TensorFlow Serving loads a SavedModel through a TF1 session."""
    mixed = [photos[0], b"broken", *photos[1:]]
    found, expected = served_by_a_session(exported, mixed), served(mixed)
    for name in OUTPUTS:
        assert found[name] == pytest.approx(expected[name], abs=1e-3)


def test_an_export_in_bfloat16_says_nearly_the_same(
    sources: Sources,
    golden: list[bytes],
    served: Callable[[list[bytes]], dict[str, np.ndarray]],
    photos: list[bytes],
    tmp_path: Path,
) -> None:
    """Through the session path; its card names the precision."""
    version = export(sources, tmp_path / "age", "bfloat16", golden)
    found, expected = served_by_a_session(version, photos), served(photos)
    assert found["age"] == pytest.approx(expected["age"], abs=0.25)
    assert found["face_count"].tolist() == expected["face_count"].tolist()
    card = json.loads((version / "assets.extra" / "model_card.json").read_text())
    assert card["precision"] == "bfloat16"


def test_weights_are_constants_of_the_graph(exported: Path) -> None:
    """Variables would be reordered for each batch."""
    nodes = nodes_of(exported)
    assert any(node.op == "Conv2D" for node in nodes)
    assert not any("Variable" in node.op for node in nodes)


def test_decoding_is_pinned_to_the_cpu(exported: Path) -> None:
    """String tensors can't live on a GPU."""
    nodes = nodes_of(exported)
    assert any(node.op == "DecodeImage" for node in nodes)
    decoded = [node for node in nodes if node.op == "DatasetToSingleElement"]
    assert decoded
    assert all("CPU:0" in node.device for node in decoded)


def test_the_card_travels_with_the_model(exported: Path, card_file: Path) -> None:
    """One copy for each dummy input, so that a batching server can split the answer."""
    signature = tf.saved_model.load(str(exported)).signatures["model_card"]
    answers = signature(unused=tf.constant(["", "x"]))["model_card"].numpy()
    cards = [json.loads(answer) for answer in answers]
    assert cards[0] == cards[1]
    assert len(cards[0].pop("exporter_sha256")) == 64
    assert cards[0] == json.loads(card_file.read_text()) | {"precision": "float32"}


def test_warm_up_records_are_what_tensorflow_serving_reads(
    exported: Path, served: Callable[[list[bytes]], dict[str, np.ndarray]]
) -> None:
    """Parsed with its own messages; each names the model, the signature and a decodable photo."""
    from tensorflow_serving.apis import prediction_log_pb2

    path = exported / "assets.extra" / "tf_serving_warmup_requests"
    records = [
        prediction_log_pb2.PredictionLog.FromString(raw.numpy())
        for raw in tf.data.TFRecordDataset(str(path))
    ]
    requests = [record.predict_log.request for record in records]
    assert {(r.model_spec.name, r.model_spec.signature_name) for r in requests} == {
        ("age", "serving_default")
    }
    batches = [tf.make_ndarray(request.inputs["image_bytes"]) for request in requests]
    assert [len(batch) for batch in batches] == list(range(1, 9))
    assert served([batches[0][0]])["ok"].all()


def test_the_same_sources_are_not_published_twice(
    exported: Path, sources: Sources, golden: list[bytes]
) -> None:
    """A second export is a no-op."""
    assert export(sources, exported.parent, "float32", golden) == exported
    assert [path.name for path in exported.parent.iterdir()] == [exported.name]


@pytest.mark.usefixtures("small")
def test_another_card_is_another_version(
    sources: Sources, with_card: Callable[..., Sources], golden: list[bytes], tmp_path: Path
) -> None:
    """The next number, and nothing half-written stays."""
    put_in_place(tmp_path / "age", sources.card)
    better = with_card(metrics={"mae_years": 4.0, "mae_95_high_years": 4.2})
    version = export(better, tmp_path / "age", "float32", golden)
    assert version == tmp_path / "age" / "8"
    assert (version / "saved_model.pb").exists()
    assert not list((tmp_path / "age").glob(".*"))


@pytest.mark.usefixtures("small")
def test_a_worse_model_is_published_only_if_somebody_says_so(
    sources: Sources, with_card: Callable[..., Sources], golden: list[bytes], tmp_path: Path
) -> None:
    """The reason names both errors."""
    put_in_place(tmp_path / "age", sources.card)
    worse = with_card(metrics=WORSE)
    with pytest.raises(ExportError, match=r"worse than version 7: it errs by 5\.3 years"):
        export(worse, tmp_path / "age", "float32", golden)
    assert [path.name for path in (tmp_path / "age").iterdir()] == ["7"]
    assert export(worse, tmp_path / "age", "float32", golden, even_if_worse=True).name == "8"


def test_a_model_that_loses_a_certificate_is_refused(
    sources: Sources, golden: list[bytes], tmp_path: Path
) -> None:
    """Its shops would ask everybody for a document."""
    put_in_place(tmp_path, sources.card, certificates=[{"legal_age_years": 18}])
    with pytest.raises(ExportError, match="loses the certificate for the legal age 18"):
        export(sources, tmp_path, "float32", golden)


@pytest.mark.usefixtures("small")
def test_what_fails_its_preflight_leaves_nothing_behind(
    sources: Sources, golden: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No server ever sees it."""
    monkeypatch.setattr("agelane_trainer.publishing.preflight._LARGEST_BYTES", 1000)
    with pytest.raises(ExportError, match=r"fails its preflight: .* bytes are more"):
        export(sources, tmp_path / "age", "float32", golden)
    assert list((tmp_path / "age").iterdir()) == []


@pytest.mark.parametrize("kind", ["weights", "finder"])
def test_a_card_of_other_weights_is_refused(
    with_card: Callable[..., Sources], golden: list[bytes], tmp_path: Path, kind: str
) -> None:
    """Certificate and networks can't drift apart."""
    other = with_card(**{f"{kind}_sha256": "0" * 64})
    with pytest.raises(ExportError, match="made for other weights"):
        export(other, tmp_path / "models", "float32", golden)
    other.card.write_text("{}")
    with pytest.raises(ExportError, match="weights_sha256"):
        export(other, tmp_path / "models", "float32", golden)


@pytest.mark.parametrize(
    "calibration", [{}, {"temperatures": [0, 1]}, {"temperature": 1.5}, {"shares": 3}]
)
@pytest.mark.usefixtures("small")
def test_a_card_with_an_impossible_calibration_is_refused(
    with_card: Callable[..., Sources],
    golden: list[bytes],
    tmp_path: Path,
    calibration: dict[str, Any],
) -> None:
    """Nothing is assumed in its place."""
    with pytest.raises(ExportError, match="the card holds no calibration"):
        export(with_card(calibration=calibration or None), tmp_path, "float32", golden)


def test_the_newest_version_is_the_highest_number(tmp_path: Path) -> None:
    """Ten comes after nine, and names that aren't numbers don't count."""
    assert newest_version(tmp_path) is None
    for name in ("9", "10", ".11.partial", "notes"):
        (tmp_path / name).mkdir()
    newest = newest_version(tmp_path)
    assert newest is not None
    assert newest.name == "10"


def test_golden_photos_are_taken_evenly_and_varied_where_there_are_few(tmp_path: Path) -> None:
    """Always the same ones; what can't be decoded is passed over."""
    few = golden_photos(SAMPLES, 10)
    assert few == golden_photos(SAMPLES, 10)
    assert len(set(few)) == 10
    assert (SAMPLES / "broken.jpg").read_bytes() not in few
    assert golden_photos(SAMPLES, 2) == few[0:4:2]
    (tmp_path / "broken.jpg").write_bytes((SAMPLES / "broken.jpg").read_bytes())
    with pytest.raises(ValueError, match="holds no photo that can be decoded"):
        golden_photos(tmp_path, 2)


def test_a_cpu_that_knows_bfloat16_computes_in_it(tmp_path: Path) -> None:
    """Others would emulate it, slowly."""
    features = tmp_path / "cpuinfo"
    assert best_precision(features) == "float32"
    features.write_text("flags : sse avx512f avx512_bf16 amx_tile\n")
    assert best_precision(features) == "bfloat16"
    features.write_text("flags : sse avx512f\n")
    assert best_precision(features) == "float32"


def nodes_of(version: Path) -> list[Any]:
    """Return what the functions of a SavedModel consist of."""
    saved = saved_model_pb2.SavedModel.FromString((version / "saved_model.pb").read_bytes())
    functions = saved.meta_graphs[0].graph_def.library.function
    return [node for function in functions for node in function.node_def]
