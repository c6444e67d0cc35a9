"""What has to be there before anything is started."""

from __future__ import annotations

import socket
from pathlib import Path

from agelane_serving.stack.errors import StackError


def check_model(models: Path) -> None:
    """Make sure that there is a model to serve; raises StackError."""
    if not list((models / "age").glob("[0-9]*/saved_model.pb")):
        raise StackError(f"there is no exported model in {models / 'age'}: run `make export`")


def check_config(config: Path) -> None:
    """Make sure that the model server's files are there; raises StackError."""
    for name in ("models.config", "batching.config"):
        if not (config / name).is_file():
            raise StackError(f"there is no {config / name}: name its folder with --config")


def free_port(port: int, flag: str) -> int:
    """Return the port, or one that is free where it is 0; raises StackError if it is taken."""
    with socket.socket() as probe:
        # As servers do: connections that are just ending don't keep a port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StackError(
                f"port {port} on 127.0.0.1 can't be had ({error.strerror}): stop what listens "
                f"there, or choose another with {flag}"
            ) from error
        chosen: int = probe.getsockname()[1]
        return chosen
