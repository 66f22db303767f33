"""What the register holds of how families' details are handled, and who is told where it is missing."""

import pytest

from directory.events import PersonalData, Text
from directory.outlook import outlook
from directory.rules import breaches
from directory.rules.agreement import Remit
from directory.rules.register import Register
from tests.booking import register as small
from tests.booking.register import NOW
from tests.conftest import Running
from tests.directory.desk import COORDINATOR, OPERATOR, Desk, led_to, stored

PATH = "/kommuner/1267"
WHOLE = PersonalData(controller="Socialnämnden", officer_phone="+46406280416")


def country(told: PersonalData | None) -> Register:
    """Three municipalities; of the second one this is told, and nothing of the others."""
    towns = [town.model_copy(update={"personal_data": told if n == 1 else None}) for n, town in enumerate(TOWNS)]
    made = Register(municipality={town.id: town for town in towns})
    offering = small.OFFERING.model_copy(update={"municipalities": ["1266", "1267"]})
    made.offering[offering.id] = offering
    return made


TOWNS = small.MUNICIPALITIES


def warned(told: PersonalData | None, *municipalities: str, everything: bool = False) -> list[str]:
    mine = Remit(everything=everything, units=frozenset(), municipalities=frozenset(municipalities))
    found = outlook(country(told), mine, NOW.date())
    return [each.about.id for each in found if each.what == "warn_municipality"]


@pytest.mark.parametrize(
    ("told", "missing"),
    [
        (None, True),
        (PersonalData(controller="Socialnämnden"), True),
        (PersonalData(officer_email="dataskydd@hoor.example"), True),
        (WHOLE, False),
        (PersonalData(controller="Socialnämnden", officer_email="dataskydd@hoor.example"), False),
    ],
)
def test_the_coordinators_of_a_municipality_are_told_what_families_are_not(
    told: PersonalData | None, missing: bool
) -> None:
    assert warned(told, "1267") == ["1267"] * missing
    assert warned(told, "1266", "1267") == ["1266"] + ["1267"] * missing
    # Nothing can be booked in Eslöv.
    assert warned(told, "1285") == []
    assert warned(told, everything=True) == ["1266"] + ["1267"] * missing


def test_families_can_write_and_call_where_they_are_told_to() -> None:
    register = country(
        PersonalData(
            organisation_number="2120001116",
            email="horby",
            officer_email="data skydd@hoor.se",
            officer_phone="0413-280 01",
        )
    )
    found = [place.path for breach in breaches(register) for place in breach.places if place.id == "1267"]
    for name in ("organisation_number", "email", "officer_email", "officer_phone"):
        assert ("personal_data", name) in found
    assert not [b for b in breaches(country(WHOLE)) if any(p.path[:1] == ("personal_data",) for p in b.places)]


async def test_an_operator_writes_it_and_a_coordinator_reads_it(directory: Running) -> None:
    operator, coordinator = Desk(directory, OPERATOR), Desk(directory, COORDINATOR)
    assert "personuppgiftsansvarig" not in await coordinator.page("")
    emptied = {"personal_data__officer_email": "", "personal_data__officer_phone": ""}
    assert led_to(await operator.save(PATH, **emptied)) == f"/katalog{PATH}?sparat=ja"
    assert "Höör: här saknas vem som är personuppgiftsansvarig" in await coordinator.page("")
    written = {"personal_data__officer_phone": "+46406280417", "personal_data__ground__sv": "Enligt lag."}
    assert led_to(await operator.save(PATH, **written)) == f"/katalog{PATH}?sparat=ja"
    assert "personuppgiftsansvarig" not in await coordinator.page("")
    told = PersonalData.model_validate((await stored(directory, "municipalities", "1267"))["personal_data"])
    assert (told.officer_email, told.officer_phone, told.ground) == (None, "+46406280417", Text(sv="Enligt lag."))
    assert "+46406280417" in await coordinator.page(PATH)
    assert "Rättslig grund på svenska" in await operator.page(f"{PATH}/historik")


async def test_what_is_wrong_is_told_at_its_field(directory: Running) -> None:
    for language, words in (("sv", "adressen måste skrivas som"), ("en", "officer_email must be written like")):
        answer = await Desk(directory, OPERATOR, language).save(PATH, personal_data__officer_email="dataskydd")
        assert answer.status_code == 422
        assert words in answer.text
        assert 'href="#personal_data.officer_email"' in answer.text
    only_english = await Desk(directory, OPERATOR).save(PATH, personal_data__ground__en="By law.")
    assert only_english.status_code == 422
    assert 'href="#personal_data.ground.sv"' in only_english.text
