"""The import format: YAML whose every value remembers its line. Described field by field in deploy/demo/README.md.

All values are read as text and typed by the field that they are for: YAML's own guesses would make an octal number of
the municipality 0182 and 750 of the time 12:30.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from directory.events import Entity
from directory.partly import partly
from directory.rules.register import WEEKDAYS, PathOf
from directory.tables import KINDS
from kit.language import Language
from kit.problems import told

EMPTY = ("", "~", "null")
# Lists and mappings within each other. The format has seven; each more costs the scanner as much as all above it.
DEEPEST = 20
# Whoever has so many faults to put right is told of more when these are.
MOST_FAULTS = 200


@dataclass(frozen=True, order=True)
class Fault:
    """Something to put right, and where. Lines count from 1."""

    file: str
    line: int
    message: str
    sv: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"

    def text(self, language: Language) -> str:
        """What is wrong, in the reader's language."""
        return self.sv if language == "sv" else self.message


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

    def fault(self, path: PathOf, sv: str, en: str) -> Fault:
        """What is wrong with a field, or with what it would stand in."""
        who = f"{self.kind} {self.entity.id}"
        return Fault(self.file, self.line(path), f"{who}: {en}", f"{who}: {sv}")


@dataclass
class Reading:
    """All files together: what was understood, what was not, and which entities the latter were; `partly` is what can
    be read of these.

    It is `cut` where there were so many faults that it ends with them.
    """

    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    partly: dict[tuple[str, str], Entry] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    unreadable: set[tuple[str, str]] = field(default_factory=set)
    cut: bool = False


def read(paths: Sequence[Path]) -> Reading:
    """Read files of the import format. Faults are collected, not raised."""
    reading = Reading()
    for path in paths:
        _read_file(reading, path)
    return reading


def read_bytes(file: str, content: bytes) -> Reading:
    """Read what was sent in place of a file; `file` is what to call it."""
    reading = Reading()
    _read_content(reading, file, content)
    return reading


def _read_file(reading: Reading, path: Path) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        en = f"cannot be read: {error.strerror}"
        reading.faults.append(Fault(str(path), 1, en, f"kan inte läsas: {error.strerror}"))
        return
    _read_content(reading, str(path), content)


