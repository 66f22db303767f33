"""How an agreement divides its advisors' time, and when a municipality may take more. Pure: no I/O, no clock.

Time is whole minutes, days are local days in Sweden. The simulator runs these same functions.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

# Where the agreements' days begin and end: they are between Swedish municipalities (KL 9:37).
HOME = ZoneInfo("Europe/Stockholm")
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
PERCENT = 100

PeriodKind = Literal["iso_week", "four_weeks"]


@dataclass(frozen=True)
class Terms:
    """What an agreement says from day `first` to day `last`, both included.

    `shares` are parts of their sum, by municipality. `release_days` is how long before its day a time is anybody's:
    None is never. `carry_over` is in percent of one period's entitlement.
    """

    first: date
    last: date
    shares: Mapping[str, int]
    release_days: int | None = 7
    period: PeriodKind = "iso_week"
    carry_over: int = 0


@dataclass(frozen=True)
class Period:
    """Days `first` to `last`, both included, whose time is divided as one, on one agreement's terms."""

    first: date
    last: date
    terms: Terms


@dataclass(frozen=True)
class Position:
    """How a municipality stands in one period, in minutes.

    It may use what it is `entitled` to and the `credit` from earlier periods. `lent` others have used of that,
    `borrowed` it has used of theirs.
    """

    entitled: int
    credit: int = 0
    used: int = 0
    lent: int = 0
    borrowed: int = 0

    @property
    def limit(self) -> int:
        """What it may use before time is anybody's."""
        return self.entitled + self.credit

    @property
    def left(self) -> int:
        """What it can still use without borrowing. Negative where leave has taken away time that was used already."""
        return self.limit + self.borrowed - self.used - self.lent


@dataclass(frozen=True)
class Share:
    """What an agreement says of one day of one municipality: its period's first day, and how it stands there."""

    pool: str
    period: date
    release_days: int
    position: Position


@dataclass(frozen=True)
class Charge:
    """Minutes that are charged to a municipality's share; `released` where they are anybody's, else on day `opens`."""

    pool: str
    period: date
    municipality: str
    minutes: int
    released: bool
    opens: date


@dataclass(frozen=True)
class Loan:
    """Minutes of `lender` that `borrower` uses; negative where they are given back."""

    lender: str
    borrower: str
    minutes: int


Standing = Mapping[str, Position]
Owed = Mapping[tuple[str, str], int]


def today(now: datetime) -> date:
    """The local day of an instant."""
    return now.astimezone(HOME).date()


def periods(terms: Iterable[Terms], first: date, last: date) -> Iterator[Period]:
    """The periods that hold a day from `first` to `last`, in order.

    Weeks begin on Mondays; four weeks are counted from the Monday of the week in which their terms begin. New terms
    begin a new period, and what is left of the one before ends the day before.
    """
    for each in sorted(terms, key=lambda t: t.first):
        length = WEEK * (4 if each.period == "four_weeks" else 1)
        start = each.first - DAY * each.first.weekday()
        start += length * max(0, (first - start) // length)
        while start <= min(last, each.last):
            period = Period(max(start, each.first), min(start + length - DAY, each.last), each)
            if period.last >= first:
                yield period
            start += length


def split(minutes: int, shares: Mapping[str, int]) -> dict[str, int]:
    """Whole minutes by share that add up to `minutes`: by largest remainder, then by larger share, then by code."""
    whole = sum(shares.values())
    parts = {code: minutes * share // whole for code, share in shares.items()}
    order = sorted(shares, key=lambda code: (-(minutes * shares[code] % whole), -shares[code], code))
    for code in order[: minutes - sum(parts.values())]:
        parts[code] += 1
    return parts


def entitle(period: Period, minutes: Callable[[date], int]) -> dict[str, int]:
    """What each municipality is entitled to: its share of the `minutes` that the advisors work on the period's days.

    Leave and holidays so take from all by their shares.
    """
    days = (period.last - period.first).days + 1
    return split(sum(minutes(period.first + DAY * n) for n in range(days)), period.terms.shares)


def opens(day: date, release_days: int) -> date:
    """The day from which a time on `day` is anybody's."""
    return day - DAY * release_days


def is_released(day: date, today: date, release_days: int | None) -> bool:
    """Whether a time on `day` is anybody's: `release_days` before its day, whatever the hour."""
    return release_days is not None and day - today <= DAY * release_days


def may_take(position: Position, minutes: int, *, released: bool) -> bool:
    """Whether a municipality may use so much more of a period."""
    return released or position.used + minutes <= position.limit


def lend(standing: Standing, borrower: str, minutes: int) -> list[Loan]:
    """Who lends what `borrower` lacks when it uses so much more: whoever has most left first, then by code.

    Where leave has taken away more than anybody has left, the rest is nobody's loan.
    """
    lacking = minutes - min(minutes, max(0, standing[borrower].left))
    loans = []
    for lender in sorted(standing, key=lambda code: (-standing[code].left, code)):
        part = min(lacking, standing[lender].left)
        if lender != borrower and part > 0:
            loans.append(Loan(lender, borrower, part))
            lacking -= part
    return loans


def use(standing: Standing, municipality: str, minutes: int) -> tuple[dict[str, Position], list[Loan]]:
    """How all stand once a municipality has used so much more, and what was lent for it."""
    loans = lend(standing, municipality, minutes)
    position = standing[municipality]
    after = {**standing, municipality: replace(position, used=position.used + minutes)}
    return _with(after, loans), loans


def give_back(
    standing: Standing, owed: Owed, municipality: str, minutes: int
) -> tuple[dict[str, Position], list[Loan]]:
    """How all stand once a municipality has given time back, and which loans that ends.

    Nobody owes while it has time left: what it has left repays its loans, first to whoever has least left, and what
    that one gets back repays its own. `owed` are minutes by lender and borrower.
    """
    position = standing[municipality]
    after = {**standing, municipality: replace(position, used=position.used - minutes)}
    debts, repaid = dict(owed), []
    while debtor := next((code for code in sorted(after) if min(after[code].left, after[code].borrowed) > 0), None):
        lenders = [lender for (lender, borrower), due in debts.items() if borrower == debtor and due > 0]
        lender = min(lenders, key=lambda code: (after[code].left, code))
        part = min(after[debtor].left, debts[lender, debtor])
        loan = Loan(lender, debtor, -part)
        debts[lender, debtor] -= part
        after = _with(after, [loan])
        repaid.append(loan)
    return after, repaid


def _with(standing: Standing, loans: Iterable[Loan]) -> dict[str, Position]:
    after = dict(standing)
    for loan in loans:
        lender, borrower = after[loan.lender], after[loan.borrower]
        after[loan.lender] = replace(lender, lent=lender.lent + loan.minutes)
        after[loan.borrower] = replace(borrower, borrowed=borrower.borrowed + loan.minutes)
    return after


def credit(position: Position, into: Position, carry_over: int) -> int:
    """The credit that a period that has ended gives in a later one: what was not used, at most `carry_over` percent of
    that later period's entitlement, together with the credit it has already. Others' use of it was a loan to them.
    """
    unused = max(0, position.limit - position.used)
    return max(0, min(unused, into.entitled * carry_over // PERCENT - into.credit))


def preference(advisor: str, taken: int, capacity: int, last: str | None) -> tuple[bool, float, str]:
    """The order in which advisors who are free get a booking: the family's `last` one if asked for, the one whose week
    is least used relative to its open minutes, then by id. Never by chance.
    """
    return (advisor != last, taken / capacity if capacity else 1.0, advisor)
