"""Writes contracts/ from the code, or says what is stale: `python -m contracts.generate [--check]`.

Examples are only ever added: a stored one stays what readers were promised, whatever the code says today.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from pydantic import BaseModel, ValidationError
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from deploy.services import SERVICES, app, asks, reads
from kit.app import Answer
from kit.events import CONTENT_TYPE, CloudEvent, EventType

FOLDER = Path(__file__).parent
GENERATED = ("events", "openapi", "asyncapi")
# All examples happened then: an example must be the same whenever it is written.
EXAMPLE_TIME = datetime(2026, 3, 2, 7, tzinfo=UTC)
SUMMARIES = {
    "events": "A fact, kept for 90 days",
    "state": "An entity as it is now, whole and versioned; the last one of each is kept",
}

Json = dict[str, Any]


def publishes(service: str) -> tuple[EventType, ...]:
    """What a service publishes; nothing where it has no events.py."""
    if find_spec(f"{service}.events") is None:
        return ()
    return tuple(import_module(f"{service}.events").PUBLISHES)


def questions() -> dict[str, Answer]:
    """Every question that some service answers, by its NATS subject."""
    return {subject: answer for service in SERVICES for subject, answer in getattr(app(service), "ANSWERS", {}).items()}


def event_schema(event: EventType) -> Json:
    """JSON Schema of the whole event. Fields that it does not name are allowed: later versions may add some."""
    data = event.data.model_json_schema(mode="serialization")
    definitions = data.pop("$defs", {})
    for part in (data, *definitions.values()):
        if part.get("additionalProperties") is False:
            del part["additionalProperties"]
    constants = {
        "specversion": "1.0",
        "source": f"/{event.service}",
        "type": event.type,
        "datacontenttype": "application/json",
        "dataschema": event.schema,
    }
    properties: Json = {
        "specversion": {},
        "id": {"type": "string", "format": "uuid"},
        "source": {},
        "type": {},
        "subject": {"type": "string", "minLength": 1, "description": "the id of what the event tells of"},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {},
        "dataschema": {},
        "data": {"$ref": f"#/$defs/{event.data.__name__}"},
    }
    properties.update({name: {"const": value} for name, value in constants.items()})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": event.schema,
        "title": event.type,
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "$defs": {**definitions, event.data.__name__: data},
    }


def example(event: EventType, name: str) -> Json:
    """The whole event of one of the code's examples. The first field of its data is the id of what it tells of."""
    data = event.examples[name]
    return event.envelope(
        event_id=uuid5(NAMESPACE_URL, f"{event.schema}:{name}"),
        entity_id=str(getattr(data, next(iter(type(data).model_fields)))),
        data=data,
        now=EXAMPLE_TIME,
    )


def openapi(service: str) -> Json:
    """The OpenAPI document of a service that is made and not started, which needs no setting."""
    settings = import_module(f"{service}.settings").Settings.model_construct()
    document: Json = app(service).create_app(settings).openapi()
    return document


