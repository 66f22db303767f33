"""Staff and their roles, as every service reads them of the register."""

from datetime import datetime
from typing import Literal

from kit.events import Read

Role = Literal["advisor", "coordinator", "nurse", "reviewer", "operator"]


class Grant(Read):
    """A role, held for a unit or for a centre; an operator's is held for the whole installation."""

    role: Role
    unit: str | None = None
    centre: str | None = None


class Staff(Read):
    """What is read of a member of staff. Sessions begun before `sessions_after` are over."""

    id: str
    name: str
    identity: str
    advisor: str | None = None
    grants: tuple[Grant, ...] = ()
    sessions_after: datetime | None = None
    ended: bool = False
