"""The servers understand the flags and files that docker-compose.yml gives them."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from google.protobuf import text_format

from agelane.tfserving.v1 import config_pb2
from agelane_serving.gateway import settings as gateway_settings
from agelane_serving.model_server import settings as model_server_settings
from tests.serving.containers.project import GATEWAY, MODEL_SERVER, flags, mounts

# TensorFlow Serving goes on without flags it doesn't know, so a misspelt one would pass unnoticed.
TENSORFLOW_SERVING_FLAGS = """
allow_version_labels_for_unavailable_models batching_parameters_file enable_batching
enable_grpc_healthcheck_service enable_model_warmup enable_per_model_batching_parameters
enable_profiler enable_serialization_as_tensor_content enable_signature_method_name_check
file_system_poll_wait_seconds flush_filesystem_caches grpc_channel_arguments grpc_max_threads
grpc_socket_path load_retry_interval_micros max_num_load_retries mixed_precision
model_base_path model_config_file model_config_file_poll_wait_seconds model_name
monitoring_config_file num_load_threads num_request_iterations_for_warmup num_tflite_pools
num_tflite_interpreters_per_pool num_unload_threads per_process_gpu_memory_fraction
platform_config_file port prefer_tflite_model remove_unused_fields_from_bundle_metagraph
rest_api_enable_cors_support rest_api_num_threads rest_api_port rest_api_timeout_in_ms
saved_model_tags skip_initialize_tpu ssl_config_file tensorflow_inter_op_parallelism
tensorflow_intra_op_parallelism tensorflow_session_config_file tensorflow_session_parallelism
thread_pool_factory_config_file use_alts_credentials version xla_cpu_compilation_enabled
xla_gpu_compilation_enabled
"""


def test_tensorflow_serving_has_each_flag() -> None:
    """And each stands in one word with its value, the only form that it reads."""
    assert flags(MODEL_SERVER).keys() <= set(TENSORFLOW_SERVING_FLAGS.split())
    assert all(flag.startswith("--") and "=" in flag for flag in MODEL_SERVER["command"])


def test_the_embedded_server_takes_the_same_flags() -> None:
    """All of them, and no other: a misspelt one would end it."""
    settings = model_server_settings.parse_settings(MODEL_SERVER["command"], environment={})
    assert settings.port == 8500
    assert settings.enable_batching is True


def test_the_files_given_are_mounted_and_parse() -> None:
    """Models lie where they are mounted, and far more calls may wait than a batch holds."""
    given = flags(MODEL_SERVER)
    models, batching = config_pb2.ModelServerConfig(), config_pb2.BatchingParameters()
    text_format.Parse(on_host(given["model_config_file"]).read_text("utf-8"), models)
    text_format.Parse(on_host(given["batching_parameters_file"]).read_text("utf-8"), batching)
    for model in models.model_config_list.config:
        assert str(PurePosixPath(model.base_path).parent) in mounts(MODEL_SERVER)
    assert int(given["grpc_max_threads"]) >= 2 * batching.max_batch_size.value


def test_the_gateway_takes_its_flags_and_has_time_to_drain() -> None:
    """It finds the model server by its name and port, and the model by its own."""
    settings = gateway_settings.parse_settings(GATEWAY["command"], environment={})
    assert settings.listen == "0.0.0.0:50051"
    assert settings.model_server == f"model-server:{flags(MODEL_SERVER)['port']}"
    assert settings.drain_seconds < int(GATEWAY["stop_grace_period"].removesuffix("s"))


def on_host(path: str) -> Path:
    """Return the file that the model server sees at `path`."""
    place = PurePosixPath(path)
    return mounts(MODEL_SERVER)[str(place.parent)] / place.name
