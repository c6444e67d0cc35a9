"""TF_CONFIG is read as TensorFlow reads it, and what is wrong with it is said in words."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from agelane_trainer.__main__ import main
from agelane_trainer.training.cluster import EXAMPLE, Cluster, read_cluster
from agelane_trainer.training.rendezvous import wait_for_others
from tests.ports import free_port

TWO = {"worker": ["a:1", "b:2"]}


def config(cluster: Any, kind: str = "worker", index: Any = 0) -> str:
    """Return a TF_CONFIG."""
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


def test_the_first_worker_is_the_chief_unless_there_is_one() -> None:
    """Numbers go over chief and workers, as TensorFlow counts its input pipelines."""
    first = read_cluster({"TF_CONFIG": config(TWO)})
    second = read_cluster({"TF_CONFIG": config(TWO, index="1")})
    assert (first, second) == (Cluster(("a:1", "b:2"), 0), Cluster(("a:1", "b:2"), 1))
    assert (first.is_chief, second.is_chief) == (True, False)
    assert second.others == ("a:1",)
    led = read_cluster({"TF_CONFIG": config({"chief": ["c:3"], **TWO})})
    assert led == Cluster(("c:3", "a:1", "b:2"), 1)
    assert not led.is_chief


def test_the_example_in_the_help_is_right() -> None:
    """It is shown in every error as well."""
    assert read_cluster({"TF_CONFIG": EXAMPLE}).others == ("second:5000",)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is not set"),
        ("{worker", "is no JSON"),
        ("[]", 'needs "cluster", and "task"'),
        ('{"cluster": {"worker": ["a:1"]}}', 'needs "cluster", and "task"'),
        (config(TWO, index="first"), 'needs "cluster", and "task"'),
        (config(TWO, index=2), "says this is worker 2, which its cluster doesn't have"),
        (config(TWO, index=-1), "says this is worker -1"),
        (config(TWO, "evaluator"), "says this is evaluator 0"),
        (config({**TWO, "ps": ["c:3"]}), "names the job 'ps'"),
        (config({**TWO, "chief": ["c:3", "d:4"]}), "names more than one chief"),
        (config({"worker": "a:1"}), "needs a list of addresses for 'worker'"),
        (config({"worker": ["a"]}), "has 'a' in place of host:port"),
        (config({"worker": ["a:1", "a:1"]}), "names an address twice"),
    ],
)
def test_what_is_wrong_with_tf_config_is_said(text: str, complaint: str) -> None:
    """With one that is right."""
    with pytest.raises(ValueError, match="for the first of two workers") as caught:
        read_cluster({"TF_CONFIG": text})
    assert complaint in str(caught.value)


def test_multi_worker_without_tf_config_is_an_error_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before any photo is read."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert main(["train", "--strategy", "multi-worker"]) == 1
    assert capsys.readouterr().err.startswith("error: TF_CONFIG is not set")


def test_a_worker_waits_until_all_are_there() -> None:
    """And then leaves its port to TensorFlow."""
    mine, other = free_port(), free_port()
    cluster = Cluster((f"localhost:{mine}", f"localhost:{other}"), 0)
    with ThreadPoolExecutor() as pool:
        wait = pool.submit(wait_for_others, cluster, 20)
        with pytest.raises(TimeoutError):
            wait.result(timeout=0.5)
        with socket.create_server(("", other)):
            wait.result(timeout=20)
    socket.create_server(("", mine)).close()


def test_a_worker_that_never_comes_is_named() -> None:
    """TensorFlow alone would wait for an hour, and not say for whom."""
    absent = f"localhost:{free_port()}"
    cluster = Cluster((f"localhost:{free_port()}", absent), 0)
    with pytest.raises(ConnectionError, match=f"nothing from {absent} in 0.3 seconds"):
        wait_for_others(cluster, 0.3)


def test_a_port_that_is_taken_is_named() -> None:
    """The worker can't be reached there."""
    with socket.create_server(("", 0)) as taken:
        mine = f"localhost:{taken.getsockname()[1]}"
        with pytest.raises(ConnectionError, match=f"worker 0 can't have its port of {mine}"):
            wait_for_others(Cluster((mine, "localhost:1"), 0), 1)
