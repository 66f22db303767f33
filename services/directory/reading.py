"""The import format: YAML whose every value remembers its line. Described field by field in deploy/demo/README.md.

All values are read as text and typed by the field that they are for: YAML's own guesses would make an octal number of
the municipality 0182 and 750 of the time 12:30.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from directory.events import Entity
from directory.rules import WEEKDAYS, PathOf
from directory.tables import KINDS

EMPTY = ("", "~", "null")


@dataclass(frozen=True, order=True)
class Fault:
    """Something to put right, and where. Lines count from 1."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Entry:
    """An entity as a file gives it; its version is not known there and stands as 1."""

    kind: str
    entity: Entity
    file: str
    lines: dict[PathOf, int]

    def line(self, path: PathOf) -> int:
        """The line of a field, or of what it would stand in."""
        while path not in self.lines:
            path = path[:-1]
        return self.lines[path]


@dataclass
class Reading:
    """All files together: what was understood, what was not, and which entities the latter were."""

    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    unreadable: set[tuple[str, str]] = field(default_factory=set)


def read(paths: Sequence[Path]) -> Reading:
    """Read files of the import format. Faults are collected, not raised."""
    reading = Reading()
    for path in paths:
        _read_file(reading, path)
    return reading


def _read_file(reading: Reading, path: Path) -> None:
    file = str(path)
    try:
        root = _compose(path.read_text(encoding="utf-8"))
    except OSError as error:
        reading.faults.append(Fault(file, 1, f"cannot be read: {error.strerror}"))
        return
    except UnicodeDecodeError:
        reading.faults.append(Fault(file, 1, "is not UTF-8 text: save it as UTF-8"))
        return
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        reading.faults.append(Fault(file, mark.line + 1 if mark else 1, f"is not valid YAML: {problem}"))
        return
    if not isinstance(root, yaml.MappingNode):
        reading.faults.append(Fault(file, 1, f"must hold lists by name: {', '.join(KINDS)}"))
        return
    _read_lists(reading, file, root)


def _read_lists(reading: Reading, file: str, root: yaml.MappingNode) -> None:
    seen: dict[str, int] = {}
    for key, value in root.value:
        line = key.start_mark.line + 1
        name = _scalar(key) or ""
        if name in seen:
            reading.faults.append(Fault(file, line, f"{name} stands here a second time (first at line {seen[name]})"))
        elif name not in KINDS:
            reading.faults.append(Fault(file, line, _unknown(name, list(KINDS), "list")))
        elif isinstance(value, yaml.SequenceNode):
            for node in value.value:
                _read_entity(reading, file, name, node)
        elif _scalar(value) is not None or not isinstance(value, yaml.ScalarNode):
            reading.faults.append(Fault(file, line, f"{name} must be a list, each entry after a dash"))
        seen.setdefault(name, line)


