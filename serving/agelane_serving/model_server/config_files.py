"""Reading TensorFlow Serving's own config files, strictly: what isn't understood is refused."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import grpc
from google.protobuf import text_format
from google.protobuf.message import Message
from tensorflow_serving.config.file_system_storage_path_source_pb2 import (
    FileSystemStoragePathSourceConfig,
)
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig, ModelType

from agelane.tfserving.v1.config_pb2 import BatchingParameters, MonitoringConfig, SSLConfig
from agelane_serving.model_server.errors import InvalidArgument
from agelane_serving.model_server.monitoring import DEFAULT_PATH

VersionPolicy = FileSystemStoragePathSourceConfig.ServableVersionPolicy

_CONTAINER_MODELS_DIR = PurePosixPath("/models")
_PLATFORM = "tensorflow"
_MessageT = TypeVar("_MessageT", bound=Message)


@dataclass(frozen=True)
class ServedModel:
    """One model as the operator configured it."""

    name: str
    """What requests call it."""
    base_path: Path
    """Folder with the numbered version folders, already mapped to this machine."""
    version_policy: Any
    """ServableVersionPolicy: which of the versions found are to be served."""
    version_labels: Mapping[str, int]
    """Label to version number."""


@dataclass(frozen=True)
class Batching:
    """How calls are combined; names and defaults are TensorFlow Serving's."""

    max_batch_size: int = 1000
    """Most photos in one call, and in one batch unless large batches are split."""
    batch_timeout_micros: int = 0
    """Longest wait for a batch to fill, in microseconds."""
    max_enqueued_batches: int = 10
    """Batches that may wait; beyond them calls are answered UNAVAILABLE."""
    num_batch_threads: int = os.cpu_count() or 1
    """Batches that run at once."""
    allowed_batch_sizes: tuple[int, ...] = ()
    """Sizes that batches are padded up to, increasing; empty for no padding."""
    enable_large_batch_splitting: bool = False
    """Split calls larger than the last of `allowed_batch_sizes` into several batches."""

    def __post_init__(self) -> None:
        """Refuse what could not be followed."""
        if min(self.max_batch_size, self.max_enqueued_batches, self.num_batch_threads) < 1:
            raise InvalidArgument(
                "max_batch_size, max_enqueued_batches and num_batch_threads must be at least 1"
            )
        if self.batch_timeout_micros < 0:
            raise InvalidArgument("batch_timeout_micros must not be negative")
        sizes = self.allowed_batch_sizes
        if any(size < 1 for size in sizes) or list(sizes) != sorted(set(sizes)):
            raise InvalidArgument("allowed_batch_sizes must be positive and increasing")
        if sizes and not self.enable_large_batch_splitting and sizes[-1] != self.max_batch_size:
            raise InvalidArgument("the last of allowed_batch_sizes must equal max_batch_size")


def read_model_config(path: Path) -> ModelServerConfig:
    """Read a ModelServerConfig text file; raises InvalidArgument with path, line and column."""
    return _parse(path, ModelServerConfig())


def single_model_config(name: str, base_path: Path) -> ModelServerConfig:
    """Return the config that --model_name and --model_base_path stand for."""
    config = ModelServerConfig()
    config.model_config_list.config.add(
        name=name, base_path=str(base_path.absolute()), model_platform=_PLATFORM
    )
    return config


def served_models(config: ModelServerConfig, models_dir: Path | None) -> tuple[ServedModel, ...]:
    """Return the models of `config`, or raise InvalidArgument for what this server can't do.

    With `models_dir`, a base_path beneath /models means the same path beneath `models_dir`.
    """
    if config.WhichOneof("config") != "model_config_list":
        raise InvalidArgument("only a model_config_list is supported")
    models = tuple(_served_model(each, models_dir) for each in config.model_config_list.config)
    names = [model.name for model in models]
    for name in names:
        if names.count(name) > 1:
            raise InvalidArgument(f"Illegal to list model {name} multiple times in config list")
    return models


