"""The SavedModel is a contract: signatures, bad photos, the session path, atomic publication."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from agelane_trainer.evaluation.calibration import age_probabilities
from agelane_trainer.network.resnet import build_model, load_weights
from agelane_trainer.publishing.export import ExportError, export, newest_version
from agelane_trainer.training.pipeline import decode
from tests.trainer.conftest import INPUT_SIZE, made_up_photo


def encoded(seed: int, kind: str = "JPEG") -> bytes:
    """Return a made-up photo as a file."""
    buffer = io.BytesIO()
    made_up_photo(seed, 120).save(buffer, kind)
    return buffer.getvalue()


def serve(folder: Path, photos: list[bytes]) -> dict[str, np.ndarray]:
    """Call ``serving_default`` as Python does."""
    signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
    return {k: v.numpy() for k, v in signature(image_bytes=tf.constant(photos)).items()}


def test_the_graph_answers_as_the_network_does(exported: Path, random_weights: Path) -> None:
    """Decoding, resizing, network and temperature, against the same steps outside the graph."""
    photos = [encoded(seed, kind) for seed, kind in enumerate(["JPEG", "PNG", "JPEG"])]
    served = serve(exported, photos)
    model = build_model(INPUT_SIZE)
    load_weights(model, random_weights)
    logits = model(tf.stack([decode(photo, INPUT_SIZE) for photo in photos])).numpy()
    expected = age_probabilities(logits, 1.5)
    assert np.allclose(served["age_probabilities"], expected, atol=1e-4)
    assert np.allclose(served["age"], expected @ np.arange(101), atol=0.01)
    assert served["ok"].all()
    assert [served[name].dtype for name in ("age", "age_probabilities", "ok")] == [
        np.float32,
        np.float32,
        np.bool_,
    ]


def test_bad_photos_spoil_only_their_own_rows(exported: Path) -> None:
    """And read as a newborn, should anybody forget to look at ``ok``."""
    good = [encoded(seed) for seed in range(4)]
    bad = [b"", b"not a photo", good[0][: len(good[0]) // 2], b"\xff\xd8\xff"]
    mixed = [photo for pair in zip(good, bad, strict=True) for photo in pair]
    served, alone = serve(exported, mixed), serve(exported, good)
    assert served["ok"].tolist() == [True, False] * 4
    assert np.allclose(served["age"][::2], alone["age"], atol=1e-3)
    assert (served["age"][1::2] == 0).all()
    assert (served["age_probabilities"][1::2, 0] == 1).all()


def test_the_session_path_of_tensorflow_serving_gives_the_same(exported: Path) -> None:
    """TensorFlow Serving loads a SavedModel through a TF1 session."""
    photos = [encoded(1), b"broken", encoded(2)]
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], str(exported))
        signature = graph.signature_def["serving_default"]
        outputs = {name: tensor.name for name, tensor in signature.outputs.items()}
        found = session.run(outputs, {signature.inputs["image_bytes"].name: photos})
    expected = serve(exported, photos)
    for name in ("age", "age_probabilities", "ok"):
        assert np.allclose(found[name], expected[name], atol=1e-4)


def test_decoding_is_pinned_to_the_cpu(exported: Path) -> None:
    """String tensors can't live on a GPU."""
    saved = saved_model_pb2.SavedModel.FromString((exported / "saved_model.pb").read_bytes())
    functions = saved.meta_graphs[0].graph_def.library.function
    nodes = [node for function in functions for node in function.node_def]
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
    assert cards[0] == json.loads(card_file.read_text())


def test_warm_up_records_are_what_tensorflow_serving_reads(exported: Path) -> None:
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
    assert [len(batch) for batch in batches] == [1, 2, 4, 8]
    assert serve(exported, [batches[0][0]])["ok"].all()


def test_the_same_weights_are_not_published_twice(
    exported: Path, random_weights: Path, card_file: Path
) -> None:
    """A second export is a no-op; another card is another version."""
    models = exported.parent
    assert export(random_weights, card_file, models) == exported
    other = card_file.with_name("other.json")
    other.write_text(json.dumps({**json.loads(card_file.read_text()), "temperature": 2.0}))
    assert export(random_weights, other, models).name == str(int(exported.name) + 1)
    assert not list(models.glob(".*")), "nothing half-written stays"


def test_a_card_of_other_weights_is_refused(
    random_weights: Path, card_file: Path, tmp_path: Path
) -> None:
    """Certificate and network can't drift apart."""
    other = tmp_path / "card.json"
    other.write_text(json.dumps({**json.loads(card_file.read_text()), "weights_sha256": "0" * 64}))
    with pytest.raises(ExportError, match="made for other weights"):
        export(random_weights, other, tmp_path / "models")
    other.write_text("{}")
    with pytest.raises(ExportError, match="weights_sha256"):
        export(random_weights, other, tmp_path / "models")


def test_the_newest_version_is_the_highest_number(tmp_path: Path) -> None:
    """Ten comes after nine, and names that aren't numbers don't count."""
    assert newest_version(tmp_path) is None
    for name in ("9", "10", ".11.partial", "notes"):
        (tmp_path / name).mkdir()
    newest = newest_version(tmp_path)
    assert newest is not None
    assert newest.name == "10"
