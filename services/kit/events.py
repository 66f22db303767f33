"""Events: CloudEvents 1.0 in structured JSON, and what a service says about each one that it publishes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Generic, Literal, Self, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, model_validator

CONTENT_TYPE = "application/cloudevents+json"

Data = TypeVar("Data", bound=BaseModel)


class EventData(BaseModel):
    """The `data` of an event that we publish: unknown fields are a mistake of ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Read(BaseModel):
    """The fields of an event that one reader uses: what else the event holds is not its business.

    What no column of PostgreSQL holds cannot be read: integers of more than 32 bits, numbers that are none, the
    character NUL, instants at the end of time.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    @model_validator(mode="after")
    def _can_be_kept(self) -> Self:
        for value in vars(self).values():
            _refuse(value)
        return self


def _refuse(value: object) -> None:
    """Raise ValueError for what PostgreSQL could not keep. Models within look after themselves."""
    match value:
        case int() if not -(2**31) <= value < 2**31:
            raise ValueError("an integer of more than 32 bits")
        case float() if not isfinite(value):
            raise ValueError("not a number")
        case str() if "\0" in value:
            raise ValueError("a text with NUL")
        case datetime() if not 1 < value.year < 9999:  # noqa: PLR2004 - the last year of dates, in some zone
            raise ValueError("an instant at the end of time")
        case dict():
            for each in (*value.keys(), *value.values()):
                _refuse(each)
        case list() | tuple() | set() | frozenset():
            for each in value:
                _refuse(each)


class CloudEvent(Read, Generic[Data]):
    """An event as a reader sees it. `time` is the instant of the fact, in UTC.

    `epoch` is when the register began that a state is of: a later one outdates all of an earlier one, whatever their
    versions. Events of before, and facts, have none.
    """

    id: UUID
    source: str
    type: str
    subject: str
    time: datetime
    epoch: AwareDatetime | None = None
    data: Data


@dataclass(frozen=True)
class EventType:
    """One kind of event. `kind` is `events` for facts and `state` for whole, versioned state.

    `examples` become the files under contracts/events/, which every reader must accept for ever.
    """

    kind: Literal["events", "state"]
    service: str
    name: str
    data: type[EventData]
    version: int = 1
    examples: Mapping[str, EventData] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """`booking.confirmed.v1`: the folder in contracts/events/."""
        return f"{self.service}.{self.name}.v{self.version}"

    @property
    def type(self) -> str:
        """The CloudEvents `type`, with the reversed domain in front."""
        return f"se.samtid.{self.key}"

    @property
    def schema(self) -> str:
        """The CloudEvents `dataschema`."""
        return f"urn:samtid:schema:{self.key}"

    def subject(self, entity_id: str) -> str:
        """The NATS subject. Facts never carry an id in it; state does, so that the last one per entity is kept."""
        return f"{self.kind}.{self.service}.{self.name}" + (f".{entity_id}" if self.kind == "state" else "")

    def envelope(
        self, *, event_id: UUID, entity_id: str, data: EventData, now: datetime, epoch: datetime | None = None
    ) -> dict[str, Any]:
        """The CloudEvent. `now` and `epoch` are aware datetimes; they are written in UTC."""
        return {
            "specversion": "1.0",
            "id": str(event_id),
            "source": f"/{self.service}",
            "type": self.type,
            "subject": entity_id,
            "time": _instant(now),
            **({"epoch": _instant(epoch)} if epoch else {}),
            "datacontenttype": "application/json",
            "dataschema": self.schema,
            "data": data.model_dump(mode="json"),
        }

    def encode(
        self, *, event_id: UUID, entity_id: str, data: EventData, now: datetime, epoch: datetime | None = None
    ) -> bytes:
        """The bytes that go to NATS."""
        return json.dumps(
            self.envelope(event_id=event_id, entity_id=entity_id, data=data, now=now, epoch=epoch),
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
