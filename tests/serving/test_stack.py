"""The whole stack on this machine: real model server, real gateway, a small real model."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from agelane.v1 import assessment_pb2, checkout_pb2, checkout_pb2_grpc

PATIENCE_SECONDS = 300
STACK = (sys.executable, "-m", "agelane_serving.stack", "--model-port=0", "--gateway-port=0")
ASSESS = """
import io, os, sys
import grpc
from PIL import Image
from agelane.v1 import checkout_pb2, checkout_pb2_grpc

def photo(age):
    buffer = io.BytesIO()
    Image.new("L", (64, 64), 2 * age).save(buffer, "JPEG")
    return buffer.getvalue()

with grpc.insecure_channel(os.environ["AGELANE_TARGET"]) as channel:
    stub = checkout_pb2_grpc.CheckoutServiceStub(channel)
    for content in (photo(60), photo(14), photo(40)[:-300]):
        request = checkout_pb2.AssessCustomerRequest(photo=content)
        try:
            assessment = stub.AssessCustomer(request, timeout=5).assessment
            print(round(assessment.age_years), assessment.alcohol_decision)
        except grpc.RpcError as error:
            print(error.code().name)
sys.exit(7)
"""

SELL = """
import io, os, time
import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from PIL import Image
from agelane.v1 import checkout_pb2, checkout_pb2_grpc, report_pb2, report_pb2_grpc, sale_pb2

buffer = io.BytesIO()
Image.new("L", (64, 64), 120).save(buffer, "JPEG")
with grpc.insecure_channel(os.environ["AGELANE_TARGET"]) as channel:
    tills = checkout_pb2_grpc.CheckoutServiceStub(channel)
    photo = checkout_pb2.AssessCustomerRequest(photo=buffer.getvalue(), store_id="s", lane_id="1")
    # Nearly one in ten is held out, and is offered nothing.
    answers = [tills.AssessCustomer(photo, timeout=30).assessment for _ in range(20)]
    sale = sale_pb2.RecordSaleRequest(
        sale_id=os.urandom(8).hex(), store_id="s", lane_id="1", cashier_id="c7",
        sold_at=Timestamp(seconds=int(time.time())), outcome=sale_pb2.SALE_OUTCOME_SOLD,
        assessment_token=answers[0].assessment_token,
        basket=[sale_pb2.BasketLine(category="beer", restricted_category="alcohol", quantity=1)],
    )
    tills.RecordSale(sale, timeout=30)
    reports = report_pb2_grpc.ReportServiceStub(channel)
    answer = reports.GetCashierReport(report_pb2.GetCashierReportRequest(), timeout=120)
    print(any(assessment.offers for assessment in answers), len(answer.cashiers))
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with one version of a small model, which takes brightness for age."""
    from tests.serving.model_server.tiny_model import write_version

    folder = tmp_path_factory.mktemp("models")
    (folder / "age").mkdir()
    write_version(folder / "age", 5)
    return folder


@pytest.fixture
def pretended_models(tmp_path: Path) -> Path:
    """A models folder that holds next to nothing."""
    version = tmp_path / "models" / "age" / "1"
    version.mkdir(parents=True)
    (version / "saved_model.pb").touch()
    return tmp_path / "models"


@pytest.fixture
def no_audit(policy_without_audit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is asked for a document by chance: the gateway inherits the environment."""
    monkeypatch.setenv("AGELANE_GATEWAY_POLICY", str(policy_without_audit))


