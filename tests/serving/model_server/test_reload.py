"""Changing the configuration of a running server, by rpc and by file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import text_format
from tensorflow_serving.apis import model_management_pb2

from tests.serving.model_server.conftest import Client, refusal, wait_until
from tests.serving.model_server.tiny_model import copy_version, photo

StatusCode = grpc.StatusCode


def model(name: str = "age", policy: str = "", labels: dict[str, int] | None = None) -> str:
    """Return one `config` entry in text format; the base path is that of `age`."""
    given = " ".join(
        f'version_labels {{ key: "{label}" value: {version} }}'
        for label, version in (labels or {}).items()
    )
    return (
        f'config {{ name: "{name}" base_path: "/models/age" model_platform: "tensorflow" '
        f"model_version_policy {{ {policy} }} {given} }}"
    )


def reload(client: Client, *models: str, timeout: float | None = 60) -> None:
    """Replace the configuration of the server by `models`."""
    request: Any = model_management_pb2.ReloadConfigRequest()
    text_format.Parse(f"model_config_list {{ {' '.join(models)} }}", request.config)
    client.models.HandleReloadConfigRequest(request, timeout=timeout)


@pytest.fixture
def client(serve: Callable[..., Client], exported: Path, base_path: Path) -> Client:
    """A client of a server whose folder holds version 1 and 2, and that serves the latest."""
    copy_version(exported / "2", base_path / "2")
    return serve(f"--models_dir={base_path.parent}")


def test_a_model_added_by_reload_is_served_when_the_call_returns(client: Client) -> None:
    """The rpc waits for it; the model served before stays."""
    reload(client, model(), model("age_again"), timeout=None)
    assert client.states("age_again") == {2: "AVAILABLE"}
    assert client.states() == {2: "AVAILABLE"}


def test_a_model_left_out_by_reload_is_no_longer_served(client: Client) -> None:
    """Its statuses remain, and it can come back."""
    reload(client, model("other"))
    wait_until(lambda: client.states() == {2: "END"})
    code, details = refusal(lambda: client.ages(photo(50)))
    assert (code, details) == (StatusCode.NOT_FOUND, "Servable not found for request: Latest(age)")
    reload(client, model())
    assert client.ages(photo(50))["version"] == 2


def test_a_new_policy_loads_before_it_unloads(client: Client) -> None:
    """From the latest to version 1 in particular, and to both."""
    reload(client, model(policy="specific { versions: 1 }"))
    wait_until(lambda: client.states() == {1: "AVAILABLE", 2: "END"})
    reload(client, model(policy="all {}"))
    wait_until(lambda: client.states() == {1: "AVAILABLE", 2: "AVAILABLE"})
    assert client.ages(photo(50))["version"] == 2
    assert client.ages(photo(50), version=1)["version"] == 1


def test_a_label_leads_to_its_version(client: Client) -> None:
    """Labels may point at loaded versions only, and moving one is a reload."""
    reload(client, model(policy="all {}"))
    wait_until(lambda: client.states() == {1: "AVAILABLE", 2: "AVAILABLE"})
    reload(client, model(policy="all {}", labels={"stable": 1, "canary": 2}))
    assert client.ages(photo(50), label="stable")["version"] == 1
    assert client.ages(photo(50), label="canary")["version"] == 2
    reload(client, model(policy="all {}", labels={"stable": 2}))
    assert client.ages(photo(50), label="stable")["version"] == 2


def test_a_label_for_a_version_not_loaded_is_refused_and_changes_nothing(client: Client) -> None:
    """The whole reload is refused, with TensorFlow Serving's words."""
    code, details = refusal(lambda: reload(client, model("other"), model(labels={"stable": 1})))
    assert code is StatusCode.FAILED_PRECONDITION
    assert "assign label to version 1 of model age, which is not currently available" in details
    assert client.ages(photo(50))["version"] == 2
    assert refusal(lambda: client.states("other"))[0] is StatusCode.NOT_FOUND


def test_a_first_label_may_wait_for_its_version_if_so_allowed(
    serve: Callable[..., Client], base_path: Path, tmp_path: Path
) -> None:
    """--allow_version_labels_for_unavailable_models makes labels possible at start-up."""
    config = tmp_path / "models.config"
    config.write_text(f"model_config_list {{ {model(labels={'stable': 1})} }}")
    client = serve(
        f"--model_config_file={config}",
        f"--models_dir={base_path.parent}",
        "--allow_version_labels_for_unavailable_models",
    )
    assert client.ages(photo(50), label="stable")["version"] == 1
    code, _ = refusal(lambda: reload(client, model(labels={"stable": 2})))
    assert code is StatusCode.FAILED_PRECONDITION


def test_a_reload_that_finds_no_version_says_so_and_does_not_hang(client: Client) -> None:
    """TensorFlow Serving would wait for ever; the other model is served all the while."""
    empty = model("empty").replace("/models/age", "/models/empty")
    code, details = refusal(lambda: reload(client, model(), empty))
    assert code is StatusCode.UNKNOWN
    assert "1 model(s) did not become available" in details
    assert "no version to load" in details
    assert client.ages(photo(50))["version"] == 2


@pytest.mark.parametrize(
    ("models", "reason"),
    [
        ([model(), model()], "Illegal to list model age multiple times"),
        ([model().replace("/models/age", "age")], "to have an absolute path"),
        ([model("")], "has no name"),
        ([model().replace('"tensorflow"', '"caffe"')], "model_platform"),
        ([model().replace("config {", "config { logging_config {}")], "logging_config"),
    ],
)
def test_a_wrong_configuration_is_refused(client: Client, models: list[str], reason: str) -> None:
    """INVALID_ARGUMENT with the reason, and the old configuration stays in force."""
    code, details = refusal(lambda: reload(client, *models))
    assert code is StatusCode.INVALID_ARGUMENT
    assert reason in details
    assert client.ages(photo(50))["version"] == 2


def test_an_empty_reload_is_refused(client: Client) -> None:
    """Neither a list of models nor a configuration of another kind is what this server serves."""
    request = model_management_pb2.ReloadConfigRequest()
    code, _ = refusal(lambda: client.models.HandleReloadConfigRequest(request))
    assert code is StatusCode.INVALID_ARGUMENT


def test_a_changed_config_file_is_taken_over_and_a_broken_one_is_not(
    serve: Callable[..., Client], base_path: Path, tmp_path: Path
) -> None:
    """--model_config_file_poll_wait_seconds watches the file."""
    config = tmp_path / "models.config"
    config.write_text(f"model_config_list {{ {model()} }}")
    client = serve(
        f"--model_config_file={config}",
        f"--models_dir={base_path.parent}",
        "--model_config_file_poll_wait_seconds=0.02",
    )
    config.write_text("model_config_list { nonsense")
    assert client.ages(photo(50))["version"] == 1
    config.write_text(f"model_config_list {{ {model()} {model('second')} }}")
    wait_until(lambda: _is_served(client, "second"))
    assert client.states() == {1: "AVAILABLE"}


def _is_served(client: Client, name: str) -> bool:
    try:
        return client.states(name) == {1: "AVAILABLE"}
    except grpc.RpcError:
        return False
