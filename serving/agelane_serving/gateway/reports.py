"""The use case: a manager asks for a report."""

from __future__ import annotations

import time
from collections.abc import Callable

from google.protobuf.timestamp_pb2 import Timestamp

from agelane.v1 import report_pb2
from agelane_serving.gateway.convert import checked_category, checked_id
from agelane_serving.gateway.errors import CallError, Fault
from agelane_serving.gateway.report_program import ReportProgram
from agelane_serving.gateway.security.caller import Caller
from agelane_serving.policy import Policy

_USUAL_SECONDS = 28 * 86_400
_YEAR_10000 = 253_402_300_800


class Reports:
    """Makes reports from one ledger."""

    def __init__(self, program: ReportProgram, policy: Callable[[], Policy]) -> None:
        """Both are used as long as this is; `policy` gives the one of the moment."""
        self._program, self._policy = program, policy

    async def cashiers(
        self, request: report_pb2.GetCashierReportRequest, caller: Caller
    ) -> report_pb2.GetCashierReportResponse:
        """Return the cashier report; raises CallError."""
        checked_id(request, "cashier_id")
        flags = [
            "cashiers",
            *_period(request.period),
            f"--restricted-category={checked_category(request.restricted_category)}",
            f"--store={_store(request, caller)}",
            f"--cashier={request.cashier_id}",
        ]
        answer = await self._program.run(flags)
        return report_pb2.GetCashierReportResponse.FromString(answer)

    async def age_groups(
        self, request: report_pb2.GetAgeGroupReportRequest, caller: Caller
    ) -> report_pb2.GetAgeGroupReportResponse:
        """Return the age-group report; raises CallError."""
        starts = [str(group.from_years) for group in self._policy().age_groups]
        flags = [
            "age-groups",
            *_period(request.period),
            f"--store={_store(request, caller)}",
            f"--age-groups={','.join(starts)}",
        ]
        answer = await self._program.run(flags)
        return report_pb2.GetAgeGroupReportResponse.FromString(answer)


def _store(
    request: report_pb2.GetCashierReportRequest | report_pb2.GetAgeGroupReportRequest,
    caller: Caller,
) -> str:
    checked_id(request, "store_id")
    return caller.permitted_store(request.store_id, "")[0]


def _period(period: report_pb2.Period) -> tuple[str, str]:
    """Return a period as flags, its defaults filled in."""
    end = _seconds(period, "end", time.time())
    start = _seconds(period, "start", end - _USUAL_SECONDS)
    if not start < end:
        raise CallError(
            Fault.INVALID_FIELD, "the period must end after it starts", field="period.end"
        )
    return f"--start={start}", f"--end={end}"


def _seconds(period: report_pb2.Period, field: str, default: float) -> float:
    if not period.HasField(field):  # type: ignore[arg-type]  # one of its two names
        return default
    moment: Timestamp = getattr(period, field)
    if not 0 <= moment.seconds < _YEAR_10000:
        field = f"period.{field}"
        raise CallError(Fault.INVALID_FIELD, f"{field} must be from 1970 to 9999", field=field)
    return moment.seconds + moment.nanos / 1e9