def asyncapi(service: str) -> Json:
    """The AsyncAPI document of a service: what it publishes, reads, answers and asks."""
    channels: Json = {}
    operations: Json = {}
    messages: Json = {}
    schemas: Json = {}
    for event in publishes(service):
        channels[event.key] = _channel(event)
        messages[event.key] = _message(event.type, {"$ref": f"../events/{event.key}/schema.json"})
        operations[f"publish.{event.key}"] = _operation("send", event.key, SUMMARIES[event.kind])
    published = {event.type: event for s in SERVICES for event in publishes(s)}
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (CloudEvent[handler.data], "validation")  # type: ignore[name-defined]
        for read in reads(service)
        for handler in read.handlers.values()
    ]
    asked = {subject: questions()[subject] for subject in [*getattr(app(service), "ANSWERS", {}), *asks(service)]}
    for answer in asked.values():
        models += [(answer.question, "validation"), *((model, "serialization") for model in answer.answers)]
    refs, found = models_json_schema(models, ref_template="#/components/schemas/{model}")
    schemas.update(found.get("$defs", {}))
    for read in reads(service):
        for kind, handler in read.handlers.items():
            event = published[kind]
            channels[event.key] = _channel(event)
            # Only the fields that this reader uses: the event itself is under contracts/events/.
            messages[event.key] = _message(kind, refs[CloudEvent[handler.data], "validation"])  # type: ignore[name-defined]
            operations[f"read.{event.key}"] = _operation(
                "receive", event.key, f"Durable consumer {read.durable} of stream {read.stream}"
            )
    for subject, answer in asked.items():
        names = [model.__name__ for model in answer.answers]
        _add_question(channels, operations, subject, names, answers=subject not in asks(service))
        messages[subject] = _message(answer.question.__name__, refs[answer.question, "validation"], "application/json")
        for name, model in zip(names, answer.answers, strict=True):
            messages[name] = _message(name, refs[model, "serialization"], "application/json")
    return {
        "asyncapi": "3.0.0",
        "id": f"urn:samtid:{service}",
        "info": {
            "title": f"Samtid: {service}",
            "version": "1",
            "description": (import_module(f"{service}.app").__doc__ or "").strip(),
            "license": {"name": "EUPL-1.2"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    }


def _channel(event: EventType) -> Json:
    channel: Json = {
        "address": event.subject("{id}"),
        "messages": {event.key: {"$ref": f"#/components/messages/{event.key}"}},
    }
    if event.kind == "state":
        channel["parameters"] = {"id": {"description": "the entity's id"}}
    return channel


def _message(name: str, payload: Any, content_type: str = CONTENT_TYPE) -> Json:
    return {"name": name, "contentType": content_type, "payload": payload}


def _operation(action: str, channel: str, summary: str) -> Json:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{channel}"}],
    }


def _add_question(channels: Json, operations: Json, subject: str, names: list[str], *, answers: bool) -> None:
    channels[subject] = {
        "address": subject,
        "messages": {subject: {"$ref": f"#/components/messages/{subject}"}},
    }
    # Without an address: the reply goes to the inbox that the question names.
    reply = f"{subject}.reply"
    channels[reply] = {
        "address": None,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }
    verb, action = ("answer", "receive") if answers else ("ask", "send")
    operations[f"{verb}.{subject}"] = {
        **_operation(action, subject, "NATS request/reply"),
        "reply": {
            "channel": {"$ref": f"#/channels/{reply}"},
            "messages": [{"$ref": f"#/channels/{reply}/messages/{name}"} for name in names],
        },
    }


def wanted() -> dict[Path, Json]:
    """All documents but the examples, by path."""
    made = {FOLDER / "events" / e.key / "schema.json": event_schema(e) for s in SERVICES for e in publishes(s)}
    made |= {FOLDER / "openapi" / f"{service}.json": openapi(service) for service in SERVICES}
    return made | {FOLDER / "asyncapi" / f"{service}.json": asyncapi(service) for service in SERVICES}


def examples() -> dict[Path, tuple[EventType, str]]:
    """Where each of the code's examples is stored."""
    return {
        FOLDER / "events" / event.key / "examples" / f"{name}.json": (event, name)
        for service in SERVICES
        for event in publishes(service)
        for name in event.examples
    }


def text(document: Mapping[str, Any]) -> str:
    """What is written: the order of keys is the code's."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def broken_examples() -> Iterator[str]:
    """One sentence for each stored example that the code no longer holds to."""
    known = examples()
    events = {event.key: event for service in SERVICES for event in publishes(service)}
    for path in sorted((FOLDER / "events").glob("*/examples/*.json")):
        event = events.get(path.parent.parent.name)
        if event is None:
            continue
        stored = json.loads(path.read_text())
        try:
            data = event.data.model_validate(stored["data"])
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, e["loc"])) or "data" for e in error.errors())
            yield f"{_name(path)}: the code no longer accepts it ({fields}). Publish a new version beside it."
            continue
        if path not in known:
            continue
        now = example(*known[path])
        # Compared as the model reads them: an optional field that was added since changes nothing.
        if data != event.data.model_validate(now.pop("data")) or {**stored, "data": None} != {**now, "data": None}:
            yield f"{_name(path)}: the code's example of this name is another. Give that one a new name."


def main() -> int:
    """Exit status 0 where all is fresh (or was written), 1 where something is stale or an example is broken."""
    parser = argparse.ArgumentParser(prog="python -m contracts.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where something is stale")
    check = parser.parse_args().check
    texts = {path: text(document) for path, document in wanted().items()}
    texts |= {path: text(example(*which)) for path, which in examples().items() if not path.exists()}
    found = {path for part in GENERATED for path in (FOLDER / part).rglob("*.json")}
    strange = sorted(path for path in found - set(texts) if path.parent.name != "examples" or _orphan(path))
    stale = sorted(path for path, new in texts.items() if not path.exists() or path.read_text() != new)
    faults = list(broken_examples())
    faults += [
        f"{_name(path)}: nothing in the code makes this file. Delete it, or bring its event back." for path in strange
    ]
    if check:
        faults += [f"{_name(path)}: stale. Run `make contracts` and commit what it writes." for path in stale]
    else:
        for path in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[path])
    for fault in faults:
        print(fault, file=sys.stderr)  # noqa: T201 - a command line tool
    return 1 if faults else 0


def _name(path: Path) -> str:
    return str(path.relative_to(FOLDER.parent))


def _orphan(path: Path) -> bool:
    return path.parent.parent.name not in {event.key for service in SERVICES for event in publishes(service)}


if __name__ == "__main__":
    sys.exit(main())