def read_batching(path: Path) -> Batching:
    """Read a BatchingParameters text file; raises InvalidArgument with path, line and column."""
    message: Any = _parse(path, BatchingParameters())
    if message.pad_variable_length_inputs:
        raise InvalidArgument(f"{path}: pad_variable_length_inputs is not supported")
    # thread_pool_name only names threads in the C++ server's traces.
    wrapped = (
        "max_batch_size",
        "batch_timeout_micros",
        "max_enqueued_batches",
        "num_batch_threads",
    )
    given = {name: getattr(message, name).value for name in wrapped if message.HasField(name)}
    try:
        batching = Batching(
            **given,
            allowed_batch_sizes=tuple(message.allowed_batch_sizes),
            enable_large_batch_splitting=message.enable_large_batch_splitting.value,
        )
        _check_execution_size(message, batching)
    except InvalidArgument as error:
        raise InvalidArgument(f"{path}: {error}") from error
    return batching


def read_monitoring(path: Path) -> str:
    """Return the path that metrics are shown at, "" for none; raises InvalidArgument."""
    config = _parse(path, MonitoringConfig()).prometheus_config
    if config.path and not config.path.startswith("/"):
        raise InvalidArgument(f"{path}: the path must begin with /")
    return (config.path or DEFAULT_PATH) if config.enable else ""


def read_ssl(path: Path) -> grpc.ServerCredentials:
    """Return what TLS is spoken with; raises InvalidArgument, which quotes no key."""
    config = _parse(path, SSLConfig(), secret=True)
    if not (config.server_key and config.server_cert):
        raise InvalidArgument(f"{path}: server_key and server_cert must be given")
    if config.client_verify and not config.custom_ca:
        raise InvalidArgument(f"{path}: client_verify needs custom_ca")
    return grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        root_certificates=config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )


def _check_execution_size(message: Any, batching: Batching) -> None:
    """The execution size is that of `allowed_batch_sizes`, as in TensorFlow's own operation."""
    if not message.HasField("max_execution_batch_size"):
        return
    sizes = batching.allowed_batch_sizes or (batching.max_batch_size,)
    if message.max_execution_batch_size.value != sizes[-1]:
        raise InvalidArgument(
            "max_execution_batch_size must equal the last of allowed_batch_sizes "
            f"(or max_batch_size without them), {sizes[-1]}"
        )


def _served_model(config: Any, models_dir: Path | None) -> ServedModel:
    if not config.name:
        raise InvalidArgument("a model in the config list has no name")
    if config.model_type and config.model_platform:
        raise InvalidArgument("Illegal setting both model_type (deprecated) and model_platform.")
    old_platform = ModelType.Name(config.model_type).lower()
    if (config.model_platform or old_platform) != _PLATFORM:
        raise InvalidArgument(f"model {config.name}: model_platform must be {_PLATFORM!r}")
    if config.HasField("logging_config"):
        raise InvalidArgument(f"model {config.name}: logging_config is refused, photos aren't kept")
    if not PurePosixPath(config.base_path).is_absolute():
        raise InvalidArgument(
            f"Expected model {config.name} to have an absolute path; "
            f"got base_path()={config.base_path}"
        )
    return ServedModel(
        name=config.name,
        base_path=_local_path(PurePosixPath(config.base_path), models_dir),
        version_policy=config.model_version_policy,
        version_labels=dict(config.version_labels),
    )


def _local_path(base_path: PurePosixPath, models_dir: Path | None) -> Path:
    if models_dir is not None and base_path.is_relative_to(_CONTAINER_MODELS_DIR):
        return models_dir / base_path.relative_to(_CONTAINER_MODELS_DIR)
    return Path(base_path)


def _parse(path: Path, message: _MessageT, *, secret: bool = False) -> _MessageT:
    """Fill in `message` from a text file; of a secret one nothing is quoted."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"{path}: {error}") from error
    try:
        return text_format.Parse(text, message)
    except text_format.ParseError as error:
        if secret:
            kind = message.DESCRIPTOR.name
            raise InvalidArgument(f"{path}:{error.GetLine()}: not a {kind}") from None
        raise InvalidArgument(f"{path}:{error}") from error
