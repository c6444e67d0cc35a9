"""A caller keeps to their role, store and lane."""

from __future__ import annotations

import pytest

from agelane_serving.gateway.errors import CallError, Fault
from agelane_serving.gateway.security.caller import Caller, Role
from tests.serving.gateway.security.tokens import ANY_LANE, LANE, MANAGER, OPERATOR


def test_roles_pass_where_they_are_permitted() -> None:
    """And nowhere else."""
    LANE.permit(Role.LANE)
    MANAGER.permit(Role.MANAGER, Role.OPERATOR)
    for caller, roles in ((LANE, (Role.MANAGER, Role.OPERATOR)), (MANAGER, (Role.LANE,))):
        with pytest.raises(CallError, match=f"a {caller.role.value}'s credentials") as caught:
            caller.permit(*roles)
        assert caught.value.fault is Fault.ROLE_NOT_PERMITTED


@pytest.mark.parametrize(
    ("caller", "asked", "permitted"),
    [
        (LANE, ("", ""), ("hamburg-1", "3")),
        (LANE, ("hamburg-1", "3"), ("hamburg-1", "3")),
        (ANY_LANE, ("", ""), ("hamburg-1", "")),
        (ANY_LANE, ("", "4"), ("hamburg-1", "4")),
        (MANAGER, ("hamburg-1", ""), ("hamburg-1", "")),
        (OPERATOR, ("", ""), ("", "")),
        (OPERATOR, ("munich-2", "7"), ("munich-2", "7")),
    ],
)
def test_what_a_request_leaves_open_is_the_callers_own(
    caller: Caller, asked: tuple[str, str], permitted: tuple[str, str]
) -> None:
    """What the caller leaves open too stays open."""
    assert caller.permitted_store(*asked) == permitted


@pytest.mark.parametrize(
    ("caller", "asked", "said"),
    [
        (LANE, ("munich-2", "3"), "another store's"),
        (LANE, ("hamburg-1", "4"), "another lane's"),
        (LANE, ("", "4"), "another lane's"),
        (ANY_LANE, ("hamburg-10", ""), "another store's"),
        (MANAGER, ("HAMBURG-1", ""), "another store's"),
    ],
)
def test_another_store_or_lane_is_not_permitted(
    caller: Caller, asked: tuple[str, str], said: str
) -> None:
    """Whose else it might be is not said."""
    with pytest.raises(CallError, match=said) as caught:
        caller.permitted_store(*asked)
    assert caught.value.fault is Fault.STORE_NOT_PERMITTED
