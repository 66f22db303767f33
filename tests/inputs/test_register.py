"""Texts of the register: what people cannot see is told, in the reader's language, at its field; the rest is kept."""

import html

import pytest

from directory import forms
from directory.events import Unit
from directory.rules.common import writable
from tests.conftest import Running
from tests.directory.desk import OPERATOR, Desk, led_to, stored
from tests.inputs.corpus import corpus

ON_ONE_LINE = [
    ("insatser", "offerings", "videosamtal-nacka", "name.sv"),
    ("radgivare", "advisors", "maria-ek", "name"),
    ("mottagningar", "centres", "bvc-hoor", "address"),
    ("verksamheter", "units", "hoor-familjestod", "board"),
    ("kommuner", "municipalities", "1267", "name"),
]
# In words of each language: what breaks the line, and what turns it.
SAID = {
    ("sv", "A\u2028B"): "texten står på flera rader",
    ("sv", "A\u202eB"): "ett tecken som vänder på ordningen",
    ("en", "A\nB"): "the text has several lines",
    ("en", "A\u2067B"): "one that turns the order",
}


WRITTEN = "Mária\u00a0O\u2019Brien \u0639\u0644\u06cc\u200c\u0631\u0636\u0627 \U0001f600"


@pytest.mark.parametrize(("slug", "plural", "entity", "field"), ON_ONE_LINE, ids=[one[0] for one in ON_ONE_LINE])
async def test_a_name_of_the_register_is_on_one_line(
    directory: Running, slug: str, plural: str, entity: str, field: str
) -> None:
    before = await stored(directory, plural, entity)
    for (language, typed), told in SAID.items():
        answer = await Desk(directory, OPERATOR, language).save(f"/{slug}/{entity}", **{field: typed})
        assert answer.status_code == 422
        assert f'href="#{field}"' in answer.text
        assert told in html.unescape(answer.text)
    assert await stored(directory, plural, entity) == before


async def test_a_long_text_has_lines_and_names_have_any_signs(directory: Running) -> None:
    desk = Desk(directory, OPERATOR)
    led_to(await desk.save("/insatser/videosamtal-nacka", summary__sv="En rad.\r\nEn till.\tOch en tabb."))
    assert (await stored(directory, "offerings", "videosamtal-nacka"))["summary"]["sv"] == (
        "En rad.\nEn till.\tOch en tabb."
    )
    led_to(await desk.save("/radgivare/maria-ek", name=WRITTEN))
    assert (await stored(directory, "advisors", "maria-ek"))["name"] == WRITTEN


def test_names_of_people_are_fit_for_the_register() -> None:
    for name in corpus("names")["taken"]:
        unit = Unit(id="x", version=1, municipality="1267", board="y", name=name.strip().strip("\u2068\u2069"))
        assert list(writable(unit)) == [], ascii(name)


def test_an_id_that_is_made_of_a_name_can_be_reached() -> None:
    assert forms.new_id("unit", {"name": "Ny"}, set()) == "ny-2"
    assert forms.new_id("unit", {"name": "Ny"}, {"ny-2"}) == "ny-3"
