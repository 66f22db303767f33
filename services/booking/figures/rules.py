"""How figures are worked out, and what of them is hidden so that no family can be made out. Pure: no I/O, no clock."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum
from math import ceil, inf
from typing import TypeVar

from booking.slots.reads import Denominator

# Fewer than this many of anything that families did is hidden.
FEW = 5
# The longest of fewer waits than this would be one family's.
FEW_WAITS = 10
# Of an agreement's accounts whole steps of so many minutes are told: a single meeting cannot be read from them.
STEP_MINUTES = 300
# So long after a quarter staff may note what came of it before others are told.
SETTLE_DAYS = timedelta(days=14)

# In the order in which they are hidden with another one: what says least to whoever compares municipalities first.
MODALITIES = ("phone", "video", "visit")
OUTCOMES = ("late", "no_show", "fulfilled")

K = TypeVar("K", bound=Hashable)


def hidden(counts: Mapping[K, int], sums: Mapping[K, Sequence[K]]) -> set[K]:
    """Which counts must not be shown though all others are, so that nobody who knows this rule can compute one.

    `sums` are totals and the parts that they are the sum of; a total that is part of another comes after it. Zero is
    shown: it tells of nobody, and hiding it would hide the places that support does not reach. 1 to 4 is hidden. Where
    that is only one part of a total that is shown, the next part goes with it; also where several parts are (nearly)
    all 1 or all 4, for their sum would tell. Which part goes with them never depends on how many it counts, for that
    would tell, too. Nothing is shown of the parts of a total that is hidden.
    """
    gone = {key for key, count in counts.items() if 0 < count < FEW}
    # Parts that are all 1 can be computed of any total: it is hidden with them.
    gone |= {total for total, parts in sums.items() if counts[total] == sum(counts[part] > 0 for part in parts) > 0}
    for total, parts in sums.items():
        if total in gone:
            gone.update(parts)
            continue
        few = [part for part in parts if part in gone]
        telling = (len(few), len(few) + 1, (FEW - 1) * len(few))
        if few and (len(few) == 1 or sum(counts[part] for part in few) in telling):
            gone.update([part for part in parts if part not in gone and counts[part]][:1])
    return gone


class Missing(Enum):
    """Why there is no number."""

    HIDDEN = "hidden"  # it would show a family
    NOTHING = "nothing"  # there was nothing to count
    FULL = "full"  # no time was free within the horizon
    UNKNOWN = "unknown"  # nobody has entered how many children there are


Value = float | Missing


@dataclass(frozen=True)
class Place:
    """A municipality, by its code, or a centre, with how many children it is there for.

    A centre that is `elsewhere` is another municipality's: its children are not those who are counted.
    """

    id: str
    name: str
    children: Denominator | None
    elsewhere: bool = False


@dataclass(frozen=True)
class Town(Place):
    """A municipality; where the reader may see them its centres, and others where its families were met."""

    centres: Sequence[Place] = ()


@dataclass(frozen=True)
class Account:
    """Minutes of a municipality in an agreement, over the periods that begin within those days."""

    pool: str
    town: str
    entitled: int
    used: int
    borrowed: int
    lent: int


@dataclass(frozen=True)
class Counted:
    """All that was counted in a period of days. Towns and places by id; the place is None where none was visited.

    `made` are bookings by town, modality and place; `outcomes` times that have passed, by town, place and what came of
    them; `waits` whole days from booking to first meeting; `measured` whole days to the first and the third free start,
    None where there was none; `searched` how often, and how often in vain.
    """

    made: Mapping[tuple[str, str, str | None], int] = field(default_factory=dict)
    outcomes: Mapping[tuple[str, str | None, str], int] = field(default_factory=dict)
    waits: Mapping[tuple[str, str | None], Sequence[int]] = field(default_factory=dict)
    measured: Mapping[str, Sequence[tuple[int | None, int | None]]] = field(default_factory=dict)
    searched: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    accounts: Sequence[Account] = ()


@dataclass(frozen=True)
class Row:
    """The figures of a place. `within` is what it lies in: a centre's town, or the agreement of an account."""

    place: Place
    values: Mapping[str, Value]
    within: str | None = None