class _Loader(yaml.BaseLoader):
    """Text only, and without references: a value stands where it is read."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            mark: Any = event.start_mark
            raise yaml.MarkedYAMLError(
                problem="references (*name) are not part of the format: write it out", problem_mark=mark
            )
        return super().compose_node(parent, index)


def _compose(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _scalar(node: yaml.Node) -> str | None:
    """The text of a node; None where there is none."""
    if isinstance(node, yaml.ScalarNode) and (node.style is not None or node.value not in EMPTY):
        text: str = node.value
        return text
    return None


def _read_entity(reading: Reading, file: str, plural: str, node: yaml.Node) -> None:
    event = KINDS[plural]
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.MappingNode):
        reading.faults.append(Fault(file, line, f"{plural}: each entry must be a mapping of fields, beginning with id"))
        return
    lines: dict[PathOf, int] = {(): line}
    doubles: list[tuple[int, str]] = []
    raw = _plain(node, (), lines, doubles)
    entity_id = raw.get("id")
    key = (event.name, entity_id if isinstance(entity_id, str) else f"at line {line}")
    who = " ".join(key)
    faults = [Fault(file, at, f"{who}: {message}") for at, message in doubles]
    entity: Any = None
    faults += [
        Fault(file, lines[name,], f"{who}: {name} is kept by the register: leave it out")
        for name in ("version", "sessions_after")
        if name in raw
    ]
    raw["version"] = 1
    try:
        entity = event.data.model_validate(_weekdays(raw))
    except ValidationError as error:
        for problem in error.errors():
            path, message = _in_plain_words(event.data, problem)
            if problem["type"] == "missing" and path in lines:
                message = f"{_dotted(path)} is empty"
                if path[-1] == "accent":
                    message += ": a value that begins with # must stand in quotes"
            faults.append(Fault(file, _line(lines, path), f"{who}: {message}"))
    if key in reading.entries:
        first = reading.entries[key]
        faults.append(
            Fault(file, _line(lines, ("id",)), f"{who}: is here twice (first at {first.file}:{first.line(('id',))})")
        )
    elif entity is not None:
        reading.entries[key] = Entry(event.name, entity, file, lines)
    else:
        reading.unreadable.add(key)
    reading.faults.extend(faults)


def _line(lines: dict[PathOf, int], path: PathOf) -> int:
    while path not in lines:
        path = path[:-1]
    return lines[path]


def _plain(node: yaml.Node, path: PathOf, lines: dict[PathOf, int], doubles: list[tuple[int, str]]) -> Any:
    """The node as plain values, with the line of each in `lines`. What is empty is left out, as if not written."""
    if isinstance(node, yaml.MappingNode):
        made: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            name = _scalar(key) or ""
            if (*path, name) in lines:
                doubles.append((line, f"{name} stands here a second time (first at line {lines[*path, name]})"))
                continue
            lines[*path, name] = line
            inner = _plain(value, (*path, name), lines, doubles)
            if inner is not None:
                made[name] = inner
        return made
    if isinstance(node, yaml.SequenceNode):
        items = []
        for n, value in enumerate(node.value):
            lines[*path, n] = value.start_mark.line + 1
            items.append(_plain(value, (*path, n), lines, doubles))
        return items
    return _scalar(node)


def _weekdays(raw: dict[str, Any]) -> dict[str, Any]:
    """`monday` becomes 1; what is not a weekday's name stays, and is refused as such."""
    for block in raw["weekly"] if isinstance(raw.get("weekly"), list) else ():
        if isinstance(block, dict) and isinstance(block.get("weekday"), str):
            name = block["weekday"].lower()
            # Numbers are refused: people count from Sunday, from Monday, from 0 and from 1.
            block["weekday"] = WEEKDAYS.index(name) + 1 if name in WEEKDAYS else f"“{name}”"
    return raw


# By the beginning of pydantic's error type: what a value must be.
_MUST_BE = {
    "string_type": "a text",
    "list_type": "a list",
    "model_": "a mapping of fields",
    "dict_type": "a mapping",
    "bool_": "true or false",
    "int_": "a whole number",
    "float_": "a number",
    "finite_number": "a number",
    "date_": "a day like 2026-08-31",
    "time_": 'a time like "09:00"',
}


def _in_plain_words(model: type[BaseModel], problem: Any) -> tuple[PathOf, str]:
    """Where a field is wrong, and what to do about it."""
    path: PathOf = tuple(part for part in problem["loc"] if part != "[key]")
    name, kind, context = _dotted(path), problem["type"], problem.get("ctx", {})
    if kind == "missing":
        return path, f"{name} is missing"
    if kind == "extra_forbidden":
        return path, _unknown(name, _fields(model, path[:-1]), "field")
    must = next((text for start, text in _MUST_BE.items() if kind.startswith(start)), None)
    if path[-1] == "weekday":
        must = f"one of {', '.join(WEEKDAYS)}"
    elif kind == "literal_error":
        must = context["expected"].replace("'", "")
    elif kind == "string_pattern_mismatch":
        must = f"written after the pattern {context['pattern']}"
    wish = f"must be {must}" if must else problem["msg"][0].lower() + problem["msg"][1:]
    value = problem.get("input")
    return path, f"{name} is {value}: {wish}" if isinstance(value, str) else f"{name}: {wish}"


def _dotted(path: PathOf) -> str:
    """`weekly[2].start`, counted from 1 as people do."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _unknown(name: str, known: Sequence[str], what: str) -> str:
    close = get_close_matches(name.rsplit(".", 1)[-1], known, 1)
    return f"there is no {what} {name}" + (f": did you mean {close[0]}?" if close else f", only {', '.join(known)}")


def _fields(model: Any, path: PathOf) -> Sequence[str]:
    """The names of the fields of the model that stands at `path` within `model`."""
    for part in path:
        if isinstance(part, str):
            annotation = model.model_fields[part].annotation
            inner = [a for a in (annotation, *getattr(annotation, "__args__", ())) if hasattr(a, "model_fields")]
            model = inner[0]
    return [name for name in model.model_fields if name != "version"]
