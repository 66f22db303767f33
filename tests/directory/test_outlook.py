"""What coordinators are told to attend to."""

from datetime import date
from typing import Any

import pytest

from directory.outlook import outlook
from directory.rules.agreement import Remit
from directory.rules.register import Register
from tests.booking import register as small

EVERYTHING = Remit(everything=True, units=frozenset(), municipalities=frozenset())


@pytest.mark.parametrize(
    ("changes", "warned"),
    [
        ({}, "warn_offering"),
        ({"kind": "joint_visit"}, "warn_joint_visit"),
        ({"kind": "joint_visit", "self_booking": False}, "warn_joint_visit"),
        ({"self_booking": False}, None),
        ({"kind": "drop_in", "self_booking": False}, None),
        ({"kind": "course"}, None),
        ({"advisors": []}, None),
        ({"ended": True}, None),
    ],
    ids=str,
)
def test_working_hours_are_missed_where_times_would_be_shown(changes: dict[str, Any], warned: str | None) -> None:
    offering = small.OFFERING.model_copy(update=changes)
    found = outlook(Register(offering={offering.id: offering}), EVERYTHING, date(2026, 3, 2))
    assert [each.what for each in found if each.about is offering] == ([warned] if warned else [])