Tables = Mapping[str, Sequence[Row]]
"""Rows by the table that they are in: wait, reach, ways, kept, balance, centres."""


def children_on(denominators: Sequence[Denominator], last: date) -> Denominator | None:
    """How many children there were on a day: by the newest count that is not younger."""
    return max((d for d in denominators if d.as_of <= last), key=lambda d: d.as_of, default=None)


def is_settled(first: date, last: date, now: date) -> bool:
    """Whether local days `first` to `last` are a calendar quarter that has been over for a while.

    Of such alone other municipalities' figures are told: no two of them have a day in common, so that nothing is left
    where one is taken from another.
    """
    after = last + timedelta(days=1)
    begins = first.day == 1 and first.month % 3 == 1
    months = (after.year - first.year) * 12 + after.month - first.month
    return begins and (after.day, months) == (1, 3) and now >= last + SETTLE_DAYS


def quantile(values: Sequence[int | None], share: float, few: int) -> Value:
    """The least value that this share of all are at or below; None counts as more than any. Of few it is hidden."""
    if not values:
        return Missing.NOTHING
    if len(values) < few:
        return Missing.HIDDEN
    found = sorted(inf if value is None else value for value in values)[ceil(share * len(values)) - 1]
    return Missing.FULL if found == inf else found


def tables(towns: Sequence[Town], counted: Counted) -> Tables:
    """All figures, as they may be shown."""
    found: dict[str, list[Row]] = {name: [] for name in ("wait", "reach", "ways", "kept", "balance", "centres")}
    for town in towns:
        shown = _Shown(town, counted)
        found["wait"].append(Row(town, _wait(town, counted)))
        found["reach"].append(Row(town, shown.reach()))
        found["ways"].append(Row(town, shown.ways()))
        found["kept"].append(Row(town, shown.kept()))
        found["centres"] += [Row(centre, shown.centre(centre), town.name) for centre in town.centres]
    found["balance"] = [
        Row(town, _balance(account), pool)
        for pool in sorted({account.pool for account in counted.accounts})
        for town in towns
        for account in counted.accounts
        if (account.pool, account.town) == (pool, town.id)
    ]
    return found


def _wait(town: Town, counted: Counted) -> dict[str, Value]:
    measured = counted.measured.get(town.id, ())
    firsts, thirds = [first for first, _ in measured], [third for _, third in measured]
    waits = [days for (code, _), each in counted.waits.items() if code == town.id for days in each]
    return {
        # Of free time and not of families: nothing to hide.
        "third": quantile(thirds, 0.5, 1),
        "first": quantile(firsts, 0.5, 1),
        "first_90": quantile(firsts, 0.9, 1),
        "met": quantile(waits, 0.5, FEW),
        "met_90": quantile(waits, 0.9, FEW_WAITS),
    }


def _balance(account: Account) -> dict[str, Value]:
    steps = {
        name: round(getattr(account, name) / STEP_MINUTES) * STEP_MINUTES / 60
        for name in ("entitled", "used", "borrowed", "lent")
    }
    return {**steps, "used_share": _used_share(account)}


def _used_share(account: Account) -> Value:
    """What part was used, in whole percent of the exact minutes.

    Hidden where less than a step was used: beside the time that an adversary can look up in the working hours, it would
    tell of one to four meetings how many they were.
    """
    if 0 < account.used < STEP_MINUTES:
        return Missing.HIDDEN
    return round(account.used * 100 / account.entitled) if account.entitled else Missing.NOTHING


def _share(part: Value, whole: Value, scale: int = 100) -> Value:
    """What part of the whole, in percent; hidden where either is."""
    if isinstance(part, Missing) or isinstance(whole, Missing):
        return part if isinstance(part, Missing) else whole
    return part * scale / whole if whole else Missing.NOTHING


