"""`python -m loadtest.bench.photos`: what preparing photos does to ages, and how long it takes.

Each photo is assessed as it is and as the SDK prepares it, by the real model, through a real
gateway. The same photos, at several sizes within camera frames of 1920 by 1080, are assessed as
they are, shrunk as a whole, and cropped to the face. Then a frame is prepared again and again on
one core, with the decoder's help in shrinking (`draft`) and without. The table goes to stdout, the
figures to reports/photos.json.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from PIL import Image, ImageFilter

from agelane_client import Assessment, Client
from agelane_client.photos import prepare
from loadtest.bench import processes
from loadtest.photos import SAMPLES, read_photos

REPORT = Path("reports/photos.json")
_FRAME = (1920, 1080)
_IN_FLIGHT = 8
_NO_LIMIT = "100000"
WAYS: dict[str, Callable[[bytes], bytes]] = {
    "whole": partial(prepare, find_faces=False),
    "face": prepare,
}


def main() -> int:
    """Measure, print and write; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.bench.photos", description=(__doc__ or "").partition("\n\n")[2]
    )
    parser.add_argument("--photos", type=Path, default=SAMPLES, help="folder (%(default)s)")
    parser.add_argument("--count", type=int, default=1000, help="most photos (%(default)s)")
    parser.add_argument("--framed", type=int, default=200, help="most photos in frames")
    parser.add_argument("--faces", default="200,300,400,600,900", help="sides in frames, pixels")
    parser.add_argument("--rounds", type=int, default=300, help="how often a frame is prepared")
    parser.add_argument("--no-ages", action="store_true", help="measure times alone")
    options = parser.parse_args()
    photos = read_photos(options.photos)
    photos = random.Random(0).sample(photos, min(options.count, len(photos)))
    figures = _times(photos[0], options.rounds)
    if not options.no_ages:
        figures |= _ages(photos, photos[: options.framed], map(int, options.faces.split(",")))
    print("\n".join(f"{name:60} {value:10.4g}" for name, value in figures.items()))
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def _ages(
    photos: Sequence[bytes], framed: Sequence[bytes], sides: Iterable[int]
) -> dict[str, float]:
    """Return what becomes of the ages of `photos`, and of those that are set into frames."""
    environment = {
        "AGELANE_GATEWAY_LANE_RATE": _NO_LIMIT,
        "AGELANE_GATEWAY_LANE_BURST": _NO_LIMIT,
    }
    with (
        processes.stack(environment) as stack,
        Client(stack.gateway, timeout=60) as client,
    ):
        figures = _changes(client, "photo", photos)
        for side in sides:
            figures |= _changes(client, f"face_{side}_pixels", [_framed(it, side) for it in framed])
    return figures


def _changes(client: Client, name: str, photos: Sequence[bytes]) -> dict[str, float]:
    """Return by how much ages change where one face is found before and after, and how often."""
    prepared_by_way = {way: [prepared(it) for it in photos] for way, prepared in WAYS.items()}
    answers = iter(_assess(client, [*photos, *itertools.chain(*prepared_by_way.values())]))
    before = list(itertools.islice(answers, len(photos)))
    figures: dict[str, float] = {f"{name}_count": len(photos)}
    for way, prepared in prepared_by_way.items():
        after = list(itertools.islice(answers, len(photos)))
        pairs = [
            (one.age_years, other.age_years)
            for one, other in zip(before, after, strict=True)
            if one.age_years is not None and other.age_years is not None
            if _faces(one) == _faces(other) == 1
        ]
        changes = [other - one for one, other in pairs]
        same = sum(_faces(a) == _faces(b) for a, b in zip(before, after, strict=True))
        poor = sum("POOR_FACE" in it.reasons for it in after)
        figures |= {
            f"{name}_{way}_mean_change_years": statistics.fmean(map(abs, changes)),
            f"{name}_{way}_bias_years": statistics.fmean(changes),
            f"{name}_{way}_same_number_of_faces_share": same / len(photos),
            f"{name}_{way}_poor_face_share": poor / len(photos),
            f"{name}_{way}_mean_bytes": statistics.fmean(map(len, prepared)),
            f"{name}_{way}_most_bytes": max(map(len, prepared)),
        }
    return {key: round(value, 4) for key, value in figures.items()}


def _assess(client: Client, photos: Sequence[bytes]) -> list[Assessment]:
    def assess(numbered: tuple[int, bytes]) -> Assessment:
        number, photo = numbered
        # Places to wait are given out by lane.
        return client.assess(photo, lane_id=f"lane-{number % _IN_FLIGHT}")

    different = list(dict.fromkeys(photos))  # a crop may be the whole photo
    with ThreadPoolExecutor(_IN_FLIGHT) as threads:
        answers = dict(zip(different, threads.map(assess, enumerate(different)), strict=True))
    return [answers[photo] for photo in photos]


def _faces(assessment: Assessment) -> int | None:
    quality = assessment.photo_quality
    return quality.face_count if quality else None


def _framed(photo: bytes, side: int) -> bytes:
    """Return a camera frame in which `photo` is a square of `side` pixels somewhere."""
    frame = Image.effect_noise(_FRAME, 24).filter(ImageFilter.GaussianBlur(1)).convert("RGB")
    place = random.Random(photo)
    face = Image.open(io.BytesIO(photo)).convert("RGB").resize((side, side))
    frame.paste(face, (place.randint(0, _FRAME[0] - side), place.randint(0, _FRAME[1] - side)))
    file = io.BytesIO()
    frame.save(file, "JPEG", quality=90)
    return file.getvalue()


def _opened(photo: bytes) -> Image.Image:
    """Return an image that `prepare` decodes in full: it does not meddle with a caller's."""
    return Image.open(io.BytesIO(photo))


def _times(photo: bytes, rounds: int) -> dict[str, float]:
    """Return what one frame costs on one core, in milliseconds; the ways in turns."""
    frame = _framed(photo, 400)
    ways: dict[str, Callable[[bytes], bytes]] = {
        **WAYS,
        "whole_without_draft": lambda it: prepare(_opened(it), find_faces=False),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds + 1):
        for way, prepared_by in ways.items():
            began = time.perf_counter()
            prepared_by(frame)
            seconds[way].append(time.perf_counter() - began)
    figures = {"frame_bytes": float(len(frame))}
    for way, taken in seconds.items():
        spans = statistics.quantiles((1000 * it for it in taken[1:]), n=100)  # the first warms up
        figures |= {f"frame_{way}_p50_ms": spans[49], f"frame_{way}_p99_ms": spans[98]}
    figures["draft_speedup"] = (
        figures["frame_whole_without_draft_p50_ms"] / (figures["frame_whole_p50_ms"])
    )
    return {name: round(value, 3) for name, value in figures.items()}


if __name__ == "__main__":
    sys.exit(main())
