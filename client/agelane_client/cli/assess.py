"""`agelane assess`: photos in, ages and decisions out."""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from agelane_client.cli.arguments import Commands, ExitCode, add_command, exit_code
from agelane_client.cli.output import Outcome, Table, json_line, say
from agelane_client.cli.photos import Source, sources, taken
from agelane_client.cli.progress import Progress
from agelane_client.cli.values import whole, word
from agelane_client.client import Client
from agelane_client.errors import AgelaneError, ConfigurationError
from agelane_client.offline import assess_offline

_NOTES = """\
photos:
  A folder stands for the files right in it whose names end in .jpg, .jpeg or .png, in the order of
  their names; hidden ones and folders in it are left out. - is one photo on standard input, which
  has 30 seconds to come; a file of that name is ./-
  Lines come in the order of the photos. On a terminal a line tells how far many of them are.

offline:
  With --offline a photo without an answer has the decision VERIFY_ID, and counts as assessed; with
  --json `error` says why.

"""
_EXAMPLES = """\
  agelane assess photo.jpg other.png
  agelane assess --jobs 4 photos/ --json > assessments.jsonl
  agelane assess --webcam --store store-7 --lane 3
  ffmpeg -i rtsp://camera/ -frames:v 1 -f mjpeg - | agelane assess -
  agelane assess --json --full photo.jpg > assessment.json     with the token for `agelane record`
"""


def add_assess(commands: Commands) -> None:
    """Add `assess`."""
    assess = add_command(
        commands,
        _assess,
        "assess",
        "estimate ages and decide about alcohol",
        notes=_NOTES,
        examples=_EXAMPLES,
    )
    add = assess.add_argument
    add("photos", metavar="PHOTO", nargs="*", help="JPEG or PNG file up to 1 MiB, folder, or -")
    add("--webcam", action="store_true", help="take a photo with a camera (needs OpenCV)")
    add(
        "--camera",
        metavar="N",
        type=whole(0, 99),
        default=0,
        help="number of the camera of --webcam (default: %(default)s)",
    )
    add_call(assess)
    add(
        "--jobs",
        metavar="N",
        type=whole(1, 64),
        default=1,
        help="photos in flight at once, up to 64 (default: %(default)s)",
    )
    add("--offline", action="store_true", help="decide VERIFY_ID where the gateway doesn't")
    add("--json", action="store_true", help="print one JSON object a photo, a line each")
    add("--full", action="store_true", help="with --json: all of the assessment, and its token")


def add_call(command: argparse.ArgumentParser) -> None:
    """Add what goes along with each photo."""
    add = command.add_argument
    add("--store", metavar="ID", type=word, help="the store (default: the gateway's)")
    add("--lane", metavar="ID", type=word, help="the lane (default: none)")
    add("--category", metavar="NAME", type=word, help="the restricted goods (default: alcohol)")


def one_stdin(paths: list[str]) -> None:
    """Raise ConfigurationError if standard input is to be two photos."""
    if paths.count("-") > 1:
        raise ConfigurationError("- stands for the one photo on standard input; name it once")


def _assess(client: Client, options: argparse.Namespace) -> ExitCode:
    """Assess the photos in their order, a line each as soon as it is known."""
    photos = _photos(options)
    write = (
        partial(json_line, full=options.full)
        if options.json
        else Table([photo.name for photo in photos]).row
    )
    executor = ThreadPoolExecutor(options.jobs)
    try:
        outcomes = executor.map(partial(_outcome, client, options), photos)
        worst, failed = ExitCode.DONE, 0
        with Progress(len(photos)) as progress:
            for done, outcome in enumerate(outcomes, 1):
                progress.make_way()
                say(write(outcome))
                if outcome.error:
                    worst = max(worst, exit_code(outcome.error))
                    failed += 1
                progress.show(done, failed)
        return worst
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _photos(options: argparse.Namespace) -> list[Source]:
    """Return the photos that the command line names, those of devices taken."""
    if not options.photos and not options.webcam:
        raise ConfigurationError("name a PHOTO, a folder or -, or take a photo with --webcam")
    if options.full and not options.json:
        raise ConfigurationError("--full is for --json")
    one_stdin(options.photos)
    photos = list(sources(options.photos))
    if options.webcam:
        from agelane_client.cli.webcam import take_photo  # few need it

        photos.append(taken(f"camera {options.camera}", partial(take_photo, options.camera)))
    return photos


def _outcome(client: Client, options: argparse.Namespace, source: Source) -> Outcome:
    """Assess one photo; an error is an outcome too, or with --offline a decision."""
    try:
        if source.error:
            raise source.error
        started = time.perf_counter()
        assessment = client.assess(
            source.photo,
            store_id=options.store,
            lane_id=options.lane,
            restricted_category=options.category,
        )
    except AgelaneError as error:
        if not options.offline:
            return Outcome(photo=source.name, error=error)
        decision = assess_offline(error, request_id=None, restricted_category=options.category)
        return Outcome(photo=source.name, assessment=decision)
    latency_ms = (time.perf_counter() - started) * 1000
    return Outcome(photo=source.name, assessment=assessment, latency_ms=latency_ms)
