"""The forms of the register: what each kind is asked for, and the way between what is typed and an entity. Pure.

One description per kind drives its form, its facts on a page and the differences in its history. Every control has a
name of its own (`weekly.2.modalities.phone`), so that what was typed can be sent again field by field.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from pydantic import ValidationError

from directory.events import Entity
from directory.partly import partly
from directory.reading import what_it_must_be
from directory.rules.common import TAKEN_ID
from directory.rules.register import WEEKDAYS, PathOf
from directory.tables import EVENTS
from kit import addresses

# `units` of an offering and `shares` of a pool have a value per municipality.
Type = Literal[
    "text", "long", "phone", "whole", "decimal", "date", "time", "check", "choice", "several", "each", "rows"
]

MODALITIES = ("video", "phone", "visit")
PROFESSIONS = ("kurator", "familjebehandlare", "boendestodjare", "foraldraradgivare")
# Those that are offered; what an entity has besides stays on its own form.
LANGUAGES = ("sv", "en", "ar", "so", "fa", "ti", "pl", "uk", "ru", "fi", "bs", "sq", "tr", "es", "fr", "de")


@dataclass(frozen=True)
class Field:
    """One field. `name` is where its value stands in the entity; `of` are the values to choose from, or their kind."""

    name: str
    type: Type = "text"
    of: str | tuple[str, ...] = ()
    needed: bool = True
    rows: tuple["Field", ...] = ()
    # How many empty rows are offered below those that are filled in.
    spare: int = 2
    # The field by whose value rows are put in order, where the order is not the writer's to choose.
    by: str = ""
    # Asked for when the entity is added, and never changed.
    once: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """The same as a path."""
        return tuple(self.name.split("."))


_PERIOD = (Field("valid_from", "date"), Field("valid_until", "date", needed=False))
_MEETING = (
    Field("modalities", "several", MODALITIES, needed=False),
    Field("place", "choice", "centre", needed=False),
)
_ENDED = Field("ended", "check", needed=False)
_TERMS = (
    Field("posts", "decimal"),
    Field("shares", "each"),
    Field("release_days", "whole"),
    Field("period", "choice", ("iso_week", "four_weeks")),
    Field("carry_over", "whole"),
)
_DENOMINATORS = Field(
    "denominators",
    "rows",
    rows=(Field("children", "whole"), Field("source"), Field("as_of", "date")),
    needed=False,
    spare=1,
)

FORMS: Mapping[str, tuple[Field, ...]] = {
    "municipality": (
        Field("id", once=True),
        Field("name"),
        Field("slug"),
        Field("accent"),
        Field("concern_url"),
        Field("phone", "phone"),
        Field("personal_data.controller", needed=False),
        Field("personal_data.organisation_number", needed=False),
        Field("personal_data.email", needed=False),
        Field("personal_data.officer_email", needed=False),
        Field("personal_data.officer_phone", "phone", needed=False),
        Field("personal_data.purpose.sv", "long", needed=False),
        Field("personal_data.purpose.en", "long", needed=False),
        Field("personal_data.ground.sv", "long", needed=False),
        Field("personal_data.ground.en", "long", needed=False),
        Field("personal_data.authority.sv", "long", needed=False),
        Field("personal_data.authority.en", "long", needed=False),
        _DENOMINATORS,
        _ENDED,
    ),
    "unit": (
        Field("id", needed=False, once=True),
        Field("name"),
        Field("board"),
        Field("municipality", "choice", "municipality"),
        _ENDED,
    ),
    "centre": (
        Field("id", needed=False, once=True),
        Field("name"),
        Field("municipality", "choice", "municipality"),
        Field("kind", "choice", ("bvc", "family_centre", "other")),
        Field("address"),
        Field("attached_to_family_centre", "check"),
        Field("hsa_id", needed=False),
        _DENOMINATORS,
        _ENDED,
    ),
    "advisor": (
        Field("id", needed=False, once=True),
        Field("name"),
        Field("profession", "choice", PROFESSIONS),
        Field("unit", "choice", "unit"),
        Field("languages", "several", "language"),
        Field("modalities", "several", MODALITIES),
        _ENDED,
    ),
    "pool": (
        Field("id", needed=False, once=True),
        Field("name"),
        Field("advisors", "several", "advisor"),
        *_TERMS,
        *_PERIOD,
        Field("notice_days", "whole", needed=False),
        # Each new row asks for a share of every municipality, so there is one only for whoever wants it.
        Field(
            "amendments", "rows", rows=(Field("valid_from", "date"), *_TERMS), needed=False, spare=0, by="valid_from"
        ),
        _ENDED,
    ),
    "schedule": (
        Field("id", needed=False, once=True),
        Field("advisor", "choice", "advisor"),
        *_PERIOD,
        Field(
            "weekly",
            "rows",
            rows=(Field("weekday", "choice", WEEKDAYS), Field("start", "time"), Field("end", "time"), *_MEETING),
            needed=False,
        ),
        Field(
            "exceptions",
            "rows",
            rows=(
                Field("kind", "choice", ("leave", "extra")),
                Field("first", "date"),
                Field("last", "date"),
                Field("start", "time", needed=False),
                Field("end", "time", needed=False),
                Field("through", "check", needed=False),
                *_MEETING,
            ),
            needed=False,
        ),
        Field("works_on_holidays", "check"),
        Field("zone"),
        _ENDED,
    ),
    "offering": (
        Field("id", needed=False, once=True),
        Field("name.sv"),
        Field("name.en", needed=False),
        Field("summary.sv", "long"),
        Field("summary.en", "long", needed=False),
        Field("kind", "choice", ("conversation", "course", "lecture", "drop_in", "joint_visit")),
        Field("regime", "choice", ("universal", "assessed")),
        Field("documentation", "choice", ("anonymous", "minimal", "elsewhere")),
        Field("retention_days", "whole", needed=False),
        Field("unit", "choice", "unit"),
        Field("municipalities", "several", "municipality"),
        Field("units", "each", "unit", needed=False),
        Field("advisors", "several", "advisor", needed=False),
        Field("modalities", "several", MODALITIES),
        Field("languages", "several", "language"),
        Field("ages.first", "whole"),
        Field("ages.last", "whole"),
        Field("ages.expecting", "check"),
        Field("duration", "whole"),
        Field("buffer_before", "whole"),
        Field("buffer_after", "whole"),
        Field("starts_every", "whole"),
        Field("horizon_days", "whole"),
        Field("lead_time_hours", "whole"),
        Field("cancel_limit_hours", "whole"),
        Field("self_booking", "check"),
        Field("practical.sv", "long", needed=False),
        Field("practical.en", "long", needed=False),
        _ENDED,
    ),
    "staff": (
        Field("id", needed=False, once=True),
        Field("name"),
        Field("identity"),
        Field("advisor", "choice", "advisor", needed=False),
        Field(
            "grants",
            "rows",
            rows=(
                Field("role", "choice", ("advisor", "coordinator", "reviewer", "nurse", "operator")),
                Field("scope", "choice", "scope"),
            ),
            needed=False,
        ),
        _ENDED,
    ),
}

Sent = Mapping[str, str]


def value_at(data: Any, path: Iterable[str | int]) -> Any:
    """What stands at a path within plain data; None where there is nothing."""
    for part in path:
        if isinstance(data, Mapping):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def typed(entity: Entity) -> dict[str, str]:
    """An entity as its form would have been sent to make it."""
    kind = type(entity).__name__.lower()
    data = entity.model_dump(mode="json")
    return dict(_typed(FORMS[kind], data, ""))


def _typed(fields: Iterable[Field], data: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for field in fields:
        name = prefix + field.name
        value: Any = value_at(data, field.path) if field.name != "scope" else _scope_of(data)
        if field.type == "rows":
            for n, row in enumerate(value or []):
                yield from _typed(field.rows, row, f"{name}.{n}.")
        elif field.type == "several":
            yield from ((f"{name}.{each}", "on") for each in value or [])
        elif field.type == "each":
            yield from ((f"{name}.{code}", str(each)) for code, each in (value or {}).items())
        elif field.type == "check":
            yield from ((name, "on") for _ in range(bool(value)))
        elif value is not None:
            yield name, _as_typed(field, value)


def _as_typed(field: Field, value: Any) -> str:
    if field.name == "weekday":
        return WEEKDAYS[value - 1]
    if field.type == "time":
        return str(value)[:5]
    return str(value).replace(".", ",") if field.type == "decimal" else str(value)


def _scope_of(grant: Mapping[str, Any]) -> str | None:
    return next((f"{kind}:{grant[kind]}" for kind in ("unit", "centre") if grant.get(kind)), None)


def rows_of(sent: Sent, field: Field) -> list[int]:
    """The numbers of the rows in which something was typed, in the order of what they are put in order by."""
    start = re.compile(re.escape(field.name) + r"\.([0-9]{1,3})\.")
    found = {int(match[1]) for key, value in sent.items() if value.strip() and (match := start.match(key))}
    kept = (n for n in found if f"{field.name}.{n}._drop" not in sent)
    return sorted(kept, key=lambda n: (sent.get(f"{field.name}.{n}.{field.by}", ""), n))


@dataclass(frozen=True)
class Filled:
    """What a filled-in form says, as plain data, and at which rows of the form the rows of the data stand.

    `empty` are the controls that were shown, must be filled in, and were not: the entity's own default, which nobody
    was shown, does not take their place.
    """

    data: dict[str, Any]
    rows: dict[str, list[int]]
    empty: tuple[str, ...] = ()

    def place(self, kind: str, path: PathOf) -> str:
        """The name of the control for a path of the entity: the control itself, else what it stands in."""
        fields = FORMS[kind]
        for field in fields:
            if path[: len(field.path)] == field.path:
                return self._within(field, field.name, path[len(field.path) :])
        # A text or the ages as a whole: told at the first of its parts.
        return next((f.name for f in fields if path and f.path[0] == path[0]), "form")

    def _within(self, field: Field, control: str, rest: PathOf) -> str:
        if field.type == "each" and rest:
            return f"{control}.{rest[0]}"
        if field.type != "rows" or not rest or not isinstance(rest[0], int):
            return control
        row = f"{control}.{self.rows[field.name][rest[0]]}"
        if len(rest) > 1:
            name = "scope" if field.name == "grants" and rest[1] in ("unit", "centre") else rest[1]
            return next((self._within(f, f"{row}.{f.name}", rest[2:]) for f in field.rows if f.name == name), row)
        return row


def filled(kind: str, sent: Sent) -> Filled:
    """What was sent with the form of a kind. Nothing is judged: what is not a number stays a text."""
    data: dict[str, Any] = {}
    rows: dict[str, list[int]] = {}
    empty: list[str] = []
    for field in FORMS[kind]:
        if field.type == "rows":
            numbers = rows[field.name] = rows_of(sent, field)
            data[field.name] = [_row(field, sent, n) for n in numbers]
            empty += [name for n in numbers for name in _empty(field.rows, sent, f"{field.name}.{n}.")]
            continue
        value = _value(field, sent, field.name)
        if value is not None:
            inner = data
            for part in field.path[:-1]:
                inner = inner.setdefault(part, {})
            inner[field.path[-1]] = value
    return Filled(data, rows, (*_empty(FORMS[kind], sent, ""), *empty))


def _empty(fields: Iterable[Field], sent: Sent, prefix: str) -> Iterator[str]:
    for field in fields:
        name = prefix + field.name
        # What a role is held for depends on the role.
        if field.needed and field.name != "scope" and name in sent and not sent[name].strip():
            yield name


def settled(kind: str, said: Filled, before: Entity | None) -> dict[str, Any]:
    """The data with what was chosen before in its old order: browsers send choices in the order of the page."""
    old = before.model_dump(mode="json") if before else {}
    made = _settled(FORMS[kind], said.data, old)
    for field in FORMS[kind]:
        if field.type == "rows":
            rows = zip(made[field.name], said.rows[field.name], strict=True)
            made[field.name] = [_settled(field.rows, row, value_at(old, (field.name, n)) or {}) for row, n in rows]
    return made


def _settled(fields: Iterable[Field], data: dict[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(data)
    for field in fields:
        if field.type == "several" and field.name in made:
            order, new = old.get(field.name, []), made[field.name]
            made[field.name] = [v for v in order if v in new] + [v for v in new if v not in order]
    return made


def _row(field: Field, sent: Sent, n: int) -> dict[str, Any]:
    made = {f.name: _value(f, sent, f"{field.name}.{n}.{f.name}") for f in field.rows}
    made = {name: value for name, value in made.items() if value is not None}
    if "weekday" in made:
        made["weekday"] = WEEKDAYS.index(made["weekday"]) + 1 if made["weekday"] in WEEKDAYS else made["weekday"]
    if scope := made.pop("scope", None):
        name, _, value = scope.partition(":")
        made["centre" if name == "centre" else "unit"] = value
    return made


def _value(field: Field, sent: Sent, name: str) -> Any:
    """The value of a field; None where nothing was typed."""
    text = sent.get(name, "").replace("\r\n", "\n").strip()
    if field.type == "check":
        return name in sent
    if field.type == "several":
        return [key.removeprefix(f"{name}.") for key, value in sent.items() if key.startswith(f"{name}.") and value]
    if field.type == "each":
        return _each(sent, name)
    if field.type == "decimal":
        text = text.replace(",", ".")
    if field.type == "phone":
        text = _number(text)
    return text or None


def _number(text: str) -> str:
    """A telephone number as the register has it; what is none as it was typed, to be refused as such."""
    try:
        return addresses.phone(text)
    except addresses.CostsTheCaller:
        # A municipality's own may cost what it likes to call.
        return addresses.number(text)
    except ValueError:
        return text


def share_sum(sent: Sent, name: str) -> int:
    """What whole numbers per municipality add up to; what is none counts as nothing."""
    return sum(int(value) for value in _each(sent, name).values() if re.fullmatch("[0-9]{1,9}", value))


def _each(sent: Sent, name: str) -> dict[str, str]:
    """What was typed per municipality; people write `40 %`."""
    of = {key.removeprefix(f"{name}."): value.strip() for key, value in sent.items() if key.startswith(f"{name}.")}
    return {code: value.removesuffix("%").strip() for code, value in of.items() if value}


Wrong = tuple[PathOf, str, str]
FILL_IN = ("fyll i det här", "fill this in")


def entity_of(kind: str, data: dict[str, Any]) -> tuple[Entity | None, list[Wrong]]:
    """The entity that plain data make, and what is wrong with them: path, and what to do in Swedish and in English.

    Of faulty ones the entity is what can be read; None where that is too little.
    """
    model: Any = EVENTS[kind].data
    whole = {**data, "version": 1}
    try:
        entity: Entity = model.model_validate(whole)
    except ValidationError as error:
        wrong = [_in_plain_words(problem) for problem in error.errors()]
        return partly(model, whole, [path for path, _, _ in wrong]), wrong
    return entity, []


def _in_plain_words(problem: Any) -> Wrong:
    path: PathOf = tuple(part for part in problem["loc"] if part != "[key]")
    if problem["type"] == "missing":
        return path, *FILL_IN
    if problem["type"] == "string_pattern_mismatch":
        return path, "skriv som i exemplet", "write it as in the example"
    if path[-1] == "weekday" or problem["type"] == "literal_error":
        return path, "välj något i listan", "choose one of the list"
    return path, *what_it_must_be(path, problem)


def new_id(kind: str, data: Mapping[str, Any], taken: Collection[str]) -> str:
    """An id for a new entity, made of its name, that no other of its kind has."""
    if kind == "schedule":
        wanted = f"{data.get('advisor', '')}-{str(data.get('valid_from', date.min))[:7]}"
    else:
        name = data.get("name") or ""
        wanted = name.get("sv", "") if isinstance(name, Mapping) else name
    plain = unicodedata.normalize("NFKD", wanted.lower()).encode("ascii", "ignore").decode()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:56].rstrip("-") or kind
    return next(
        made for n in range(1, len(taken) + 3) if (made := f"{stem}-{n}" if n > 1 else stem) not in {*taken, TAKEN_ID}
    )


def blank(kind: str) -> dict[str, str]:
    """What stands in the form of an entity that is to be added: the defaults of its fields."""
    made: dict[str, str] = {}
    for field in FORMS[kind]:
        model: Any = EVENTS[kind].data
        default = model.model_fields[field.path[0]]
        if len(field.path) == 1 and not default.is_required() and isinstance(default.default, str | int):
            if field.type == "check":
                made |= {field.name: "on"} if default.default else {}
            else:
                made[field.name] = str(default.default)
    return made
