"""Speed against accuracy: the same weights at several input sizes and precisions, in one run.

Throughput is that of the whole graph on full batches in this process: decoding, face finding,
network, calibration. Variants take turns, so that a busy machine slows all of them alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from agelane_trainer.certificate.certificate import certify
from agelane_trainer.data.dataset import Photo
from agelane_trainer.evaluation import metrics
from agelane_trainer.evaluation.calibration import Calibration, calibrated
from agelane_trainer.evaluation.evaluate import Files, readers, view
from agelane_trainer.evaluation.figures import REPORTED_LEGAL_AGE
from agelane_trainer.evaluation.measured_model import calibration_and_gates
from agelane_trainer.evaluation.predict import predict
from agelane_trainer.evaluation.sample import Sample
from agelane_trainer.evaluation.till import till_rates
from agelane_trainer.network.face_finder import build_face_finder
from agelane_trainer.network.folded import ServingPrecision, build_folded
from agelane_trainer.network.preparation import decode, prepare, resize
from agelane_trainer.network.resnet import read_arrays

SIZES = (96, 112, 128, 160, 192, 224)
"""Sides of the network's input (pixels)."""
REFERENCE = (224, "float32")
"""What the others are compared with: the usual size of ResNet50, in full precision."""
_BATCH = 32
_ROUNDS = 5
_PHOTOS = tf.TensorSpec([None], tf.string)

Run = Callable[[tf.Tensor], Any]
Setting = tuple[int, ServingPrecision]


@dataclass(frozen=True, slots=True)
class Point:
    """One variant of the model."""

    input_size: int
    """Side of the input (pixels)."""
    precision: ServingPrecision
    """What the convolutions compute in."""
    mae_years: float
    """Mean absolute error."""
    mae_14_20_years: float
    """The same, of people of 14 to 20."""
    id_check_rate_25_plus: float
    """Share of people of 25 and over who show a document, at a certificate of its own."""
    photos_per_second: float
    """Throughput of the whole graph."""


