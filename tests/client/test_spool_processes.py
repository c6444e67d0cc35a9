"""A spool's file among several processes, and on a disk that is full."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from agelane_client import Client, SpoolError
from tests.client.test_spool import sold


def test_a_second_try_to_open_it_does_not_unlock_it(dead_target: str, tmp_path: Path) -> None:
    """Neither in this process nor by another one, whose end would take sales with it."""
    path = tmp_path / "sales.spool"
    other = f"""
from agelane_client import Client, SpoolError
with Client({dead_target!r}) as client:
    try:
        client.sale_spool({str(path)!r})
    except SpoolError as error:
        print(error)
"""
    with Client(dead_target) as client, client.sale_spool(path) as spool:
        spool.record(sold(0))
        with pytest.raises(SpoolError):
            client.sale_spool(path)
        done = subprocess.run(
            [sys.executable, "-c", other], capture_output=True, text=True, check=True
        )
        assert "another process uses it" in done.stdout
        spool.record(sold(1))
    with Client(dead_target) as client, client.sale_spool(path) as spool:
        assert spool.status().waiting == 2


_FORK = """
import os, shutil, sys
from agelane_client import Client, ClosedError, Sale, SaleOutcome
with Client(sys.argv[1], timeout=0.2) as client, client.sale_spool(sys.argv[2]) as spool:
    spool.record(Sale(outcome=SaleOutcome.SOLD, sale_id="before"))
    child = os.fork()
    if child == 0:
        try:
            spool.record(Sale(outcome=SaleOutcome.SOLD, sale_id="child"))
        except ClosedError:
            sys.exit(3)
        sys.exit(4)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    spool.record(Sale(outcome=SaleOutcome.SOLD, sale_id="after"))
    for name in os.listdir(os.path.dirname(sys.argv[2])):  # as a power cut would leave them
        if name.startswith("sales"):
            shutil.copy(os.path.join(os.path.dirname(sys.argv[2]), name), sys.argv[3])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_child_takes_no_sale_with_it(dead_target: str, tmp_path: Path) -> None:
    """It can't use the spool, and when it ends its parent's sales are still on the disk."""
    copy = tmp_path / "copy"
    copy.mkdir()
    subprocess.run(
        [sys.executable, "-c", _FORK, dead_target, str(tmp_path / "sales.spool"), str(copy)],
        check=True,
        env={**os.environ, "GRPC_ENABLE_FORK_SUPPORT": "0"},
    )
    with Client(dead_target) as client, client.sale_spool(copy / "sales.spool") as spool:
        assert spool.status().waiting == 2


_FILL = """
import resource, sys
from agelane_client import Client, Sale, SaleOutcome, SpoolError
with Client(sys.argv[1], timeout=0.2) as client, client.sale_spool(sys.argv[2]) as spool:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
    for number in range(10_000):
        try:
            spool.record(Sale(outcome=SaleOutcome.SOLD, sale_id=f"sale-{number}"))
        except SpoolError as error:
            print(number, spool.status().waiting, error)
            break
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit on files here")
def test_a_full_disk_loses_nothing_that_was_kept(dead_target: str, tmp_path: Path) -> None:
    """A limit on the size of files stands for it."""
    command = [sys.executable, "-c", "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)"]
    command[-1] += _FILL
    done = subprocess.run(
        [*command, dead_target, str(tmp_path / "sales.spool")],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    kept, waiting, *said = done.stdout.split()
    assert kept == waiting, done.stderr
    assert int(kept) > 50
    assert "disk" in " ".join(said)
