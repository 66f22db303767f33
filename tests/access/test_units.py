"""Roles × pages × units, from the outside: nobody is shown a family of a unit in which they hold no role for it.

Each family has a name, a number and a reference that occur nowhere else. Whoever the person is and whichever page they
ask for, with ids that they could have learnt from others, none of what is another unit's may be in the answer.
"""

from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.access.test_routes import every
from tests.access.who import BOOKING, Staff
from tests.agenda.conftest import Work, person
from tests.signing import session_of

UNITS = ("familjestod", "horby-stod")
# The municipality that each unit answers for in the register of tests/agenda.
SERVED = {"familjestod": "1285", "horby-stod": "1266"}
SEES_FAMILIES = ("advisor", "coordinator")
_numbers = count(1)


@dataclass(frozen=True)
class Family:
    """What would give a family away."""

    unit: str
    booking: str
    reference: str
    traces: tuple[str, ...]


@pytest.fixture
async def known(work: Work) -> list[Family]:
    """One booking for each unit, with the same shared advisor."""
    made = []
    for number, unit in enumerate(UNITS):
        name, phone = f"Kanariefågel-{unit}", f"070-174 06 0{number}"
        contact = {"name": name, "phone": phone, "email": None, "language": "sv"}
        start = f"2026-03-03T{8 + number:02}:00:00Z"
        reference = await work.family_books(start, municipality=SERVED[unit], contact=contact)
        booking = await work.id_of(reference)
        made.append(
            Family(
                unit, booking, reference, (name, phone, phone.replace("-", " "), "+4670174060" + str(number), reference)
            )
        )
    return made


def pages(work: Work) -> list[str]:
    """Every address for staff that is read with GET, as the application has it."""
    paths = {getattr(route, "path", "") for route in every(work.booking.app.routes)}
    wanted = [path.removeprefix("GET ") for path, who in BOOKING.items() if isinstance(who, Staff) and "GET " in path]
    assert set(wanted) <= paths
    assert wanted, "staff have pages"
    return wanted


QUERIES: dict[str, dict[str, Any]] = {
    "/arbetsdag": {"dag": "2026-03-03"},
    "/arbetsvecka": {"vecka": "2026-W10"},
    "/booking/v1/agenda": {"from": "2026-03-02", "to": "2026-03-08"},
    "/telefonbokning": {"telefon": "070-174 06 00"},
}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    grants=st.sets(
        st.tuples(st.sampled_from(("advisor", "coordinator", "reviewer")), st.sampled_from(UNITS)), max_size=3
    )
)
async def test_nobody_is_shown_a_family_of_a_unit_that_is_not_theirs(
    work: Work,
    known: list[Family],
    grants: set[tuple[str, str]],
) -> None:
    someone = f"someone-{next(_numbers)}"
    staff = person(someone, advisor="maria-ek" if any(role == "advisor" for role, _ in grants) else None)
    given_roles = [{"role": role, "unit": unit} for role, unit in sorted(grants)]
    await work.learn(staff.model_validate({**staff.model_dump(), "grants": given_roles}))
    may = {unit for role, unit in grants if role in SEES_FAMILIES}
    shown: set[str] = set()
    for path in pages(work):
        for family in known:
            address = path.replace("{booking}", family.booking)
            answer = await work.booking.http.get(
                address, params=QUERIES.get(path), headers=session_of(work.booking, someone)
            )
            assert answer.status_code < 500, (address, answer.status_code)
            for other in known:
                leaked = [trace for trace in other.traces if trace in answer.text]
                if path.startswith("/granskning") and ("reviewer", other.unit) in grants:
                    # Who reviews what was read of a booking must be able to name the booking, and nothing else of it.
                    assert set(leaked) <= {other.reference}, (grants, path, leaked)
                elif other.unit not in may:
                    assert not leaked, (grants, path, leaked)
                elif leaked:
                    shown.add(other.unit)
    # The test could pass by showing nobody anything.
    assert {unit for role, unit in grants if role == "advisor"} <= shown, grants


@pytest.mark.parametrize("unit", UNITS)
async def test_time_for_another_unit_is_seen_as_taken_and_no_more(
    work: Work,
    known: list[Family],
    unit: str,
) -> None:
    staff = person("only-one", unit, advisor="maria-ek", version=1)
    await work.learn(staff)
    answer = await work.get("/arbetsdag", "only-one", dag="2026-03-03")
    for family in known:
        assert any(trace in answer.text for trace in family.traces) == (family.unit == unit)
    assert "Upptagen" in answer.text
