"""Start the servers, wait until they are ready, and stop them in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from agelane_serving.stack.checks import check_config, check_model, free_port
from agelane_serving.stack.child import Child
from agelane_serving.stack.errors import StackError
from agelane_serving.stack.office import office_flags
from agelane_serving.stack.settings import Settings

_LOOPBACK = "127.0.0.1"
_CHECKOUT_SERVICE = "agelane.v1.CheckoutService"
_READY_SECONDS = 180.0
_LOOK_SECONDS = 0.1
_COMMAND_STOP_SECONDS = 10.0


class Stack:
    """A model server and a gateway, from nothing to nothing."""

    def __init__(self, settings: Settings) -> None:
        """Check what can be checked before anything starts; raises StackError."""
        check_model(settings.models)
        check_config(settings.config)
        self._settings = settings
        self._books = [] if settings.office is None else office_flags(settings.office)
        model_port = free_port(settings.model_port, "--model-port")
        gateway_port = free_port(settings.gateway_port, "--gateway-port")
        self._model_server = f"{_LOOPBACK}:{model_port}"
        self._gateway = f"{_LOOPBACK}:{gateway_port}"
        self._children: list[Child] = []
        self._stop_asked = threading.Event()
        self._signal = 0
        # The command's output is for whoever reads it, so the stack talks to stderr then.
        self._talk_to = sys.stderr if settings.command else sys.stdout

    def run(self) -> int:
        """Return the exit code: the command's; without one 0 after being told to stop.

        Raises:
            StackError: a server ended by itself or did not become ready.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask_to_stop)
        try:
            self._start()
            if not self._until_ready():
                return 128 + self._signal if self._settings.command else 0
            self._say(f"READY: gateway on {self._gateway}, model server on {self._model_server}")
            return self._run_command() if self._settings.command else self._wait()
        finally:
            # The gateway first, so that it never asks a model server that is gone.
            for child in reversed(self._children):
                child.stop()

    def _ask_to_stop(self, number: int, frame: object) -> None:
        self._signal = number
        self._stop_asked.set()

    def _say(self, text: str) -> None:
        print(text, file=self._talk_to, flush=True)

    def _start(self) -> None:
        config, quiet = self._settings.config, bool(self._settings.command)
        host, _, port = self._model_server.partition(":")
        flags = [
            f"--host={host}",
            f"--port={port}",
            f"--model_config_file={config / 'models.config'}",
            f"--models_dir={self._settings.models}",
            "--enable_batching",
            f"--batching_parameters_file={config / 'batching.config'}",
            "--tensorflow_intra_op_parallelism=1",  # a batch stays on one core
        ]
        # It computes for long: the gateway, which needs little, goes first.
        model_server = "agelane_serving.model_server"
        self._children.append(Child("model server", model_server, flags, quiet=quiet, niceness=5))
        flags = [f"--listen={self._gateway}", f"--model-server={self._model_server}", *self._books]
        self._children.append(Child("gateway", "agelane_serving.gateway", flags, quiet=quiet))

    def _until_ready(self) -> bool:
        """Return True when both are ready, False when told to stop before that."""
        model_server, gateway = self._children
        self._say("waiting for the model server (TensorFlow and the model take about 15 s) ...")
        return self._until_serving(model_server, self._model_server, "") and self._until_serving(
            gateway, self._gateway, _CHECKOUT_SERVICE
        )

    def _until_serving(self, child: Child, address: str, service: str) -> bool:
        give_up_at = time.monotonic() + _READY_SECONDS
        request = health_pb2.HealthCheckRequest(service=service)
        options = [("grpc.max_reconnect_backoff_ms", 500), ("grpc.enable_http_proxy", 0)]
        with grpc.insecure_channel(address, options) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            while not self._stop_asked.wait(_LOOK_SECONDS):
                self._check_children()
                if _is_serving(stub, request):
                    return True
                if time.monotonic() > give_up_at:
                    raise child.fail(f"is not ready after {_READY_SECONDS:.0f} s")
        return False

    def _wait(self) -> int:
        self._say("Ctrl-C stops both.")
        while not self._stop_asked.wait(_LOOK_SECONDS):
            self._check_children()
        self._say("stopping ...")
        return 0

    def _run_command(self) -> int:
        environment = {**os.environ, "AGELANE_TARGET": self._gateway}
        try:
            command = subprocess.Popen(self._settings.command, env=environment)
        except OSError as error:
            name = self._settings.command[0]
            raise StackError(f"{name} can't be run: {error.strerror}") from error
        try:
            while command.poll() is None and not self._stop_asked.wait(_LOOK_SECONDS):
                self._check_children()
        finally:
            _stop(command)
        code: int = command.returncode
        return code if code >= 0 else 128 - code

    def _check_children(self) -> None:
        for child in self._children:
            child.check()


def _is_serving(stub: health_pb2_grpc.HealthStub, request: health_pb2.HealthCheckRequest) -> bool:
    try:
        answer = stub.Check(request, timeout=2)
    except grpc.RpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _stop(command: subprocess.Popen[bytes]) -> None:
    if command.poll() is None:
        command.terminate()
    try:
        command.wait(_COMMAND_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        command.kill()
        command.wait()
