"""What services promise each other: fresh, valid by others' tools, and readable by every reader."""

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.core.v1.event import CloudEvent as OutsideEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from contracts import generate
from deploy.permissions import may_publish, may_subscribe
from deploy.services import SERVICES, asks, reads
from kit.events import CONTENT_TYPE, CloudEvent, EventType, Read
from notification.contact import Answer, Changed, Code, Contact, Protected

CONTRACTS = Path(generate.__file__).parent
EXAMPLES = sorted((CONTRACTS / "events").glob("*/examples/*.json"))
EVENTS = {event.type: event for service in SERVICES for event in generate.publishes(service)}
HANDLERS = [
    (read.service, kind, handler.data)
    for service in SERVICES
    for read in reads(service)
    for kind, handler in read.handlers.items()
]

formats = jsonschema.FormatChecker(["uuid", "date", "email"])


@formats.checks("date-time", ValueError)
def _is_instant(value: object) -> bool:
    """RFC 3339 in UTC, as all our instants are."""
    return not isinstance(value, str) or (value.endswith("Z") and bool(datetime.fromisoformat(value)))


def named(path: Path) -> str:
    return f"{path.parent.parent.name}/{path.stem}"


Check = Callable[[Path], tuple[int, str]]


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """`--check` of the contracts in a folder: its exit status and what it complains of."""
    monkeypatch.setattr(sys, "argv", ["generate", "--check"])

    def run(folder: Path) -> tuple[int, str]:
        monkeypatch.setattr(generate, "FOLDER", folder)
        return generate.main(), capsys.readouterr().err

    return run


def test_nothing_is_stale(check: Check) -> None:
    assert check(CONTRACTS) == (0, "")


