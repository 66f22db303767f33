"""The log of reads: by which role somebody read, whether the chain of its rows is whole, and which of them a reviewer
looks at. Pure: no I/O, no clock.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

from kit.staff import Grant, Role

# What was shown: a booking, how to reach a family, a family among others, a file, a calendar, the hits of a search, or
# the log itself.
What = Literal["booking", "contact", "list", "export", "calendar", "search", "review"]
WHATS: tuple[What, ...] = get_args(What)

# The ways to what was read: steps parted by ` > `, each of which the reviewer's pages say in words.
Why = Literal[
    "day",
    "leave",
    "day > booking",
    "phone > search",
    "phone > contact",
    "phone > done",
    "review > list",
    "review > export",
    "review > sample",
    "review > sign-off",
]
WHYS: tuple[Why, ...] = get_args(Why)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Head:
    """The last row of a log, or of a part of it that was followed so far."""

    id: int
    hash: bytes


NOTHING = Head(0, bytes(32))


@dataclass(frozen=True)
class Entry:
    """A row of the log: at an instant, a member of staff was shown something of a family, as the holder of a role for
    a unit, having come there by the way `why`.
    """

    id: int
    at: datetime
    staff: str
    role: str
    unit: str
    family: UUID | None
    booking: UUID | None
    what: str
    why: str
    previous: bytes
    hash: bytes


class Broken(Exception):  # noqa: N818 - it is what was found, not what went wrong
    """Raised where the log is not what was once written; `row` is the first that does not fit."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(f"row {row}: {reason}")
        self.row = row


def role_for(grants: Sequence[Grant], unit: str, what: What) -> Role | None:
    """The role by which the holder of these grants may read of a unit's families; None for whoever may not."""
    held = {grant.role for grant in grants if grant.unit == unit}
    able: tuple[Role, ...] = ("reviewer",) if what == "review" else ("advisor", "coordinator")
    return next((role for role in able if role in held), None)


def digest(entry: Entry, previous: bytes) -> bytes:
    """The hash of a row after the one with the hash `previous`: what the database works out when it writes the row.

    Each value stands with its length in bytes, so that no two rows have the same text.
    """
    values = (
        str(entry.id),
        str((entry.at - EPOCH) // MICROSECOND),
        entry.staff,
        entry.role,
        entry.unit,
        str(entry.family or ""),
        str(entry.booking or ""),
        entry.what,
        entry.why,
    )
    return hashlib.sha256(previous + b"".join(b"%d:%b," % (len(v), v) for v in map(str.encode, values))).digest()


def follow(last: Head, entry: Entry) -> Head:
    """The head after one more row. Raises Broken where the row is not the one that was written there."""
    if entry.id > last.id + 1:
        raise Broken(last.id + 1, f"missing: after row {last.id} comes row {entry.id}")
    if entry.id <= last.id:
        raise Broken(entry.id, f"put in or moved: it comes after row {last.id}")
    if entry.previous != last.hash:
        raise Broken(entry.id, "does not follow the row before: this row or that one was changed or put in")
    if entry.hash != digest(entry, last.hash):
        raise Broken(entry.id, "changed after it was written")
    return Head(entry.id, entry.hash)


def end(last: Head, written: Head) -> None:
    """Compare the last row that there is with what the database counted as it wrote. Raises Broken."""
    if last.id < written.id:
        raise Broken(last.id + 1, f"missing: {written.id} rows were written")
    if last.id > written.id:
        raise Broken(written.id + 1, f"put in: {written.id} rows were written")
    if last.hash != written.hash:
        raise Broken(last.id, "is not the last row that was written")


def compare(noted: Head, found: Head | None) -> None:
    """Compare a head that was noted once with the row that has its id now. Raises Broken."""
    if found is None:
        raise Broken(noted.id, "missing, and it was noted")
    if found.hash != noted.hash:
        raise Broken(noted.id, "is not the row that was noted: it or an earlier one was changed")


# The review of the log: a sample of reads, drawn by chance that can be repeated, and weighted to what is unusual.

# Reads are judged, and periods are chosen, by the clock of the staff.
LOCAL = ZoneInfo("Europe/Stockholm")
# Reads in these hours, local time, are at work; so are none on Saturdays, Sundays and holidays.
FIRST_HOUR, END_HOUR = 6, 21
SATURDAY = 5
# More families than anybody meets in a day.
MANY_FAMILIES = 20
LONGEST_DAYS = 366

Trait = Literal["protected", "outside", "many", "odd"]
# How many times as likely a read becomes to be drawn for each trait. Judgement, not evidence.
WEIGHTS: dict[Trait, int] = {"protected": 8, "outside": 4, "many": 3, "odd": 3}


@dataclass(frozen=True)
class Filter:
    """Which reads are looked at: of the local days `first` to `last`, and of one person, kind or unit where chosen."""

    first: date
    last: date
    staff: str | None = None
    what: What | None = None
    unit: str | None = None

    def instants(self) -> tuple[datetime, datetime]:
        """From when, and until before when, in UTC."""
        first = datetime.combine(self.first, time(), LOCAL)
        return first.astimezone(UTC), datetime.combine(self.last + timedelta(days=1), time(), LOCAL).astimezone(UTC)


@dataclass(frozen=True)
class Read:
    """What of a row of the log says whether it is unusual. `booked` is the advisor of the booking, `own` the one that
    the reader is; None where there is none. `at` is in UTC.
    """

    id: int
    at: datetime
    staff: str
    family: UUID | None
    booked: str | None
    own: str | None
    protected: bool


def traits(reads: Sequence[Read], closed: Callable[[date], bool]) -> dict[int, tuple[Trait, ...]]:
    """What is unusual about each of the reads, by its id. `closed` says which local days are holidays."""
    families: dict[tuple[str, date], set[UUID]] = defaultdict(set)
    for read in reads:
        if read.family:
            families[read.staff, _day(read)].add(read.family)

    def of(read: Read) -> Iterator[Trait]:
        local, day = read.at.astimezone(LOCAL), _day(read)
        if read.protected:
            yield "protected"
        if read.booked and read.booked != read.own:
            yield "outside"
        if len(families[read.staff, day]) > MANY_FAMILIES:
            yield "many"
        if not FIRST_HOUR <= local.hour < END_HOUR or local.weekday() >= SATURDAY or closed(day):
            yield "odd"

    return {read.id: tuple(of(read)) for read in reads}


def sample(found: Mapping[int, Sequence[Trait]], size: int, seed: str) -> tuple[int, ...]:
    """At most `size` of the reads whose traits are given, in the order in which chance drew them.

    The same seed draws the same again. Each read has its own number by chance, so that the others, and the size, do not
    change it (weighted sampling without replacement after Efraimidis and Spirakis, 2006).
    """

    def drawn(read: int) -> tuple[float, int]:
        chance = int.from_bytes(hashlib.sha256(f"{seed}:{read}".encode()).digest()[:6]) + 1
        return -math.log(chance / (2**48 + 1)) / math.prod(WEIGHTS[trait] for trait in found[read]), read

    return tuple(sorted(found, key=drawn)[:size])


def _day(read: Read) -> date:
    return read.at.astimezone(LOCAL).date()
