"""`python -m agelane_serving.ledger`: what an operator types, and what they are told."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, update

from agelane_serving.ledger.__main__ import main
from agelane_serving.ledger.chain import ERASED
from agelane_serving.ledger.reading import events as read_events
from agelane_serving.ledger.schema import events
from agelane_serving.ledger.store import Store
from agelane_serving.ledger.views import Scope
from tests.serving.ledger.sales import KEY, NOON, sale

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run a command on the ledger; return its exit code, stdout and stderr."""
    key = tmp_path / "ledger.key"
    key.write_bytes(KEY)

    def run(name: str, *flags: str) -> tuple[int, str, str]:
        keyed = [] if name == "migrate" else ["--key", str(key)]
        monkeypatch.setattr("sys.argv", ["ledger", "--url", url, name, *keyed, *flags])
        code = main()
        return code, *capsys.readouterr()

    return run


def test_a_ledger_is_looked_after(store: Store, engine: Engine, command: Command) -> None:
    """Made, verified, erased from, verified again with what was printed; broken, and told so."""
    assert command("migrate") == (0, "", "")
    store.record([sale(), sale(cashier_id="c8"), sale()])
    code, printed, _ = command("verify")
    assert (code, printed[:9]) == (0, "3 events,")
    (seen,) = re.findall(r"the last one (3:[0-9a-f]{64})\n", printed)
    erased = command("erase", "--store=hamburg-1", "--cashier=c8")
    assert erased == (0, "erased the number from 1 events and 0 alerts\n", "")
    assert [each.cashier_id for each in read_events(engine, Scope(NOON, NOON + 1))] == [
        "c7", ERASED, "c7",
    ]  # fmt: skip
    kept = command("retain", "--days=3000")
    assert kept == (0, "removed 0 events, 0 baskets and 0 alerts\n", "")
    assert command("verify", f"--seen={seen}") == (0, printed, "")
    with engine.begin() as connection:
        connection.execute(delete(events).where(events.c.number == 2))
    code, told, _ = command("verify", f"--seen={seen}")
    assert code == 1
    assert "events 2 to 2 are missing" in told


def test_baskets_may_be_kept_for_less_than_events(store: Store, command: Command) -> None:
    """The sales of that store are of the first of November 2026."""
    store.record([sale(sold_at=NOON - 90 * 86_400)])
    assert command("retain", "--days=3000")[1].startswith("removed 0 events, 0 baskets")
    told = command("retain", "--days=3000", "--basket-days=1")[1]
    assert told.startswith("removed 0 events, 1 baskets")


def test_a_broken_chain_is_told_by_its_exit_code(
    store: Store, engine: Engine, command: Command
) -> None:
    """And nothing is erased over it."""
    store.record([sale(cashier_id="c8")])
    with engine.begin() as connection:
        connection.execute(update(events).values(cashier_id="c7"))
    code, _, told = command("erase", "--store=hamburg-1", "--cashier=c7")
    assert code == 1
    assert "the chain is broken: the cashier of event 1" in told


@pytest.mark.parametrize("flags", [["retain", "--days=29"], ["erase", "--store=s", "--cashier="]])
def test_what_can_not_be_is_told(command: Command, flags: list[str]) -> None:
    """In one line."""
    code, _, told = command(*flags)
    assert code == 2
    assert re.fullmatch(r"error: .+\n", told)