def _read_content(reading: Reading, file: str, content: bytes) -> None:
    def wrong(line: int, sv: str, en: str) -> None:
        reading.faults.append(Fault(file, line, en, sv))

    try:
        # As in a file that was written by Windows' Notepad.
        root = _compose(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        wrong(1, "är inte text i UTF-8: spara den som UTF-8", "is not UTF-8 text: save it as UTF-8")
        return
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or (str(error).splitlines() or [""])[0]
        line = mark.line + 1 if mark else 1
        wrong(line, f"är inte giltig YAML: {problem}", f"is not valid YAML: {problem}")
        return
    if not isinstance(root, yaml.MappingNode):
        lists = ", ".join(KINDS)
        wrong(1, f"måste innehålla listor med namn: {lists}", f"must hold lists by name: {lists}")
        return
    _read_lists(reading, file, root)


def _read_lists(reading: Reading, file: str, root: yaml.MappingNode) -> None:
    seen: dict[str, int] = {}
    for key, value in root.value:
        line = key.start_mark.line + 1
        name = _scalar(key) or ""
        if name in seen:
            sv, en = _twice(name, seen[name])
            reading.faults.append(Fault(file, line, en, sv))
        elif name not in KINDS:
            sv, en = _unknown(name, list(KINDS), ("ingen lista", "list"))
            reading.faults.append(Fault(file, line, en, sv))
        elif isinstance(value, yaml.SequenceNode):
            for node in value.value:
                if len(reading.faults) >= MOST_FAULTS:
                    reading.cut = True
                    en = "there is more to put right from here on: begin with what is above"
                    sv = "det finns mer att rätta härifrån: börja med det som står ovanför"
                    reading.faults.append(Fault(file, node.start_mark.line + 1, en, sv))
                    return
                _read_entity(reading, file, name, node)
        elif _scalar(value) is not None or not isinstance(value, yaml.ScalarNode):
            sv = f"{name} måste vara en lista, varje post efter ett streck"
            reading.faults.append(Fault(file, line, f"{name} must be a list, each entry after a dash", sv))
        seen.setdefault(name, line)


class _Loader(yaml.BaseLoader):
    """Text only, not deep, and without references: a value stands where it is read."""

    flow_level: int
    indents: list[int]

    def fetch_flow_collection_start(self, token_class: Any) -> None:
        self._refuse_deeper()
        super().fetch_flow_collection_start(token_class)

    def add_indent(self, column: int) -> bool:
        self._refuse_deeper()
        added: bool = super().add_indent(column)
        return added

    def _refuse_deeper(self) -> None:
        """Before the scanner looks further: it does so for as long as what it has begun may be a key."""
        if self.flow_level + len(self.indents) > DEEPEST:
            raise yaml.MarkedYAMLError(
                problem=f"more than {DEEPEST} lists and mappings within each other",
                problem_mark=self.get_mark(),
            )

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
        en = f"{plural}: each entry must be a mapping of fields, beginning with id"
        sv = f"{plural}: varje post måste vara fält med värden, med id först"
        reading.faults.append(Fault(file, line, en, sv))
        return
    lines: dict[PathOf, int] = {(): line}
    doubles: list[tuple[int, str, int]] = []
    raw = _plain(node, (), lines, doubles)
    entity_id = raw.get("id")
    key = (event.name, entity_id if isinstance(entity_id, str) else f"at line {line}")
    who = " ".join(key)

    def wrong(at: int, sv: str, en: str) -> None:
        reading.faults.append(Fault(file, at, f"{who}: {en}", f"{who}: {sv}"))

    for at, name, first_at in doubles:
        wrong(at, *_twice(name, first_at))
    entity, rest = _entity(event.data, raw, lines, wrong)
    if first := reading.entries.get(key) or reading.partly.get(key):
        place = f"{first.file}:{first.line(('id',))}"
        wrong(_line(lines, ("id",)), f"står här två gånger (först på {place})", f"is here twice (first at {place})")
    elif entity is not None:
        reading.entries[key] = Entry(event.name, entity, file, lines)
    else:
        reading.unreadable.add(key)
        if rest is not None:
            reading.partly[key] = Entry(event.name, rest, file, lines)


Wrong = Callable[[int, str, str], None]


def _entity(
    model: Any, raw: dict[str, Any], lines: dict[PathOf, int], wrong: Wrong
) -> tuple[Entity | None, Entity | None]:
    """The entity that was written; else, where `wrong` is told why, nothing and what can be read of it."""
    for name in ("version", "sessions_after"):
        if name in raw:
            en = f"{name} is kept by the register: leave it out"
            wrong(lines[name,], f"{name} sköts av registret: utelämna det", en)
    raw["version"] = 1
    data = _weekdays(raw)
    try:
        return model.model_validate(data), None
    except ValidationError as error:
        faulty = []
        for problem in error.errors():
            path, sv, en = in_plain_words(model, problem)
            faulty.append(path)
            if problem["type"] == "missing" and path in lines:
                sv, en = f"{_dotted(path)} är tomt", f"{_dotted(path)} is empty"
                if path[-1] == "accent":
                    sv += ": ett värde som börjar med # måste stå inom citattecken"
                    en += ": a value that begins with # must stand in quotes"
            wrong(_line(lines, path), sv, en)
        return None, partly(model, data, faulty)


def _line(lines: dict[PathOf, int], path: PathOf) -> int:
    while path not in lines:
        path = path[:-1]
    return lines[path]


def _plain(node: yaml.Node, path: PathOf, lines: dict[PathOf, int], doubles: list[tuple[int, str, int]]) -> Any:
    """The node as plain values, with the line of each in `lines`. What is empty is left out, as if not written."""
    if isinstance(node, yaml.MappingNode):
        made: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            name = _scalar(key) or ""
            if (*path, name) in lines:
                doubles.append((line, name, lines[*path, name]))
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
    "string_type": ("en text", "a text"),
    "list_type": ("en lista", "a list"),
    "model_": ("fält med värden", "a mapping of fields"),
    "dict_type": ("namn med värden", "a mapping"),
    "bool_": ("true eller false", "true or false"),
    "int_": ("ett heltal", "a whole number"),
    "float_": ("ett tal", "a number"),
    "finite_number": ("ett tal", "a number"),
    "date_": ("en dag som 2026-08-31", "a day like 2026-08-31"),
    "time_": ('en tid som "09:00"', 'a time like "09:00"'),
}
# The same for what pydantic says well enough in English.
_LIMITS = {
    "greater_than": ("större än", "gt"),
    "greater_than_equal": ("minst", "ge"),
    "less_than": ("mindre än", "lt"),
    "less_than_equal": ("högst", "le"),
}


