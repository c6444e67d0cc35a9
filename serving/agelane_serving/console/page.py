"""What every page is: filters, something to load, tables to export, and a way to show both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from agelane_serving.console.tables import Table
from agelane_serving.console.users import Role
from agelane_serving.console.visit import Visit

Data = TypeVar("Data")


class Page(ABC, Generic[Data]):
    """One page of the console."""

    key: ClassVar[str]
    """Its name in texts and exports; `/<key>` is its address."""
    roles: ClassVar[frozenset[Role]]
    """Who may see it."""
    menu_roles: ClassVar[frozenset[Role] | None] = None
    """Whose menu leads to it; None: of all who may see it."""
    refresh_seconds: ClassVar[float | None] = None
    """After how long it is loaded again by itself; None: never."""

    @property
    def path(self) -> str:
        """Its address."""
        return f"/{self.key.replace('_', '-')}"

    def permits(self, visit: Visit) -> bool:
        """Tell whether somebody may see what they ask for."""
        return visit.user.role in self.roles

    def is_in_menu(self, role: Role) -> bool:
        """Tell whether the menu of a role leads to it."""
        return role in (self.roles if self.menu_roles is None else self.menu_roles)

    @abstractmethod
    def fields(self, visit: Visit, stores: Sequence[str]) -> Sequence[str]:
        """Return the fields of its filters, as `markup` makes them; `stores` are all there are."""

    @abstractmethod
    async def load(self, visit: Visit) -> Data:
        """Return what it shows; raises SourceError."""

    @abstractmethod
    def tables(self, visit: Visit, data: Data) -> Sequence[Table]:
        """Return its tables, which can be exported."""

    @abstractmethod
    def show(self, visit: Visit, data: Data) -> None:
        """Put it into the element that is open."""