@pytest.mark.parametrize(
    ("file", "change", "complaint"),
    [
        ("events/booking.confirmed.v1/schema.json", ('"minimum": 0', '"minimum": 1'), "stale. Run `make contracts`"),
        ("openapi/booking.json", ("/booking/v1/holds", "/booking/v1/keeps"), "stale. Run `make contracts`"),
        ("asyncapi/notification.json", ("Booked", "Kept"), "stale. Run `make contracts`"),
        ("events/booking.confirmed.v1/examples/video.json", ('"video"', '"phone"'), "Give that one a new name"),
        ("events/booking.confirmed.v1/examples/visit.json", ('"zone"', '"place_zone"'), "Publish a new version"),
        ("events/booking.confirmed.v1/examples/video.json", None, "stale. Run `make contracts`"),
    ],
)
def test_what_is_stale_is_named(
    check: Check, tmp_path: Path, file: str, change: tuple[str, str] | None, complaint: str
) -> None:
    copy = tmp_path / "contracts"
    shutil.copytree(CONTRACTS, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    if change is None:
        (copy / file).unlink()
    else:
        text = (copy / file).read_text()
        assert change[0] in text
        (copy / file).write_text(text.replace(*change))
    status, said = check(copy)
    assert status == 1
    assert [line for line in said.splitlines() if f"contracts/{file}" in line and complaint in line], said


def test_an_example_that_only_the_past_knows_is_kept_and_one_of_no_event_is_not(check: Check, tmp_path: Path) -> None:
    copy = tmp_path / "contracts"
    shutil.copytree(CONTRACTS, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    examples = copy / "events" / "booking.confirmed.v1" / "examples"
    shutil.copy(examples / "video.json", examples / "of-last-year.json")
    assert check(copy) == (0, "")
    (copy / "events" / "booking.confirmed.v1").rename(copy / "events" / "booking.guessed.v1")
    status, said = check(copy)
    assert status == 1
    assert "booking.guessed.v1/examples/of-last-year.json: nothing in the code makes this file" in said


@pytest.mark.parametrize("path", EXAMPLES, ids=named)
def test_an_example_is_a_cloud_event_and_keeps_to_its_schema(path: Path) -> None:
    text = path.read_bytes()
    event = from_http_event(HTTPMessage({"content-type": CONTENT_TYPE}, text))
    assert isinstance(event, OutsideEvent)
    assert event.get_specversion() == "1.0"
    assert EVENTS[event.get_type()].key == path.parent.parent.name
    schema = json.loads((path.parent.parent / "schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema, format_checker=formats).validate(json.loads(text))


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda e: e.key)
def test_every_event_has_an_example_and_a_schema_that_refuses(event: EventType) -> None:
    assert event.examples
    folder = CONTRACTS / "events" / event.key
    validator = jsonschema.Draft202012Validator(
        json.loads((folder / "schema.json").read_text()), format_checker=formats
    )
    for name in event.examples:
        example = json.loads((folder / "examples" / f"{name}.json").read_text())
        for field in ("id", "type", "time", "data"):
            assert not validator.is_valid({k: v for k, v in example.items() if k != field})
        for field, info in type(event.examples[name]).model_fields.items():
            without = {k: v for k, v in example["data"].items() if k != field}
            assert validator.is_valid({**example, "data": without}) is not info.is_required(), field


@pytest.mark.parametrize(("service", "kind", "model"), HANDLERS, ids=lambda v: v if isinstance(v, str) else "")
def test_a_reader_accepts_every_example_of_what_it_reads(service: str, kind: str, model: type[Read]) -> None:
    assert kind in EVENTS, f"{service} reads {kind}, which nobody publishes"
    stored = sorted((CONTRACTS / "events" / EVENTS[kind].key / "examples").glob("*.json"))
    assert stored
    for path in stored:
        CloudEvent[model].model_validate(json.loads(path.read_text()))  # type: ignore[valid-type]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
UNKNOWN = st.dictionaries(st.from_regex(r"\Afuture_[a-z]{1,8}\Z"), JSON_VALUES, min_size=1, max_size=3)


# Their keys are municipalities and not field names.
BY_MUNICIPALITY = ("shares", "units")


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object within a JSON value that has fields, itself included."""
    if isinstance(value, dict):
        yield value
        for name, inner in value.items():
            if name not in BY_MUNICIPALITY:
                yield from objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from objects(inner)


@given(st.data())
# How long an example takes depends on what else the machine does.
@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_fields_of_tomorrow_do_not_disturb_a_reader(data: st.DataObject) -> None:
    _, kind, model = data.draw(st.sampled_from(HANDLERS))
    path = data.draw(st.sampled_from(sorted((CONTRACTS / "events" / EVENTS[kind].key / "examples").glob("*.json"))))
    example = json.loads(path.read_text())
    reader: Any = CloudEvent[model]  # type: ignore[valid-type]
    today = reader.model_validate(example)
    for place in list(objects(example)):
        place.update(data.draw(UNKNOWN))
    assert reader.model_validate(example) == today


PERSONAL = re.compile(
    r"name|phone|mobile|mail|contact|token|secret|address|family_|parent|guardian|child|birth|person|ssn|alias"
)


def field_names(model: type[BaseModel]) -> set[str]:
    schema = model.model_json_schema()
    return {name for o in objects(schema) if isinstance(o.get("properties"), dict) for name in o["properties"]}


@pytest.mark.parametrize("event", [e for e in EVENTS.values() if e.kind == "events"], ids=lambda e: e.key)
def test_a_fact_has_no_field_for_a_person(event: EventType) -> None:
    assert not [name for name in field_names(event.data) if PERSONAL.search(name)]
    assert "{" not in event.subject("{id}"), "a fact's subject holds no id"


def test_the_net_for_personal_fields_holds() -> None:
    found = {name for name in field_names(Contact) if PERSONAL.search(name)}
    assert found >= {"name", "email", "phone"}


def test_the_asker_understands_every_answer() -> None:
    answer = generate.questions()["query.booking.contact"]
    known, protected, unknown = answer.answers
    assert set(Contact.model_fields) <= set(known.model_fields)
    assert Answer.model_validate({"found": False}) == Answer(**unknown.model_validate({"found": False}).model_dump())
    told = known.model_validate_json(
        json.dumps(
            {
                "found": True,
                "status": "confirmed",
                "sequence": 0,
                "reference": "K7QX3MPD",
                "name": "Alex",
                "email": None,
                "phone": "+46700000000",
                "language": "sv",
                "manage_url": "http://samtid.test/bokning/x",
                "start": "2026-03-30T07:00:00Z",
                "end": "2026-03-30T07:45:00Z",
                "zone": "Europe/Stockholm",
                "offering": "Föräldrasamtal",
                "advisor": "Maria Ek",
                "modality": "video",
                "place": None,
                "municipality": "Hörby",
                "help_phone": "+46415378000",
            }
        )
    )
    assert Contact.model_validate_json(told.model_dump_json()).model_dump() == told.model_dump(exclude={"found"})
    notice = {"found": True, "protected": True, "status": "confirmed", "sequence": 0, "over": False}
    reached = {"email": None, "phone": "+46700000000", "language": "sv", "help_phone": "+46415378000"}
    hidden = protected.model_validate({**notice, **reached}).model_dump()
    assert Answer.model_validate(hidden).protected
    assert Protected.model_validate(hidden).model_dump() == {
        name: value for name, value in hidden.items() if name not in ("found", "protected")
    }


def test_the_asker_of_a_code_understands_every_answer() -> None:
    known, changed, unknown = generate.questions()["query.booking.code"].answers
    assert set(Changed.model_fields) == set(changed.model_fields) - {"found", "changed"}
    assert set(Code.model_fields) == set(known.model_fields) - {"found"}
    assert not Answer.model_validate(unknown.model_validate({"found": False}).model_dump()).found
    told = {"code": "012345", "to": "+46700000000", "municipality": None, "help_phone": None}
    said = known.model_validate_json(json.dumps({"found": True, **told, "expires_at": "2026-03-30T07:00:00Z"}))
    assert Code.model_validate_json(said.model_dump_json()).model_dump() == said.model_dump(exclude={"found"})


def test_of_a_protected_family_the_asker_is_told_neither_who_nor_when_nor_where() -> None:
    _, protected, _ = generate.questions()["query.booking.contact"].answers
    assert set(protected.model_fields) == {
        "found",
        "protected",
        "status",
        "sequence",
        "over",
        "email",
        "phone",
        "language",
        "help_phone",
    }


def test_an_answer_of_ours_takes_no_field_that_its_contract_lacks() -> None:
    known, *_ = generate.questions()["query.booking.contact"].answers
    with pytest.raises(ValidationError, match="diagnosis"):
        known.model_validate({"diagnosis": "x"})


@pytest.mark.parametrize("service", SERVICES)
def test_an_asyncapi_document_is_whole(service: str) -> None:
    path = CONTRACTS / "asyncapi" / f"{service}.json"
    document = json.loads(path.read_text())
    assert document["asyncapi"] == "3.0.0"
    assert document["info"]["title"]
    assert document["info"]["version"]
    for reference in [o["$ref"] for o in objects(document) if isinstance(o.get("$ref"), str)]:
        assert resolve(reference, document, path), reference
    for channel in document["channels"].values():
        parameters = set(re.findall(r"{(\w+)}", channel["address"] or ""))
        assert parameters == set(channel.get("parameters", {}))
        assert channel["messages"]
    for name, operation in document["operations"].items():
        assert operation["action"] in ("send", "receive"), name
        channel = operation["channel"]["$ref"]
        assert all(m["$ref"].startswith(f"{channel}/messages/") for m in operation["messages"])
    for message in document["components"]["messages"].values():
        jsonschema.Draft202012Validator.check_schema(resolve(message["payload"]["$ref"], document, path))


def resolve(reference: str, document: Any, path: Path) -> Any:
    """What a reference points at, in this document or in a file beside it. Raises KeyError or OSError."""
    file, _, inner = reference.partition("#")
    target = json.loads((path.parent / file).read_text()) if file else document
    for part in inner.strip("/").split("/") if inner else ():
        target = target[part]
    return target


@pytest.mark.parametrize("service", SERVICES)
def test_an_asyncapi_document_says_what_nats_permits(service: str) -> None:
    document = json.loads((CONTRACTS / "asyncapi" / f"{service}.json").read_text())
    addresses: dict[str, set[str]] = {"send": set(), "receive": set()}
    for operation in document["operations"].values():
        address = document["channels"][operation["channel"]["$ref"].rsplit("/", 1)[-1]]["address"]
        addresses[operation["action"]].add(address)
    for address in addresses["send"]:
        assert any(covers(subject, address) for subject in may_publish(service)), address
    for address in addresses["receive"]:
        consumed = [read.subjects for read in reads(service)]
        assert any(covers(subject, address) for subject in [*may_subscribe(service), *consumed]), address
    assert set(asks(service)) <= addresses["send"]


def covers(subject: str, address: str) -> bool:
    """Whether a NATS subject with a wildcard at its end covers an address."""
    return address.startswith(subject.removesuffix(">")) if subject.endswith(">") else subject == address
