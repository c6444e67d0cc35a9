"""From the JSON of a sale to a `Sale`, or to an error that names the wrong field."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NoReturn, TypeVar

from agelane_client.errors import RequestError
from agelane_client.results import _Name
from agelane_client.sales import (
    BasketLine,
    DocumentCheck,
    DocumentReading,
    DocumentResult,
    RefusalReason,
    Sale,
    SaleOutcome,
)

_AnyName = TypeVar("_AnyName", bound=_Name)
Reader = Callable[[Any], Any]
"""Returns what JSON's value stands for; raises ValueError that ends "… must be"."""

_MOST_LINES = 500
_MOST_SECONDS = 600
_TIME = "a time with a zone such as 2026-11-30T12:00:00+03:00"


def sale_of_json(content: bytes) -> Sale:
    """Return the sale in a JSON object; raises RequestError."""
    try:
        document = json.loads(content, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _wrong("the sale", f"is not JSON ({error})") from error
    fields = _read_object(document, _SALE, "the sale")
    if "outcome" not in fields:
        raise _wrong("outcome", f"is missing; it must be {_or(SaleOutcome)}")
    for name in ("sale_id", "sold_at"):
        if name not in fields:
            raise _wrong(name, "is missing; a sale told again under it counts once")
    # The SDK's name for it tells that all of an assessment will do.
    fields["assessment"] = fields.pop("assessment_token", None)
    return Sale(**fields)


def _read_object(document: object, readers: Mapping[str, Reader], name: str) -> dict[str, Any]:
    """Return the fields of `document`, each as its reader has it; null is as good as missing."""
    if not isinstance(document, dict):
        raise _wrong(name, "must be a JSON object")
    result = {}
    for key, value in document.items():
        if key not in readers:
            raise _wrong(key, f"is no field of {name}; they are {', '.join(readers)}")
        if value is None:
            continue
        try:
            result[key] = readers[key](value)
        except ValueError as error:
            raise _wrong(key, f"must be {error}") from error
    return result


def _text(value: object) -> str:
    """Read a text that can go over the wire."""
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError("a text without control characters")
    return value


def _number(least: int, most: int) -> Reader:
    """Return what reads a whole number."""

    def read(value: object) -> int:
        # To Python, true is a number.
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"a whole number of {least} to {most}")
        return value

    return read


def _name_of(kind: type[_AnyName]) -> Callable[[object], _AnyName]:
    """Return what reads a name of `kind`."""

    def read(value: object) -> _AnyName:
        found = kind.__members__.get(value) if isinstance(value, str) else None
        if found is None:
            raise ValueError(_or(kind))
        return found

    return read


def _token(value: object) -> bytes:
    """Read the bytes of an assessment token, as `to_dict` and `agelane assess --full` have them."""
    try:
        return base64.b64decode(value, validate=True)  # type: ignore[arg-type]
    except (binascii.Error, TypeError, ValueError) as error:
        raise ValueError("the assessment's token in Base64") from error


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _time(value: object) -> datetime:
    try:
        # Python 3.10 doesn't read the Z.
        moment = datetime.fromisoformat(re.sub("[Zz]$", "+00:00", str(value)))
    except ValueError as error:
        raise ValueError(_TIME) from error
    if moment.utcoffset() is None:
        raise ValueError(_TIME)
    return moment


def _duration(value: object) -> timedelta:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= _MOST_SECONDS:  # type: ignore[operator]
        raise ValueError(f"seconds, 0 to {_MOST_SECONDS}")
    return timedelta(seconds=value)  # type: ignore[arg-type]


def _line(value: object) -> BasketLine:
    fields = _read_object(value, _LINE, "a line of the basket")
    if not fields.get("category"):
        raise _wrong("category", "is missing in a line of the basket")
    return BasketLine(**fields)


def _basket(value: object) -> tuple[BasketLine, ...]:
    if not isinstance(value, list) or len(value) > _MOST_LINES:
        raise ValueError(f"a list of at most {_MOST_LINES} objects")
    return tuple(map(_line, value))


def _document(value: object) -> DocumentCheck:
    fields = _read_object(value, _DOCUMENT, "document_check")
    if "result" not in fields:
        raise _wrong("result", f"is missing in document_check; it must be {_or(DocumentResult)}")
    return DocumentCheck(**fields)


_LINE: dict[str, Reader] = {
    "category": _text,
    "restricted_category": _text,
    "quantity": _number(1, 2**32 - 1),
    "amount_minor": _number(-(2**63), 2**63 - 1),
}
_DOCUMENT: dict[str, Reader] = {
    "result": _name_of(DocumentResult),
    "reading": _name_of(DocumentReading),
    "duration": _duration,
    "document_age_years": _number(0, 130),
    "birth_date_bucket": _number(0, 63),
}
_SALE: dict[str, Reader] = {
    "sale_id": _text,
    "outcome": _name_of(SaleOutcome),
    "assessment_token": _token,
    "sold_at": _time,
    "store_id": _text,
    "lane_id": _text,
    "cashier_id": _text,
    "basket": _basket,
    "currency_code": _text,
    "document_check": _document,
    "refusal_reason": _name_of(RefusalReason),
    "voids_sale_id": _text,
    "supervisor_on_shift": _truth,
    "decided_offline": _truth,
}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; of a field that stands twice nobody knows which one is meant."""
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("a field stands there twice")
    return result


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _or(kind: type[_Name]) -> str:
    return f"one of {', '.join(kind.__members__)}"


def _wrong(field: str, message: str) -> RequestError:
    field = field[:64]
    return RequestError(f"{field} {message}", reason="INVALID_FIELD", field=field)
