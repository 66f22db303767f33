"""Finding free times, and keeping the open hours that they are cut from."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import holidays
from opentelemetry import trace

from booking.slots import rules, tables
from booking.slots.rules import Free, NotOffered
from kit.database import Connection

tracer = trace.get_tracer("booking")
_CLOSED = holidays.country_holidays("SE", categories=("public", "de_facto"))


@dataclass(frozen=True)
class SlotId:
    """What the opaque id of a slot stands for. `start` is a UTC instant in whole minutes."""

    offering: str
    advisor: str
    start: datetime

    def __str__(self) -> str:
        plain = f"{self.offering}|{self.advisor}|{int(self.start.timestamp()) // 60}"
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> "SlotId":
        """The slot of an id. Raises ValueError for what we cannot have given out."""
        try:
            plain = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)).decode()
            offering, advisor, minutes = plain.split("|")
            return cls(offering, advisor, datetime.fromtimestamp(int(minutes) * 60, UTC))
        except (ValueError, OverflowError, OSError, binascii.Error) as error:
            raise ValueError("not the id of a slot") from error


async def search(
    connection: Connection,
    *,
    now: datetime,
    offering: str,
    municipality: str,
    first: datetime | None = None,
    last: datetime | None = None,
    modality: str | None = None,
    advisor: str | None = None,
    language: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[Free]:
    """Free starts between two UTC instants (`last` not included), the first one first.

    Raises NotOffered where the municipality's families cannot book this offering at all.
    """
    with tracer.start_as_current_span("search slots") as span:
        found = await tables.free_starts(
            connection,
            now=now,
            offering=offering,
            municipality=municipality,
            first=first,
            last=last,
            modality=modality,
            advisor=advisor,
            language=language,
            limit=limit,
            offset=offset,
        )
        span.set_attribute("samtid.slots", len(found))
        if not found and not await tables.is_offered(connection, offering, municipality):
            raise NotOffered
    return found


async def refresh_reach(connection: Connection) -> None:
    """Work out anew who may be booked by whom. The caller holds the register's lock."""
    await tables.replace_reach(connection, rules.reaches(*await tables.entities(connection)))


async def refresh_open_hours(connection: Connection, advisor: str, now: datetime) -> None:
    """Work out an advisor's open and free time anew, from yesterday (it may still be today somewhere) onwards."""
    first = now.date() - timedelta(days=1)
    last = first + timedelta(days=tables.CALENDAR_DAYS)
    hours = rules.open_hours(await tables.schedules(connection, advisor), first, last, _CLOSED.__contains__)
    await tables.replace_open_hours(connection, advisor, first, last, hours)
