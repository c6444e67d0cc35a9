"""The config files are TensorFlow Serving's own, read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from agelane_serving.gateway.admission.queue import Limits
from agelane_serving.model_server.config_files import (
    Batching,
    read_batching,
    read_model_config,
    served_models,
)
from agelane_serving.model_server.errors import InvalidArgument
from agelane_serving.model_server.settings import Settings

SHIPPED = Path(__file__).parents[3] / "serving/tfserving"


def write(tmp_path: Path, text: str) -> Path:
    """Write `text` to a config file and return its path."""
    path = tmp_path / "some.config"
    path.write_text(text)
    return path


def test_the_shipped_model_config_serves_the_latest_age_model() -> None:
    """The container's /models is mapped to a local folder without another file."""
    config = read_model_config(SHIPPED / "models.config")
    (age,) = served_models(config, models_dir=Path("models"))
    assert (age.name, age.base_path) == ("age", Path("models/age"))
    assert age.version_policy.latest.num_versions == 1
    assert served_models(config, models_dir=None)[0].base_path == Path("/models/age")


@pytest.mark.parametrize("name", ["batching.config", "batching.gpu.config"])
def test_all_calls_of_a_gateway_find_room(name: str) -> None:
    """Fewer would fail when all lanes ask at the same time, where they could wait for a turn."""
    batching = read_batching(SHIPPED / name)
    room = batching.max_batch_size * batching.max_enqueued_batches
    assert min(room, Settings.grpc_max_threads) >= Limits().in_flight


def test_with_the_shipped_batching_config_a_lone_photo_never_waits() -> None:
    """A processor is kept busy by batches of those that come while others run."""
    assert read_batching(SHIPPED / "batching.config").batch_timeout_micros == 0


def test_batching_defaults_are_those_of_tensorflow_serving(tmp_path: Path) -> None:
    """An empty file changes nothing."""
    assert read_batching(write(tmp_path, "")) == Batching()
    assert (Batching().max_batch_size, Batching().max_enqueued_batches) == (1000, 10)


def test_large_requests_may_be_split(tmp_path: Path) -> None:
    """Then a request may exceed the last of the allowed sizes."""
    text = (
        "max_batch_size { value: 64 } allowed_batch_sizes: [4, 8] "
        "enable_large_batch_splitting { value: true } max_execution_batch_size { value: 8 }"
    )
    batching = read_batching(write(tmp_path, text))
    assert (batching.max_batch_size, batching.allowed_batch_sizes) == (64, (4, 8))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("max_batch_size { value: 8 }\nmax_bach_size { value: 8 }", ":2:1 : Message type"),
        ("max_batch_size: 8", ":1:"),
        ("max_batch_size { value: 0 }", "must be at least 1"),
        ("batch_timeout_micros { value: -1 }", "must not be negative"),
        ("allowed_batch_sizes: [2, 1]", "must be positive and increasing"),
        ("max_batch_size { value: 8 } allowed_batch_sizes: 4", "must equal max_batch_size"),
        ("max_execution_batch_size { value: 3 }", "must equal the last of allowed_batch_sizes"),
        ("pad_variable_length_inputs: true", "is not supported"),
    ],
)
def test_a_wrong_batching_config_is_refused_with_its_place(
    tmp_path: Path, text: str, reason: str
) -> None:
    """The message starts with the file, so that an operator finds the line."""
    path = write(tmp_path, text)
    with pytest.raises(InvalidArgument) as refused:
        read_batching(path)
    assert str(refused.value).startswith(str(path))
    assert reason in str(refused.value)


def test_an_unknown_field_in_a_model_config_is_refused_with_its_line(tmp_path: Path) -> None:
    """A misspelt field must not be served with its default."""
    path = write(tmp_path, 'model_config_list {\n  config {\n    nmae: "age"\n  }\n}')
    with pytest.raises(InvalidArgument, match=r'some\.config:3:5 : .*no field named "nmae"'):
        read_model_config(path)


def test_a_missing_config_file_is_refused(tmp_path: Path) -> None:
    """By name."""
    with pytest.raises(InvalidArgument, match=r"missing\.config"):
        read_model_config(tmp_path / "missing.config")