def _sum(*values: Value) -> Value:
    numbers = [value for value in values if not isinstance(value, Missing)]
    return sum(numbers) if len(numbers) == len(values) else Missing.HIDDEN


class _Shown:
    """The counts of one town: three trees of sums, of which only what `hidden` leaves is ever looked at.

    Bookings are of ways to meet, visits of centres. Times that have passed are of outcomes, each outcome of centres and
    of whatever happened elsewhere. Searches are in vain or not.
    """

    def __init__(self, town: Town, counted: Counted) -> None:
        self.town = town
        self.counted = counted
        counts: dict[tuple[str, ...], int] = {}
        sums: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
        self._add(counts, sums, "made", MODALITIES, {k[1:]: n for k, n in counted.made.items() if k[0] == town.id})
        passed = {(outcome, place): n for (code, place, outcome), n in counted.outcomes.items() if code == town.id}
        self._add(counts, sums, "met", OUTCOMES, passed)
        searches, in_vain = counted.searched.get(town.id, (0, 0))
        found: dict[tuple[str, str | None], int] = {("in_vain", None): in_vain, ("found", None): searches - in_vain}
        self._add(counts, sums, "searched", ("in_vain", "found"), found)
        self.counts = counts
        self.gone = hidden(counts, sums)

    @staticmethod
    def _add(
        counts: dict[tuple[str, ...], int],
        sums: dict[tuple[str, ...], list[tuple[str, ...]]],
        root: str,
        branches: Sequence[str],
        leaves: Mapping[tuple[str, str | None], int],
    ) -> None:
        """A tree of counts: the root, its branches, and of each branch its places."""
        sums[root,] = [(root, branch) for branch in branches]
        for branch in branches:
            # In an order that has nothing to do with the counts.
            places = sorted((place or "", n) for (name, place), n in leaves.items() if name == branch)
            sums[root, branch] = [(root, branch, place) for place, _ in places]
            for place, n in places:
                counts[root, branch, place] = n
            counts[root, branch] = sum(n for _, n in places)
        counts[root,] = sum(counts[root, branch] for branch in branches)

    def __getitem__(self, key: tuple[str, ...]) -> Value:
        # A place where nothing was counted is not in the tree: whether it is told to be 0 hangs on what it is part of.
        if key in self.gone or (key not in self.counts and key[:-1] in self.gone):
            return Missing.HIDDEN
        return self.counts.get(key, 0)

    def reach(self) -> dict[str, Value]:
        made, searched = self["made",], self["searched",]
        return {
            "made": made,
            "children": self.town.children.children if self.town.children else Missing.UNKNOWN,
            "per_1000": self._per_1000(made, self.town),
            "searched": searched,
            "in_vain": _share(self["searched", "in_vain"], searched),
        }

    def ways(self) -> dict[str, Value]:
        each = {way: self["made", way] for way in MODALITIES}
        return {**each, **{f"{way}_share": _share(value, self["made",]) for way, value in each.items()}}

    def kept(self) -> dict[str, Value]:
        return self._kept({outcome: self["met", outcome] for outcome in OUTCOMES})

    def centre(self, centre: Place) -> dict[str, Value]:
        visits = self["made", "visit", centre.id]
        waits = self.counted.waits.get((self.town.id, centre.id), ())
        return {
            "visit": visits,
            "per_1000": Missing.NOTHING if centre.elsewhere else self._per_1000(visits, centre),
            "met": quantile(waits, 0.5, FEW),
            **self._kept({outcome: self["met", outcome, centre.id] for outcome in OUTCOMES}),
        }

    @staticmethod
    def _kept(came: Mapping[str, Value]) -> dict[str, Value]:
        expected = (came["fulfilled"], came["no_show"])
        return {
            **came,
            "no_show_share": _share(came["no_show"], _sum(*expected)),
            "late_share": _share(came["late"], _sum(*expected, came["late"])),
        }

    @staticmethod
    def _per_1000(count: Value, place: Place) -> Value:
        return _share(count, place.children.children, 1000) if place.children else Missing.UNKNOWN