def in_plain_words(model: type[BaseModel], problem: Any) -> tuple[PathOf, str, str]:
    """Where a field is wrong, and what to do about it in Swedish and in English; `problem` is one of pydantic's."""
    path: PathOf = tuple(part for part in problem["loc"] if part != "[key]")
    name, kind = _dotted(path), problem["type"]
    if kind == "missing":
        return path, f"{name} saknas", f"{name} is missing"
    if kind == "extra_forbidden":
        return path, *_unknown(name, _fields(model, path[:-1]), ("inget fält", "field"))
    sv, en = what_it_must_be(path, problem)
    value = problem.get("input")
    if isinstance(value, str):
        return path, f"{name} är {value}: {sv}", f"{name} is {value}: {en}"
    return path, f"{name}: {sv}", f"{name}: {en}"


def what_it_must_be(path: PathOf, problem: Any) -> tuple[str, str]:
    """`must be a whole number`, in Swedish and in English, for one of pydantic's problems."""
    kind, context = problem["type"], problem.get("ctx", {})
    must = next((text for start, text in _MUST_BE.items() if kind.startswith(start)), None)
    if path[-1] == "weekday":
        names = ", ".join(WEEKDAYS)
        must = (f"en av {names}", f"one of {names}")
    elif kind == "literal_error":
        expected = context["expected"].replace("'", "")
        must = (expected.replace(" or ", " eller "), expected)
    elif kind == "string_pattern_mismatch":
        must = (f"skrivet efter mönstret {context['pattern']}", f"written after the pattern {context['pattern']}")
    if must:
        return f"måste vara {must[0]}", f"must be {must[1]}"
    if kind in _LIMITS:
        words, limit = _LIMITS[kind]
        return f"måste vara {words} {context[limit]}", problem["msg"][0].lower() + problem["msg"][1:]
    sv, en = (f"{text[0].lower()}{text[1:]}".rstrip(".") for text in told(problem))
    return sv, en


def _twice(name: str, line: int) -> tuple[str, str]:
    return (
        f"{name} står här en andra gång (först på rad {line})",
        f"{name} stands here a second time (first at line {line})",
    )


def _dotted(path: PathOf) -> str:
    """`weekly[2].start`, counted from 1 as people do."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _unknown(name: str, known: Sequence[str], what: tuple[str, str]) -> tuple[str, str]:
    sv, en = f"det finns {what[0]} {name}", f"there is no {what[1]} {name}"
    if close := get_close_matches(name.rsplit(".", 1)[-1], known, 1):
        return f"{sv}: menade du {close[0]}?", f"{en}: did you mean {close[0]}?"
    return f"{sv}, bara {', '.join(known)}", f"{en}, only {', '.join(known)}"


def _fields(model: Any, path: PathOf) -> Sequence[str]:
    """The names of the fields of the model that stands at `path` within `model`."""
    for part in path:
        if isinstance(part, str):
            annotation = model.model_fields[part].annotation
            inner = [a for a in (annotation, *getattr(annotation, "__args__", ())) if hasattr(a, "model_fields")]
            model = inner[0]
    return [name for name in model.model_fields if name != "version"]
