"""A model server that another process restarts, whose speed follows from its batching.config."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

from loadtest.bench.null_backend import PREDICT, STATUS, predict_answer, status_answer
from loadtest.tune_batching.setting import parse_setting

_SECONDS = {8: 0.02, 16: 0.01, 32: 0.0135}
"""What a call takes, by the largest batch."""


class RestartedServer:
    """Answers one call after the other, 16 being the best batch size.

    It takes a setting only when it is restarted: when `command` copies its file to `in_use`.
    """

    def __init__(self, folder: Path, text: str) -> None:
        """Serve on a free port with `text` as the batching.config."""
        self.file, self.in_use = folder / "batching.config", folder / "in_use.config"
        for path in (self.file, self.in_use):
            path.write_text(text)
        self.command = f"cp {self.file} {self.in_use} && echo restarted >> {folder / 'restarts'}"
        self._restarts = folder / "restarts"
        self._at_work = threading.Lock()
        self._server = grpc.server(ThreadPoolExecutor(64), options=[("grpc.so_reuseport", 0)])
        for path_, behave in ((PREDICT, self._predict), (STATUS, self._status)):
            service, method = path_.strip("/").split("/")
            handler: Any = grpc.unary_unary_rpc_method_handler(behave)
            self._server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(service, {method: handler}),)
            )
        self.target = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def restarts(self) -> int:
        """Return how often it was restarted."""
        return len(self._restarts.read_text().splitlines()) if self._restarts.exists() else 0

    def stop(self) -> None:
        """Stop at once."""
        self._server.stop(None).wait()

    def _predict(self, request: bytes, context: object) -> bytes:
        size = parse_setting(self.in_use.read_text(), self.in_use).max_batch_size
        with self._at_work:
            time.sleep(_SECONDS[size])
        return predict_answer()

    def _status(self, request: bytes, context: object) -> bytes:
        return status_answer()
