"""A model server that runs with one batching.config after another."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any

import grpc

from agelane.tfserving.v1 import predict_pb2, status_pb2
from loadtest.bench.null_backend import PREDICT, STATUS
from loadtest.tune_batching.measure import MODEL

CONFIG = Path(__file__).resolve().parents[2] / "serving" / "tfserving"
"""Folder with the files that are shipped."""
_LAST_LINES = 15
_LOOK_SECONDS = 0.2
_STOP_SECONDS = 20.0
_CHANNEL_OPTIONS = [("grpc.max_reconnect_backoff_ms", 500), ("grpc.enable_http_proxy", 0)]

Start = Callable[[str], AbstractContextManager[str]]
"""Runs a server with the text of a batching.config; gives its address, HOST:PORT."""


class ServerError(Exception):
    """The server can't be run, or not with this setting; the message says what to do."""


def embedded(models: Path, request: bytes, patience_seconds: float) -> Start:
    """Return what starts the embedded model server; `request` is a Predict call to try it with.

    Raises:
        ServerError: there is no model to serve.
    """
    if not list((models / MODEL).glob("[0-9]*/saved_model.pb")):
        raise ServerError(f"there is no exported model in {models / MODEL}: run `make export`")

    @contextmanager
    def start(text: str) -> Iterator[str]:
        with tempfile.TemporaryDirectory() as folder:
            batching = Path(folder) / "batching.config"
            batching.write_text(text, encoding="utf-8")
            port = _free_port()
            flags = [
                f"--port={port}",
                f"--model_config_file={CONFIG / 'models.config'}",
                f"--models_dir={models}",
                "--enable_batching",
                f"--batching_parameters_file={batching}",
                "--tensorflow_intra_op_parallelism=1",  # a batch stays on one core
            ]
            with _running(flags) as (process, output):
                address = f"127.0.0.1:{port}"
                _until_answering(address, request, patience_seconds, process, output)
                yield address

    return start


@contextmanager
def restarted(
    command: str, target: str, file: Path, request: bytes, patience_seconds: float
) -> Iterator[Start]:
    """Give what writes `file` and restarts a server by a shell command.

    In the end the file is as it was, and the server restarted with it.
    """
    before = file.read_bytes()

    @contextmanager
    def start(text: str) -> Iterator[str]:
        # In place: where a container mounts the file alone, it would keep the one replaced.
        file.write_text(text, encoding="utf-8")
        _run(command, patience_seconds)
        _until_answering(target, request, patience_seconds)
        yield target

    try:
        yield start
    finally:
        if file.read_bytes() != before:
            file.write_bytes(before)
            _run(command, patience_seconds)


@contextmanager
def _running(flags: list[str]) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    # `tied` ends it with this process, even if that is killed; Ctrl-C reaches this process alone.
    command = [sys.executable, "-m", "agelane_serving.tied", "agelane_serving.model_server"]
    with (
        tempfile.TemporaryFile() as output,
        subprocess.Popen(
            [*command, *flags],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            process_group=0,
        ) as process,
    ):
        try:
            yield process, output
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _run(command: str, patience_seconds: float) -> None:
    # Not by a pipe, which a server that the command leaves in the background would keep open.
    with tempfile.TemporaryFile() as output:
        try:
            code = subprocess.run(
                command,
                shell=True,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=patience_seconds,
                process_group=0,
            ).returncode
        except subprocess.TimeoutExpired as error:
            raise ServerError(
                f"{command!r} has not ended after {patience_seconds:.0f} s: it must restart the "
                "server and return; --patience gives it longer"
            ) from error
        if code != 0:
            raise ServerError(f"{command!r} ended with exit code {code}{_said(output)}")


def _until_answering(
    address: str,
    request: bytes,
    patience_seconds: float,
    process: subprocess.Popen[bytes] | None = None,
    output: IO[bytes] | None = None,
) -> None:
    """Return once a version is available and answers; raises ServerError if it never does."""
    give_up_at = time.monotonic() + patience_seconds
    with grpc.insecure_channel(address, _CHANNEL_OPTIONS) as channel:
        while not (seen := _seen(channel)).startswith("AVAILABLE"):
            if process is not None and process.poll() is not None:
                raise ServerError(
                    f"the model server ended with exit code {process.returncode}{_said(output)}"
                )
            if seen.startswith("END") or time.monotonic() > give_up_at:
                raise ServerError(
                    f"the model server at {address} serves no model {MODEL!r}, or not within "
                    f"{patience_seconds:.0f} s (--patience): {seen}{_said(output)}"
                )
            time.sleep(_LOOK_SECONDS)
        method: Any = channel.unary_unary(
            PREDICT, response_deserializer=predict_pb2.PredictResponse.FromString
        )
        try:
            answer = method(request, timeout=patience_seconds)
        except grpc.RpcError as error:
            raise ServerError(f"a Predict call ends in {_told(error)}{_said(output)}") from error
    if MODEL not in answer.outputs:
        raise ServerError(f"the model at {address} gives no {MODEL!r}: is it agelane's?")


def _seen(channel: grpc.Channel) -> str:
    """Return the state of the newest version, or what came instead."""
    question = status_pb2.GetModelStatusRequest()
    question.model_spec.name = MODEL
    method: Any = channel.unary_unary(
        STATUS,
        request_serializer=status_pb2.GetModelStatusRequest.SerializeToString,
        response_deserializer=status_pb2.GetModelStatusResponse.FromString,
    )
    try:
        versions = method(question, timeout=2).model_version_status
    except grpc.RpcError as error:
        return _told(error)
    if not versions:
        return "no version"
    newest = max(versions, key=lambda version: version.version)
    state = status_pb2.ModelVersionStatus.State.Name(newest.state)
    return f"{state} {newest.status.error_message}".strip()


def _told(error: Any) -> str:
    return f"{error.code().name}: {error.details()}"


def _said(output: IO[bytes] | None) -> str:
    """Return the last lines of what was printed, to be put after a message."""
    if output is None:
        return ""
    output.seek(0)
    lines = output.read().decode(errors="replace").splitlines()[-_LAST_LINES:]
    return "\n".join([". It said:", *lines]) if lines else ", and said nothing"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
