"""The controls of a form: what was typed, what there is to choose from, and what each is called. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from directory.events import Entity, Staff
from directory.forms import FORMS, LANGUAGES, Field, Sent, share_sum, typed
from directory.rights import concerns, may_grant, owns
from directory.rules.agreement import Remit
from directory.rules.register import Register
from directory.showing import Words, facts
from directory.submitting import OF_THE_WHOLE_PERSON

# References that say whose an entity is: only what one answers for can be chosen.
OWNING = {("centre", "municipality"), ("advisor", "unit"), ("offering", "unit"), ("schedule", "advisor")} | {
    ("staff", "advisor")
}


@dataclass(frozen=True)
class Option:
    """One thing to choose. `name` is that of its own control, where it has one."""

    value: str
    words: str
    chosen: bool
    name: str = ""


@dataclass(frozen=True)
class Control:
    """One control or one group of them; `type` is that of its field, or `fixed` for what is only shown."""

    name: str
    type: str
    label: str
    hint: str
    value: str = ""
    needed: bool = True
    options: list[Option] = field(default_factory=list)
    parts: list["Control"] = field(default_factory=list)
    note: str = ""


class Form:
    """Makes the controls of one form, for one person, in one language."""

    def __init__(self, words: Words, mine: Remit, kind: str, before: Entity | None) -> None:
        self.words = words
        self.register: Register = words.register
        self.mine = mine
        self.kind = kind
        self.before = before

    def controls(self, sent: Sent, more: str = "") -> list[Control]:
        """All controls, filled in as sent, with more rows in the list that is named."""
        return [self._control(f, sent, f.name, more) for f in FORMS[self.kind] if self._asked(f)]

    def others_roles(self) -> list[str]:
        """The roles of a member of staff that are others' to give."""
        if not isinstance(self.before, Staff):
            return []
        others = [g for g in self.before.grants if not may_grant(self.register, self.mine, g)]
        shown = facts(self.words, self.before.model_copy(update={"grants": others}))
        return dict(shown).get(self.words.text("f_grants"), [])

    def typed(self) -> dict[str, str]:
        """What stands in the form before anything is typed."""
        entity = self.before
        if isinstance(entity, Staff):
            mine = [g for g in entity.grants if may_grant(self.register, self.mine, g)]
            entity = entity.model_copy(update={"grants": mine})
        return typed(entity) if entity else {}

    def _asked(self, field: Field) -> bool:
        if field.name == "identity" and self._is_fixed(field):
            return False
        return not (field.once and self.before) and not (field.name == "ended" and not self.before)

    def _control(self, field: Field, sent: Sent, name: str, more: str) -> Control:
        label, hint = self.words.label(self.kind, field), self.words.hint(self.kind, field)
        made = Control(name, field.type, label, hint, sent.get(name, ""), field.needed)
        if self._is_fixed(field):
            return replace(made, type="fixed", hint=self.words.text("not_yours_field"), value=self._shown(field))
        if field.type == "rows":
            return replace(made, parts=list(self._rows(field, sent, more)))
        if field.type == "each":
            return self._each(field, sent, made)
        if field.type == "several":
            names = {value: f"{name}.{value}" for value in self._values(field, sent, name)}
            options = [Option(v, self.words.choice(field, v), n in sent, n) for v, n in names.items()]
            return replace(made, options=options)
        if field.type == "choice":
            values = self._values(field, sent, name)
            options = [Option(v, self.words.choice(field, v), v == made.value) for v in values]
            return replace(made, options=options)
        return made

    def _is_fixed(self, field: Field) -> bool:
        whole = field.name in OF_THE_WHOLE_PERSON and isinstance(self.before, Staff)
        return whole and not owns(self.register, self.mine, self.before)  # type: ignore[arg-type]

    def _shown(self, field: Field) -> str:
        value = getattr(self.before, field.name)
        return self.words.text("yes" if value else "no") if isinstance(value, bool) else str(value)

    def _rows(self, field: Field, sent: Sent, more: str) -> Iterator[Control]:
        start = re.compile(re.escape(field.name) + r"\.([0-9]{1,3})\.")
        numbers = sorted({int(match[1]) for key in sent if (match := start.match(key))})
        following = numbers[-1] + 1 if numbers else 0
        # Where a form was sent, its empty rows were sent too.
        spare = field.spare + 1 if more == field.name else 0 if "_version" in sent else field.spare
        for n in [*numbers, *range(following, following + spare)]:
            if f"{field.name}.{n}._drop" in sent:
                continue
            row = f"{field.name}.{n}"
            # What would help stands once, above the rows.
            parts = [replace(self._control(f, sent, f"{row}.{f.name}", ""), hint="") for f in field.rows]
            yield Control(row, "row", self.words.text("row", n=n + 1), "", parts=parts)

    def _each(self, field: Field, sent: Sent, made: Control) -> Control:
        parts = []
        for municipality in self._entities("municipality"):
            name = f"{made.name}.{municipality.id}"
            part = Control(name, "whole", municipality.name, "", sent.get(name, ""), needed=False)
            if field.of == "unit":
                units = [u for u in self._entities("unit") if u.municipality == municipality.id]
                if not units:
                    continue
                options = [Option(u.id, u.name, u.id == part.value) for u in units]
                part = replace(part, type="choice", options=options)
            parts.append(part)
        note = "" if field.of else self.words.text("sum", total=share_sum(sent, made.name))
        return replace(made, parts=parts, note=note)

    def _entities(self, kind: str) -> list[Any]:
        return sorted(self.register.live(kind), key=lambda entity: self.words.name(entity).casefold())

    def _values(self, field: Field, sent: Sent, name: str) -> list[str]:
        """What can be chosen, and what was chosen though it cannot be any longer."""
        chosen = [key.removeprefix(f"{name}.") for key in sent if key.startswith(f"{name}.")]
        chosen += [sent[name]] if sent.get(name) else []
        offered = self._offered(field)
        return [*offered, *(value for value in chosen if value not in offered)]

    def _offered(self, field: Field) -> list[str]:
        if isinstance(field.of, tuple):
            roles = field.name == "role" and not self.mine.everything
            return [value for value in field.of if not (roles and value == "operator")]
        if field.of == "language":
            return list(LANGUAGES)
        if field.of == "scope":
            units = [f"unit:{unit.id}" for unit in self._entities("unit") if self._may("unit", unit)]
            return units + [f"centre:{c.id}" for c in self._entities("centre") if self._may("centre", c)]
        owning = (self.kind, field.name) in OWNING
        return [e.id for e in self._entities(field.of) if not owning or self._may(field.of, e)]

    def _may(self, kind: str, entity: Any) -> bool:
        if self.mine.everything:
            return True
        if kind == "unit":
            return entity.id in self.mine.units
        if kind == "municipality":
            return entity.id in self.mine.municipalities
        return concerns(self.register, self.mine, entity)

    def labels(self, controls: list[Control], above: str = "", *, names: bool = False) -> Iterator[tuple[str, str]]:
        """What each control is called by itself, in the order of the page: `Pass varje vecka, rad 2, börjar`.

        `names` are written as they are: `Andelar i procent, Höör`.
        """
        for control in controls:
            called = ", ".join(filter(None, (above, control.label if names or not above else control.label.lower())))
            yield control.name, called
            yield from self.labels(control.parts, called, names=control.type == "each")
