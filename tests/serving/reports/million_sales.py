"""Time the cashier report over a million sales in a ledger, as a gateway has it made.

python -m tests.serving.reports.million_sales [sqlite|postgresql]
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
from sqlalchemy import insert

from agelane.v1 import report_pb2
from agelane_serving.ledger.migrate import migrate
from agelane_serving.ledger.rows import event_of_sale
from agelane_serving.ledger.sale import Outcome
from agelane_serving.ledger.schema import events
from agelane_serving.ledger.store import engine_for
from agelane_serving.policy import Decision
from agelane_serving.reports.cashiers import DocumentReading, DocumentResult, SaleColumns
from agelane_serving.reports.cashiers import Outcome as Ending
from loadtest.simulate.plan import Plan
from tests.serving.ledger.conftest import postgresql
from tests.serving.ledger.sales import sale
from tests.serving.reports.cashier_chain import simulate

_MILLION = 1_000_000
_AT_A_TIME = 20_000
_RUNS = 3


def main() -> None:
    """Print the seconds of each run."""
    chain = simulate(1, Plan(sales_a_day=46.0))
    for kind in sys.argv[1:] or ("sqlite", "postgresql"):
        with _database(kind) as url:
            migrate(url)
            _fill(url, chain.sales)
            for _ in range(_RUNS):
                seconds, cpu_seconds, report = _timed(url, chain.plan.end)
                print(
                    f"{kind}: {_MILLION:,} sales, {len(report.cashiers)} cashiers, "
                    f"{len(report.alerts)} alerts: {seconds:.1f} s from start to end of the "
                    f"program, which used {cpu_seconds:.1f} s of a core"
                )


@contextmanager
def _database(kind: str) -> Iterator[str]:
    if kind == "postgresql":
        with postgresql() as url:
            yield url
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/ledger.db"


def _fill(url: str, sales: SaleColumns) -> None:
    """Write rows without a chain of hashes: a report does not look at it."""
    rows = _rows(sales)
    with engine_for(url).begin() as connection:
        while some := list(islice(rows, _AT_A_TIME)):
            connection.execute(insert(events), some)


def _rows(sales: SaleColumns) -> Iterator[dict[str, Any]]:
    unsealed = {"cashier_salt": bytes(16), "cashier_seal": bytes(32), "hash": bytes(32)}
    usual = event_of_sale(sale(), 0, 0) | unsealed
    order = np.argsort(sales.sold_at)[:_MILLION]
    for number, row in enumerate(order.tolist(), 1):
        decision, result = sales.decision[row], sales.document_result[row]
        reading = sales.reading[row]
        yield usual | {
            "number": number,
            "sale_id": f"sale-{number}",
            "store_id": sales.cashiers[sales.cashier[row]][0],
            "cashier_id": sales.cashiers[sales.cashier[row]][1],
            "sold_ms": round(1000 * sales.sold_at[row]),
            "outcome": Outcome[Ending(int(sales.outcome[row])).name].name,
            "decision": Decision(int(decision)).name if decision else "",
            "probability_under_legal_age": _number(sales.probability_under_legal_age[row]),
            "age_low_years": _number(sales.age_low_years[row]),
            "age_high_years": _number(sales.age_high_years[row]),
            "document_result": DocumentResult(int(result)).name if result else "",
            "document_reading": DocumentReading(int(reading)).name if reading else "",
            "check_ms": _number(1000 * sales.check_seconds[row]),
            "document_age_years": _number(sales.document_age_years[row]),
            "birth_date_bucket": _number(sales.birth_date_bucket[row]),
            "supervisor_on_shift": bool(sales.supervisor_on_shift[row]),
        }


def _number(value: float) -> float | None:
    return None if np.isnan(value) or value < 0 else float(value)


def _timed(url: str, end: float) -> tuple[float, float, report_pb2.GetCashierReportResponse]:
    command = [sys.executable, "-m", "agelane_serving.reports", "cashiers"]
    command += [f"--start={end - 28 * 86_400}", f"--end={end}"]
    started, used = time.monotonic(), _children_seconds()
    answer = subprocess.run(
        command,
        env={**os.environ, "AGELANE_GATEWAY_LEDGER": url},
        check=True,
        stdout=subprocess.PIPE,
    )
    seconds = time.monotonic() - started
    report = report_pb2.GetCashierReportResponse.FromString(answer.stdout)
    return seconds, _children_seconds() - used, report


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
