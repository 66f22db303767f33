"""The forms know each field of each entity: one that they left out would be lost whenever somebody saves."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from directory.forms import FORMS, filled, share_sum
from directory.tables import KINDS

# What the register counts and notes itself.
KEPT = {"version", "sessions_after"}
MODELS = {event.name: event.data for event in KINDS.values()}


def fields(model: type[BaseModel]) -> Iterator[str]:
    """The paths of a model's fields: those of a model within it by their own names, those of lists by the list's."""
    for name, field in model.model_fields.items():
        kinds: list[Any] = [field.annotation, *getattr(field.annotation, "__args__", ())]
        inner = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)
        if inner is not None and "list" not in str(field.annotation):
            yield from (f"{name}.{part}" for part in fields(inner))
        else:
            yield name


@pytest.mark.parametrize("wrong", ["9" * 5000, "²", "x", "-5"])
def test_what_is_no_number_adds_nothing(wrong: str) -> None:
    assert share_sum({"shares.1266": wrong, "shares.1267": "40 %"}, "shares") == 40


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_each_field_can_be_written(kind: str) -> None:
    assert set(fields(MODELS[kind])) - KEPT == {field.name for field in FORMS[kind]}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("0415-37 80 00", "+46415378000"),
        ("+46 (0)415\u2011378\u00a0000", "+46415378000"),
        ("0771-12 34 56", "+46771123456"),
        ("+45 33 66 33 66", "+4533663366"),
        ("11414", "11414"),
        ("ring oss", "ring oss"),
    ],
    ids=ascii,
)
def test_a_number_is_typed_as_people_write_it(typed: str, kept: str) -> None:
    assert filled("municipality", {"phone": typed}).data["phone"] == kept
    told = filled("municipality", {"personal_data.officer_phone": typed}).data["personal_data"]
    assert told == {"officer_phone": kept}
