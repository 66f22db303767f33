"""Events: CloudEvents 1.0 in structured JSON, and what a service says about each one that it publishes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

CONTENT_TYPE = "application/cloudevents+json"

Data = TypeVar("Data", bound=BaseModel)


class EventData(BaseModel):
    """The `data` of an event that we publish: unknown fields are a mistake of ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Read(BaseModel):
    """The fields of an event that one reader uses: what else the event holds is not its business."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class CloudEvent(Read, Generic[Data]):
    """An event as a reader sees it. `time` is the instant of the fact, in UTC."""

    id: UUID
    source: str
    type: str
    subject: str
    time: datetime
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

    def envelope(self, *, event_id: UUID, entity_id: str, data: EventData, now: datetime) -> dict[str, Any]:
        """The CloudEvent. `now` is an aware datetime; it is written in UTC."""
        return {
            "specversion": "1.0",
            "id": str(event_id),
            "source": f"/{self.service}",
            "type": self.type,
            "subject": entity_id,
            "time": now.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "dataschema": self.schema,
            "data": data.model_dump(mode="json"),
        }

    def encode(self, *, event_id: UUID, entity_id: str, data: EventData, now: datetime) -> bytes:
        """The bytes that go to NATS."""
        return json.dumps(
            self.envelope(event_id=event_id, entity_id=entity_id, data=data, now=now),
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
