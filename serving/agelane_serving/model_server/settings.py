"""The flags of the model server: TensorFlow Serving's names where it has one, read once."""

from __future__ import annotations

import argparse
import ast
import inspect
import ipaddress
import os
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

ENVIRONMENT_PREFIX = "AGELANE_MODEL_SERVER_"


class SettingsError(ValueError):
    """A setting, or a combination of settings, that the server refuses to start with."""


@dataclass(frozen=True)
class Settings:
    """How to run one model server. Every field is a flag; see `parse_settings`."""

    host: str = "127.0.0.1"
    """Address to listen on; an IPv6 address in brackets."""
    port: int = 8500
    """TCP port of the gRPC API, 0 … 65535; 0 lets the system choose (the ready line tells it)."""
    allow_plaintext_beyond_loopback: bool = False
    """Listen without TLS on an address other machines reach. Whoever reaches the port may also
    load other models (HandleReloadConfig), so a network policy must keep everybody else out."""
    model_config_file: Path | None = None
    """ModelServerConfig in protobuf text format, the same file as TensorFlow Serving's."""
    model_config_file_poll_wait_seconds: float = 0
    """Seconds between looks at --model_config_file for changes; 0 reads it once."""
    model_name: str = "default"
    """Name of the one model at --model_base_path; ignored with --model_config_file."""
    model_base_path: Path | None = None
    """Folder with the numbered versions of one model, instead of --model_config_file."""
    models_dir: Path | None = None
    """Local folder that stands for the container's /models in every base_path, so that one
    models.config serves both: /models/age then means <models_dir>/age."""
    file_system_poll_wait_seconds: float = 1
    """Seconds between looks for new version folders, more than 0."""
    allow_version_labels_for_unavailable_models: bool = False
    """Accept a new label for a version that isn't loaded yet (needed for labels at start-up)."""
    max_num_load_retries: int = 5
    """How often a version folder that failed to load is tried again."""
    load_retry_interval_micros: int = 1_000_000
    """Microseconds before the first retry of a failed load; doubled at each further one."""
    enable_batching: bool = False
    """Run concurrent calls as one batch."""
    batching_parameters_file: Path | None = None
    """BatchingParameters in protobuf text format; needs --enable_batching."""
    enable_model_warmup: bool = True
    """Replay assets.extra/tf_serving_warmup_requests before a version takes calls."""
    num_request_iterations_for_warmup: int = 1
    """How often each warm-up request is replayed; values below 1 count as 1."""
    ssl_config_file: Path | None = None
    """SSLConfig in protobuf text format: speaks TLS on the gRPC port."""
    monitoring_config_file: Path | None = None
    """MonitoringConfig in protobuf text format: metrics for Prometheus; needs --rest_api_port."""
    rest_api_port: int = 0
    """TCP port of the metrics, 0 … 65535; 0 shows none. There is no REST API behind it."""
    grpc_max_threads: int = 256
    """Predict calls in progress at once, as many as a gateway has in flight at most; more are
    answered RESOURCE_EXHAUSTED. Without batching each has a thread, as in TensorFlow Serving."""
    grpc_max_message_bytes: int = 16 * 1024 * 1024
    """Largest request or answer, in bytes."""
    shutdown_grace_seconds: float = 10
    """How long calls in progress may take to end after SIGTERM or SIGINT."""
    enable_profiler: bool = False
    """TensorFlow Serving's; only false is taken, for there is no profiler here."""
    num_load_threads: int = 0
    """TensorFlow Serving's; taken for its sake. Each version is loaded in a thread of its own."""
    per_process_gpu_memory_fraction: float = 0
    """TensorFlow Serving's; taken for its sake. 0 lets TensorFlow take what it needs."""
    tensorflow_intra_op_parallelism: int = 0
    """Threads one TensorFlow operation may use; 0 lets TensorFlow choose."""
    tensorflow_inter_op_parallelism: int = 0
    """TensorFlow operations that may run at once; 0 lets TensorFlow choose."""

    def __post_init__(self) -> None:
        """Refuse what can't work, before anything is loaded."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int | float) and value < 0:
                raise SettingsError(f"--{field.name} must not be negative: {value}")
        if self.port > 65535:
            raise SettingsError(f"--port must be at most 65535: {self.port}")
        if self.file_system_poll_wait_seconds == 0:
            raise SettingsError("--file_system_poll_wait_seconds must be more than 0")
        if self.grpc_max_threads < 1:
            raise SettingsError("--grpc_max_threads must be at least 1")
        if (self.model_config_file is None) == (self.model_base_path is None):
            raise SettingsError("give either --model_config_file or --model_base_path")
        if self.batching_parameters_file is not None and not self.enable_batching:
            raise SettingsError("--batching_parameters_file needs --enable_batching")
        if self.enable_profiler:
            raise SettingsError("--enable_profiler: there is no profiler in this server")
        if self.rest_api_port > 65535:
            raise SettingsError(f"--rest_api_port must be at most 65535: {self.rest_api_port}")
        encrypted = self.ssl_config_file is not None and not self.rest_api_port
        if not (encrypted or self.allow_plaintext_beyond_loopback or _is_loopback(self.host)):
            raise SettingsError(
                f"--host {self.host} is reachable from other machines, in plaintext: use "
                "127.0.0.1, --ssl_config_file without --rest_api_port, or say "
                "--allow_plaintext_beyond_loopback"
            )


def parse_settings(argv: Sequence[str], environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the flags in `argv`; a flag not given falls back to AGELANE_MODEL_SERVER_<FLAG>.

    Exits with code 2 and a message for an unknown flag or a refused value.
    """
    parser = _parser()
    # Names beyond ours are let be: orchestrators put variables of their own beside them.
    known = {field.name for field in fields(Settings)}
    from_environment = [
        f"--{flag}={value}"
        for name, value in environment.items()
        if name.startswith(ENVIRONMENT_PREFIX)
        and (flag := name.removeprefix(ENVIRONMENT_PREFIX).lower()) in known
    ]
    try:
        # The flags come last, so that they win.
        return Settings(**vars(parser.parse_args([*from_environment, *argv])))
    except SettingsError as error:
        parser.error(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m agelane_serving.model_server",
        description="Embedded TensorFlow model server with TensorFlow Serving's API and flags.",
        allow_abbrev=False,
    )
    types, helps = get_type_hints(Settings), _field_docstrings()
    for field in fields(Settings):
        kind = types[field.name]
        options: dict[str, Any] = {"default": field.default, "help": helps[field.name]}
        if kind is bool:
            options |= {"type": _boolean, "nargs": "?", "const": True, "metavar": "true|false"}
        elif kind in (int, float, str):
            options |= {"type": kind, "metavar": kind.__name__.upper()}
        else:
            options |= {"type": Path, "metavar": "PATH"}
        parser.add_argument(f"--{field.name}", **options)
    return parser


def _field_docstrings() -> dict[str, str]:
    """Map each field to the docstring below it, so that --help has no second copy of the text."""
    class_ = ast.parse(textwrap.dedent(inspect.getsource(Settings))).body[0]
    assert isinstance(class_, ast.ClassDef)
    return {
        field.target.id: " ".join(str(doc.value.value).split()).replace("%", "%%")
        for field, doc in zip(class_.body, class_.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(doc, ast.Expr)
        and isinstance(doc.value, ast.Constant)
    }


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"expected true or false, got {text!r}")
    return text.lower() == "true"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
