"""The register as a file of the import format, which brings it back as it is."""

import asyncio
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from directory import editing, rights
from directory.editing import kind_of
from directory.events import Entity, Staff
from directory.rules.agreement import Remit
from directory.rules.register import WEEKDAYS, Register
from directory.tables import KINDS
from kit import database

# What the register counts and notes itself.
_ITS_OWN = {"version", "sessions_after"}


def export(register: Register, mine: Remit) -> str:
    """What somebody answers for, ended entities too, as YAML; of staff those alone whose every role is theirs."""
    kinds = [register.of(event.name).values() for event in KINDS.values()]
    return as_yaml(entity for kind in kinds for entity in kind if _is_theirs(register, mine, entity))


def _is_theirs(register: Register, mine: Remit, entity: Entity) -> bool:
    if isinstance(entity, Staff):
        return rights.owns(register, mine, entity)
    return rights.concerns(register, mine, entity)


def as_yaml(entities: Iterable[Entity]) -> str:
    """Entities as a file, in lists by kind, each by id."""
    lists: dict[str, list[dict[str, Any]]] = {plural: [] for plural in KINDS}
    plural_of = {event.name: plural for plural, event in KINDS.items()}
    for entity in sorted(entities, key=lambda entity: entity.id):
        lists[plural_of[kind_of(entity)]].append(_plain(entity))
    said = {plural: listed for plural, listed in lists.items() if listed}
    text: str = yaml.dump(said, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)
    return text


def _plain(entity: Entity) -> dict[str, Any]:
    """An entity's fields as a file has them; what has the value that it would have anyway is left out."""
    made_by = type(entity).model_fields.items()
    defaults = {
        name: field.get_default(call_default_factory=True) for name, field in made_by if not field.is_required()
    }
    # Defaults are left out of the whole and not of its parts: a part says little enough as it is.
    left_out = _ITS_OWN | {name for name, default in defaults.items() if getattr(entity, name) == default}
    plain = _without_none(entity.model_dump(mode="json", exclude=left_out))
    for block in plain.get("weekly", ()):
        block["weekday"] = WEEKDAYS[block["weekday"] - 1]
    for part in (*plain.get("weekly", ()), *plain.get("exceptions", ())):
        part |= {name: part[name].removesuffix(":00") for name in ("start", "end") if name in part}
        if part.get("end") == "00:00":
            part["end"] = "24:00"
    return {"id": plain.pop("id"), **plain}


class _Dumper(yaml.SafeDumper):
    """Without references, which are no part of the format."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - of nothing
        return True


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_none(inner) for name, inner in value.items() if inner is not None}
    return [_without_none(inner) for inner in value] if isinstance(value, list) else value


async def main(database_url: str) -> None:
    """Print the whole register."""
    async with database.opened(database_url) as engine, engine.connect() as connection:
        known = await editing.read(connection)
    everything = Remit(everything=True, units=frozenset(), municipalities=frozenset())
    await asyncio.to_thread(sys.stdout.write, export(known, everything))
