"""An entity in words: its facts, line by line, and what one state of it has that another has not. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from babel import Locale

from directory.events import Entity
from directory.forms import FORMS, Field, value_at
from directory.rules.register import WEEKDAYS, Register
from kit.language import Language

# A text by its key, in the reader's language. Raises KeyError.
Text = Callable[..., str]


class Words:
    """What things are called in one language, with the register's names for what it holds."""

    def __init__(self, register: Register, language: Language, text: Text) -> None:
        self.register = register
        self.language = language
        self.text = text
        self._languages: Mapping[str, str] = Locale(language).languages

    def label(self, kind: str, field: Field) -> str:
        """What a field is called."""
        try:
            return self.text(f"f_{kind}_{field.name}")
        except KeyError:
            return self.text(f"f_{field.name}")

    def hint(self, kind: str, field: Field) -> str:
        """What helps to fill a field in; often nothing."""
        for key in (f"h_{kind}_{field.name}", f"h_{field.name}"):
            try:
                return self.text(key)
            except KeyError:
                continue
        return ""

    def choice(self, field: Field, value: str) -> str:
        """One of a field's values."""
        if field.of == "language":
            return self._languages.get(value, value)
        if field.of == "scope":
            kind, _, scope = value.partition(":")
            return self.called(kind, scope) if kind in ("unit", "centre") else value
        if isinstance(field.of, str):
            return self.called(field.of, value)
        # What is none of the values is written by hand, and told at its field.
        return self.text(f"o_{value}") if value in field.of else value

    def called(self, kind: str, entity_id: str) -> str:
        """The name of an entity; its id where it is not known."""
        entity = self.register.of(kind).get(entity_id)
        return self.name(entity) if entity else entity_id

    def name(self, entity: Any) -> str:
        """What an entity is called where its kind is known."""
        match type(entity).__name__:
            case "Unit":
                return f"{entity.name}, {self.called('municipality', entity.municipality)}"
            case "Schedule":
                return f"{self.called('advisor', entity.advisor)}, {self.text('from_day', day=entity.valid_from)}"
            case "Offering":
                return (entity.name.en if self.language == "en" else None) or str(entity.name.sv)
        return str(entity.name)


def lines(words: Words, field: Field, data: Mapping[str, Any]) -> list[str]:
    """A field's value in words: none where nothing is there, more than one where it is a list of rows."""
    value = value_at(data, field.path)
    if field.type == "check":
        return [words.text("yes" if value else "no")]
    if value in (None, "", [], {}):
        return []
    if field.type == "rows":
        return [_row(words, field, row) for row in value]
    if field.type == "several":
        return [words.choice(field, each) for each in value]
    if field.type == "each":
        return [f"{words.called('municipality', code)}: {_each(words, field, v)}" for code, v in value.items()]
    return [_single(words, field, value)]


def _each(words: Words, field: Field, value: Any) -> str:
    return words.choice(field, value) if field.of else f"{value} %"


def _single(words: Words, field: Field, value: Any) -> str:
    if field.name == "weekday":
        return words.text(f"o_{WEEKDAYS[value - 1]}")
    if field.type == "choice":
        return words.choice(field, value)
    if field.type == "time":
        text = "24:00" if field.name == "end" and value == "00:00:00" else str(value)[:5]
        return text.replace(":", "." if words.language == "sv" else ":")
    if field.type == "decimal":
        return str(value).replace(".", "," if words.language == "sv" else ".")
    return str(value)


def _row(words: Words, field: Field, row: Mapping[str, Any]) -> str:
    """One row on one line: `måndag, 09.00–12.00, besök, telefon, BVC Hörby`, or `barn: 900; källa: SCB; …`."""
    # A number says nothing without what it counts, and a name beside numbers little.
    if any(part.type in ("whole", "decimal") for part in field.rows):
        told = [(words.text(f"f_{part.name}").lower(), lines(words, part, row)) for part in field.rows]
        return "; ".join(f"{label}: {', '.join(found)}" for label, found in told if found)
    said: dict[str, str] = {}
    for part in field.rows:
        if part.name == "scope":
            scope = row.get("unit") or row.get("centre")
            if scope:
                said["scope"] = words.called("unit" if row.get("unit") else "centre", scope)
        elif part.type == "check":
            said |= {part.name: words.text(f"o_{part.name}")} if row.get(part.name) else {}
        elif found := lines(words, part, row):
            said[part.name] = ", ".join(found)
    for first, last in (("start", "end"), ("first", "last")):
        if first in said and last in said:
            end = said.pop(last)
            said[first] = said[first] if said[first] == end else f"{said[first]}–{end}"
    return ", ".join(said.values())


def facts(words: Words, entity: Entity) -> list[tuple[str, list[str]]]:
    """Every field that says something, by its label."""
    kind = type(entity).__name__.lower()
    data = entity.model_dump(mode="json")
    made = [(words.label(kind, field), lines(words, field, data)) for field in FORMS[kind]]
    return [(label, said) for label, said in made if said]


@dataclass(frozen=True)
class Difference:
    """What a field has lost and won from one state to the next."""

    label: str
    gone: list[str]
    new: list[str]


def differences(words: Words, before: Entity | None, after: Entity) -> list[Difference]:
    """What differs between two states of an entity; everything is new where there was none."""
    return list(_differences(words, before, after))


def _differences(words: Words, before: Entity | None, after: Entity) -> Iterator[Difference]:
    kind = type(after).__name__.lower()
    old, new = (entity.model_dump(mode="json") if entity else {} for entity in (before, after))
    for field in FORMS[kind]:
        was = lines(words, field, old) if before else []
        now = lines(words, field, new)
        if was == now or (before is None and field.type == "check" and not value_at(new, field.path)):
            continue
        gone, won = [one for one in was if one not in now], [one for one in now if one not in was]
        # Only the order changed, or the same is there once more.
        yield Difference(words.label(kind, field), gone or (was if not won else []), won or (now if not gone else []))