@dataclass(frozen=True, slots=True)
class Frontier:
    """All variants, measured in one run."""

    points: tuple[Point, ...]
    """In the order of their measurement."""
    face_finding_cost: dict[Setting, float]
    """Share of the throughput that finding the face costs, for each variant."""

    def ratio(self, point: Point) -> float | None:
        """Return its throughput as a multiple of the reference's, if that was measured."""
        for other in self.points:
            if (other.input_size, other.precision) == REFERENCE:
                return point.photos_per_second / other.photos_per_second
        return None

    def flat(self) -> dict[str, float]:
        """Return every figure under a key of its own."""
        figures: dict[str, float] = {}
        for point in self.points:
            setting = (point.input_size, point.precision)
            name = f"{point.precision}_{point.input_size}"
            figures[f"mae_years_{name}"] = point.mae_years
            figures[f"mae_14_20_years_{name}"] = point.mae_14_20_years
            figures[f"id_check_rate_25_plus_{name}"] = point.id_check_rate_25_plus
            figures[f"photos_per_second_{name}"] = point.photos_per_second
            figures[f"face_finding_cost_share_{name}"] = self.face_finding_cost[setting]
            if (ratio := self.ratio(point)) is not None:
                figures[f"throughput_over_float32_224_{name}"] = round(ratio, 2)
        return figures

    def table(self) -> str:
        """Return the points as Markdown."""
        rows = [
            "| input | precision | mean error | of 14 to 20 | asked for ID, 25+ | photos a second "
            "| over float32 at 224 | of which faces cost |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for point in self.points:
            ratio = self.ratio(point)
            cost = self.face_finding_cost[point.input_size, point.precision]
            rows.append(
                f"| {point.input_size} | {point.precision} | {point.mae_years:.2f} years "
                f"| {point.mae_14_20_years:.2f} years | {point.id_check_rate_25_plus:.1%} "
                f"| {point.photos_per_second:.0f} | {'–' if ratio is None else f'{ratio:.1f}'} "
                f"| {cost:.0%} |"
            )
        return "\n".join(rows)


def measure_frontier(
    files: Files,
    card: Mapping[str, Any],
    photos: Sequence[Photo],
    settings: Sequence[Setting],
) -> Frontier:
    """Measure the weights at each setting.

    Args:
        files: the weights.
        card: their model card: its calibration and gates are used at each setting.
        photos: validation photos.
        settings: input sizes and precisions.

    Raises:
        ValueError: the card lacks calibration or gates.
    """
    calibration, gates = calibration_and_gates(card)
    arrays, finder = read_arrays(files.weights), build_face_finder(files.finder)
    networks = {(s, p): build_folded(arrays, s, p) for s, p in settings}
    whole = {setting: _whole(network, finder, calibration) for setting, network in networks.items()}
    faceless = {setting: _faceless(network, calibration) for setting, network in networks.items()}
    batch = tf.constant([read() for read in readers(photos[:_BATCH])])
    seconds = _take_turns([*whole.values(), *faceless.values()], batch)
    rates = dict(zip(whole, _BATCH / seconds[: len(whole)], strict=True))
    without = dict(zip(faceless, _BATCH / seconds[len(whole) :], strict=True))
    points = []
    for setting, network in networks.items():
        predicted = predict(readers(photos), network, finder, "{} {}".format(*setting))
        sample = view(photos, predicted, calibration, gates)
        points.append(_point(setting, sample, float(rates[setting])))
    cost = {key: round(1 - float(rates[key] / without[key]), 3) for key in rates}
    return Frontier(tuple(points), cost)


def _point(setting: Setting, sample: Sample, photos_per_second: float) -> Point:
    legal_age = REPORTED_LEGAL_AGE
    made = certify(sample.probabilities, sample.ages, legal_age, sample.groups).certificate
    rates = till_rates(sample, legal_age, made.threshold if made else None)
    young = (sample.ages >= 14) & (sample.ages <= 20)
    return Point(
        *setting,
        mae_years=metrics.age_errors(sample.ages, sample.estimates).mae_years,
        mae_14_20_years=metrics.age_errors(sample.ages[young], sample.estimates[young]).mae_years,
        id_check_rate_25_plus=rates["id_check_rate_25_plus"],
        photos_per_second=round(photos_per_second, 1),
    )


def draw_frontier(frontier: Frontier, path: Path) -> None:
    """Draw mean error against throughput, to a PNG."""
    from agelane_trainer.reports.drawing import BLUE, ORANGE, chart

    colours = {"float32": ORANGE, "bfloat16": BLUE, "float16": "black"}
    with chart(path, (8, 4.5)) as figure:
        axes = figure.subplots()
        for precision in dict.fromkeys(point.precision for point in frontier.points):
            some = [point for point in frontier.points if point.precision == precision]
            axes.plot(
                [point.photos_per_second for point in some],
                [point.mae_years for point in some],
                "o-",
                color=colours[precision],
                label=precision,
            )
            for point in some:
                axes.annotate(
                    str(point.input_size),
                    (point.photos_per_second, point.mae_years),
                    textcoords="offset points",
                    xytext=(5, 6),
                )
        axes.set(
            title="Speed against accuracy, by input size (pixels)",
            xlabel="photos a second, whole graph",
            ylabel="mean absolute error (years)",
        )
        axes.legend()


def _whole(network: keras.Model, finder: keras.Model, calibration: Calibration) -> Run:
    size = network.input_shape[1]

    def run(data: tf.Tensor) -> tf.Tensor:
        crops = prepare(data, size, finder).crops
        return calibrated(network(crops, training=False), calibration)

    compiled: Run = tf.function(run, input_signature=[_PHOTOS])
    return compiled


def _faceless(network: keras.Model, calibration: Calibration) -> Run:
    """Return the same without looking for faces, for comparison."""
    size = network.input_shape[1]

    def one(data: tf.Tensor) -> tf.Tensor:
        photo = tf.data.Dataset.from_tensors(data).map(lambda d: resize(decode(d), size))
        return photo.ignore_errors().take(1).get_single_element()

    def run(data: tf.Tensor) -> tf.Tensor:
        signature = tf.TensorSpec([size, size, 3], tf.float32)
        crops = tf.map_fn(one, data, fn_output_signature=signature)
        return calibrated(network(crops, training=False), calibration)

    compiled: Run = tf.function(run, input_signature=[_PHOTOS])
    return compiled


def _take_turns(runs: Sequence[Run], batch: tf.Tensor) -> np.ndarray:
    """Return the median seconds of each; a round calls every one of them."""
    seconds = np.zeros((_ROUNDS + 1, len(runs)))
    for number in tqdm(range(_ROUNDS + 1), desc="timing", unit="round", disable=None):
        for place, run in enumerate(runs):
            began = time.perf_counter()
            run(batch)
            seconds[number, place] = time.perf_counter() - began
    return np.asarray(np.median(seconds[1:], axis=0))  # the first round builds the graphs
