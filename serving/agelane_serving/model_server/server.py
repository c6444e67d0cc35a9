"""The process: ports, health, signals, and the order of starting and stopping."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import threading
from collections.abc import Coroutine
from typing import Any

import grpc
import tensorflow as tf
import uvloop
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from agelane_serving.model_server.config_files import (
    Batching,
    read_batching,
    read_model_config,
    read_monitoring,
    read_ssl,
    served_models,
    single_model_config,
)
from agelane_serving.model_server.errors import ServingError
from agelane_serving.model_server.loading import Loader
from agelane_serving.model_server.manager import ModelManager
from agelane_serving.model_server.memory import keep_freed_memory
from agelane_serving.model_server.monitoring import MetricsPage, Requests
from agelane_serving.model_server.servicers import ModelService, PredictionService
from agelane_serving.model_server.settings import Settings

HEALTH_NAMES = (
    health.OVERALL_HEALTH,
    "tensorflow.serving.PredictionService",
    "tensorflow.serving.ModelService",
)
# Calls beyond those of Predict, so that health and status are answered under full load.
_SPARE_CALLS = 8
_SMALLEST_PING_INTERVAL_MS = 10_000

_logger = logging.getLogger(__name__)


class StartupError(Exception):
    """The server can't start; the message says what to change."""


class ModelServer:
    """One model server in this process, from `start` to `stop`."""

    def __init__(self, settings: Settings) -> None:
        """Read the config files; raises ServingError for what they get wrong."""
        self._settings = settings
        self._stopping = threading.Event()
        self._health = health.aio.HealthServicer()
        iterations = max(1, settings.num_request_iterations_for_warmup)
        loader = Loader(
            _batching(settings),
            settings.grpc_max_threads,
            iterations if settings.enable_model_warmup else 0,
            self._stopping.is_set,
        )
        self._manager = ModelManager(settings, loader, self._stopping, self._announce)
        self._config = _model_config(settings)
        self._manager.configure(served_models(self._config, settings.models_dir))
        self._requests = Requests()
        self._tls = None if settings.ssl_config_file is None else read_ssl(settings.ssl_config_file)
        monitoring = settings.monitoring_config_file
        self._metrics_path = "" if monitoring is None else read_monitoring(monitoring)
        self._watcher = threading.Thread(target=self._watch_config, name="config", daemon=True)
        self._loop = uvloop.new_event_loop()
        self._calls = threading.Thread(target=self._loop.run_forever, name="calls", daemon=True)
        self.address = ""

    def start(self) -> None:
        """Open the port, then load the models; raises StartupError if the port can't be had."""
        self._calls.start()
        try:
            self._in_loop(self._open())
            self._metrics = self._metrics_page()
        except StartupError:
            self._end_loop()
            raise
        self._in_loop(self._server.start())
        _logger.info("listening on %s, loading models", self.address)
        self._manager.start()
        self._watcher.start()

    def stop(self) -> None:
        """Refuse new calls, let those in progress end, and stop loading."""
        self._in_loop(self._health.enter_graceful_shutdown())
        if self._metrics is not None:
            self._metrics.stop()
        self._manager.stop()
        self._in_loop(self._server.stop(self._settings.shutdown_grace_seconds))
        self._manager.join()
        self._watcher.join()
        self._end_loop()

    def _in_loop(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run it in the thread that takes the calls, from another, and wait for its end."""
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._calls.join()
        self._loop.close()

    async def _open(self) -> None:
        """Take the port; raises StartupError if it can't be had."""
        settings = self._settings
        self._server = grpc.aio.server(
            options=[
                # Two servers sharing a port would silently take each other's calls.
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", settings.grpc_max_message_bytes),
                ("grpc.max_send_message_length", settings.grpc_max_message_bytes),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", _SMALLEST_PING_INTERVAL_MS),
                ("grpc.keepalive_permit_without_calls", 1),
            ],
            maximum_concurrent_rpcs=settings.grpc_max_threads + _SPARE_CALLS,
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionService(self._manager, self._requests, settings.grpc_max_threads),
            self._server,
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            ModelService(self._manager, settings.models_dir), self._server
        )
        wanted = f"{settings.host}:{settings.port}"
        try:
            port = (
                self._server.add_insecure_port(wanted)
                if self._tls is None
                else self._server.add_secure_port(wanted, self._tls)
            )
        except RuntimeError as error:
            raise StartupError(
                f"cannot listen on {wanted}: the port is taken, or the address isn't this machine's"
            ) from error
        self.address = f"{settings.host}:{port}"
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)

    def _metrics_page(self) -> MetricsPage | None:
        settings = self._settings
        if not (self._metrics_path and settings.rest_api_port):
            return None
        try:
            page = MetricsPage(
                self._requests, settings.host, settings.rest_api_port, self._metrics_path
            )
        except OSError as error:
            wanted = f"{settings.host}:{settings.rest_api_port}"
            raise StartupError(f"cannot listen on {wanted}: {error.strerror}") from error
        page.start()
        return page

    def _announce(self) -> None:
        self._in_loop(self._set_health(health_pb2.HealthCheckResponse.SERVING))
        _logger.info("ready on %s", self.address)

    async def _set_health(self, status: int) -> None:
        for name in HEALTH_NAMES:
            await self._health.set(name, status)

    def _watch_config(self) -> None:
        path = self._settings.model_config_file
        interval = self._settings.model_config_file_poll_wait_seconds
        if path is None or interval == 0:
            return
        while not self._stopping.wait(interval):
            try:
                config = read_model_config(path)
                if config != self._config:
                    self._manager.configure(served_models(config, self._settings.models_dir))
                    self._config = config
            except ServingError as error:
                _logger.error("keeping the old configuration: %s", error)


def serve(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; return the exit code, 0 after a drain."""
    _set_parallelism(settings)
    keep_freed_memory()
    # The objects of the libraries stay for good, so collecting a version needn't visit them.
    gc.freeze()
    stop_asked = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stop_asked.set())
    try:
        server = ModelServer(settings)
        server.start()
    except (ServingError, StartupError) as error:
        _logger.error("%s", error)
        return 1
    stop_asked.wait()
    _logger.info("draining")
    server.stop()
    _logger.info("stopped")
    return 0


def _set_parallelism(settings: Settings) -> None:
    tf.config.threading.set_intra_op_parallelism_threads(settings.tensorflow_intra_op_parallelism)
    tf.config.threading.set_inter_op_parallelism_threads(settings.tensorflow_inter_op_parallelism)


def _batching(settings: Settings) -> Batching | None:
    if not settings.enable_batching:
        return None
    path = settings.batching_parameters_file
    return Batching() if path is None else read_batching(path)


def _model_config(settings: Settings) -> ModelServerConfig:
    if settings.model_config_file is not None:
        return read_model_config(settings.model_config_file)
    assert settings.model_base_path is not None
    return single_model_config(settings.model_name, settings.model_base_path)