def run_stack(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the stack to its end."""
    return subprocess.run(
        [*STACK, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


@pytest.mark.usefixtures("no_audit")
def test_a_command_runs_against_the_ready_stack_and_gives_the_exit_code(models: Path) -> None:
    """From photo to decision through everything; stdout belongs to the command alone."""
    result = run_stack(f"--models={models}", "--", sys.executable, "-c", ASSESS)
    allow, verify_id = (
        assessment_pb2.ALCOHOL_DECISION_ALLOW,
        assessment_pb2.ALCOHOL_DECISION_VERIFY_ID,
    )
    expected = f"60 {allow}\n14 {verify_id}\nINVALID_ARGUMENT\n"
    assert result.stdout == expected, result.stderr
    assert result.returncode == 7
    assert "READY" in result.stderr


@pytest.mark.usefixtures("no_audit")
def test_with_an_office_sales_are_recorded_and_reported(models: Path, tmp_path: Path) -> None:
    """Keys are made for nobody else to read, once; what was sold is there the next time."""
    office = tmp_path / "office"
    arguments = (f"--models={models}", f"--office={office}", "--", sys.executable, "-c", SELL)
    first = run_stack(*arguments)
    assert first.stdout == "True 1\n", first.stderr
    kept = {path: path.read_bytes() for path in (office / "token-keys.toml", office / "ledger.key")}
    assert [path.stat().st_mode & 0o777 for path in (office, *kept)] == [0o700, 0o600, 0o600]
    second = run_stack(*arguments)
    assert second.stdout == "True 1\n", second.stderr
    assert all(path.read_bytes() == content for path, content in kept.items())


def test_an_office_that_can_not_be_made_is_named(pretended_models: Path, tmp_path: Path) -> None:
    """With the flag that chooses another."""
    (tmp_path / "taken").touch()
    result = run_stack(f"--models={pretended_models}", f"--office={tmp_path / 'taken'}")
    assert result.returncode == 1
    assert "--office" in result.stderr


def test_without_a_command_it_runs_until_ctrl_c_and_leaves_nothing_behind(models: Path) -> None:
    """Says where it listens, serves, and stops both with exit code 0."""
    with subprocess.Popen(
        [*STACK, f"--models={models}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as stack:
        assert stack.stdout is not None
        ready = next(line for line in stack.stdout if line.startswith("READY"))
        addresses = re.findall(r"127\.0\.0\.1:\d+", ready)
        with grpc.insecure_channel(addresses[0]) as channel:
            request = checkout_pb2.AssessCustomerRequest(photo=b"")
            with pytest.raises(grpc.RpcError):
                checkout_pb2_grpc.CheckoutServiceStub(channel).AssessCustomer(request, timeout=5)
        stack.send_signal(signal.SIGINT)
        assert stack.wait(PATIENCE_SECONDS) == 0
    for address in addresses:
        assert not answers(address)


def test_a_server_that_ends_by_itself_ends_the_stack_with_its_error(
    pretended_models: Path, tmp_path: Path
) -> None:
    """What the server said is shown, since it was not while all went well."""
    config = tmp_path / "config"
    config.mkdir()
    (config / "models.config").write_text("no such thing")
    (config / "batching.config").touch()
    result = run_stack(f"--models={pretended_models}", f"--config={config}", "--", "true")
    assert result.returncode == 1
    assert "the model server ended with exit code" in result.stderr
    assert "models.config" in result.stderr


def test_servers_of_a_stack_that_was_killed_stop_by_themselves() -> None:
    """Nothing keeps the ports for the next start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    script = (
        "import time\n"
        "from agelane_serving.stack.child import Child\n"
        f"Child('gateway', 'agelane_serving.gateway', ['--listen={address}'], quiet=True)\n"
        "time.sleep(1000)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script]) as parent:
        until(lambda: answers(address))
        parent.send_signal(signal.SIGKILL)
    until(lambda: not answers(address))


def test_a_stop_while_loading_is_obeyed(models: Path) -> None:
    """The model server is not waited for until it is ready."""
    with subprocess.Popen(
        [*STACK, f"--models={models}", "--", "false"], stderr=subprocess.PIPE, text=True
    ) as stack:
        assert stack.stderr is not None
        next(line for line in stack.stderr if "waiting" in line)
        stack.send_signal(signal.SIGTERM)
        assert stack.wait(PATIENCE_SECONDS) == 128 + signal.SIGTERM


def test_without_a_model_it_says_how_to_make_one(tmp_path: Path) -> None:
    """Before anything starts."""
    result = run_stack(f"--models={tmp_path}")
    assert result.returncode == 1
    assert "make export" in result.stderr


@pytest.mark.parametrize("flag", ["--model-port", "--gateway-port"])
def test_a_taken_port_is_a_clear_error(pretended_models: Path, flag: str) -> None:
    """With the flag that chooses another."""
    with taken_port() as port:
        result = run_stack(f"--models={pretended_models}", f"{flag}={port}")
    assert result.returncode == 1
    assert f"port {port} on 127.0.0.1 can't be had" in result.stderr
    assert flag in result.stderr


def test_missing_configuration_files_are_named(pretended_models: Path, tmp_path: Path) -> None:
    """With the flag that says where they are."""
    result = run_stack(f"--models={pretended_models}", f"--config={tmp_path}")
    assert result.returncode == 1
    assert "models.config" in result.stderr
    assert "--config" in result.stderr


@pytest.mark.parametrize("arguments", [["--gateway-port=x"], ["--port=1"], ["--"], ["true"]])
def test_a_wrong_flag_is_refused(arguments: list[str]) -> None:
    """Exit code 2, as for any misused command."""
    assert run_stack(*arguments).returncode == 2


@contextlib.contextmanager
def taken_port() -> Iterator[int]:
    """Hold a port."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def answers(address: str) -> bool:
    """Tell whether anybody listens there."""
    host, _, port = address.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def until(condition: object) -> None:
    """Wait until something is so, for a long time if need be."""
    assert callable(condition)
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < give_up_at, os.getloadavg()
        time.sleep(0.05)
