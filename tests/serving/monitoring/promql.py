"""What PromQL expressions ask for, and which labels their results have."""

from __future__ import annotations

from collections.abc import Mapping

import promql_parser as promql

Labels = frozenset[str]
NONE: Labels = frozenset()


def parse(text: str) -> promql.Expr:
    """Return the syntax tree of an expression of a rule or a panel; ValueError for a wrong one."""
    tree: promql.Expr = promql.parse(text.replace("$__rate_interval", "5m"))
    return tree


def selectors(expr: promql.Expr) -> list[promql.VectorSelector]:
    """Return all places in an expression that ask for series."""
    found: list[promql.VectorSelector] = []

    def visit(node: promql.Expr) -> None:
        if isinstance(node, promql.VectorSelector):
            found.append(node)

    promql.walk(expr, visit)
    return found


def labels_of(expr: promql.Expr, known: Mapping[str, Labels]) -> Labels | None:
    """Return the labels that each result has; None: it is a number.

    Args:
        expr: what is asked.
        known: labels of each series that there is.

    Raises:
        ValueError: it asks for a series or a label that does not exist, or matches two sides that
            have different labels, which would have no result whatever happens.
    """
    match expr:
        case promql.VectorSelector():
            return _of_selector(expr, known)
        case promql.MatrixSelector():
            return _of_selector(expr.vector_selector, known)
        case promql.ParenExpr() | promql.UnaryExpr():
            return labels_of(expr.expr, known)
        case promql.AggregateExpr():
            return _of_aggregate(expr, known)
        case promql.BinaryExpr():
            return _of_binary(expr, known)
        case promql.Call():
            return _of_call(expr, known)
        case promql.NumberLiteral():
            return None
    raise ValueError(f"not used here so far: {expr}")


def _of_selector(selector: promql.VectorSelector, known: Mapping[str, Labels]) -> Labels:
    name = selector.name or ""
    if name not in known:
        raise ValueError(f"there is no series {name}")
    _require({matcher.name for matcher in selector.matchers.matchers}, known[name], selector)
    return known[name]


def _of_aggregate(expr: promql.AggregateExpr, known: Mapping[str, Labels]) -> Labels:
    inner = labels_of(expr.expr, known) or NONE
    if expr.modifier is None:
        return NONE
    if expr.modifier.type != promql.AggModifierType.By:
        raise ValueError(f"say by, not without: {expr}")
    _require(set(expr.modifier.labels), inner, expr)
    return frozenset(expr.modifier.labels)


def _of_call(call: promql.Call, known: Mapping[str, Labels]) -> Labels | None:
    if call.func.name == "absent":
        return frozenset(matcher.name for matcher in call.args[0].matchers.matchers)
    (labels,) = {labels_of(each, known) for each in call.args} - {None}
    if call.func.name == "histogram_quantile":
        _require({"le"}, labels or NONE, call)
        return (labels or NONE) - {"le"}
    return labels


def _of_binary(expr: promql.BinaryExpr, known: Mapping[str, Labels]) -> Labels | None:
    left, right = labels_of(expr.lhs, known), labels_of(expr.rhs, known)
    if left is None or right is None:
        return right if left is None else left
    if str(expr.op) == "or":
        return left & right
    matching = None if expr.modifier is None else expr.modifier.matching
    if matching is None:
        matched = left, right
    elif matching.type == promql.LabelModifierType.Include:
        _require(set(matching.labels), left & right, expr)
        return left
    else:
        matched = left - set(matching.labels), right - set(matching.labels)
    if matched[0] != matched[1]:
        raise ValueError(f"{sorted(matched[0])} never match {sorted(matched[1])}: {expr}")
    return left


def _require(wanted: set[str], there: Labels, where: promql.Expr) -> None:
    if not wanted <= there:
        raise ValueError(f"no label {', '.join(sorted(wanted - there))}: {where}")
