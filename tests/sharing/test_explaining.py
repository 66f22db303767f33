"""Why a time is not offered: each rule named, and never anything else than what search and booking do."""

import html
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking.bookings import holds
from booking.bookings import rules as bookings
from booking.explaining import rules, service
from booking.explaining.rules import Busy, Entitled, Known, Reason
from booking.explaining.service import Asked
from booking.explaining.texts import TEXTS
from booking.sharing.rules import Position, Share, may_take
from booking.slots import rules as slots
from booking.slots import service as slots_service
from booking.slots import tables as slot_tables
from booking.slots.reads import Advisor, Amendment, Pool, Schedule, ScheduleException, Unit, WeeklyBlock
from booking.slots.rules import SlotFacts
from booking.slots.service import SlotId, closed
from booking.slots.tables import Search
from directory import events as directory
from kit import database, staff
from kit.access import Person
from kit.refusal import Refusal
from tests import infra
from tests.agenda.conftest import person
from tests.booking import register
from tests.booking.conftest import ready
from tests.booking.test_journey import request_for
from tests.conftest import Clock, Run, Running, until
from tests.sharing import agreements
from tests.signing import session_of

NOW = register.NOW
TOWN = "1266"
MONDAY = date(2026, 3, 16)
# 09.00 in Sweden, two weeks ahead.
NINE = datetime(2026, 3, 16, 8, tzinfo=UTC)
WEEK = Entitled(Share("p", MONDAY, 7, Position(entitled=600, used=540)), date(2026, 3, 22))


def known(**changes: Any) -> Known:
    """All that lets a family of Hörby book Maria, who is shared, on Mondays from 08.00 to 12.00."""
    values: dict[str, Any] = {
        "offering": agreements.offering(municipalities=(TOWN, "1267"), advisors=("maria",), lead_time_hours=2),
        "municipality": True,
        "advisor": Advisor(
            id="maria", version=1, name="Maria", unit="u", languages=("sv",), modalities=("video", "phone")
        ),
        "units": (Unit(id="u", version=1, municipality="1267"),),
        "pools": (
            Pool(
                id="p",
                version=1,
                name="P",
                advisors=("maria",),
                shares={TOWN: 60, "1285": 40},
                valid_from=date(2026, 1, 1),
                valid_until=date(2026, 12, 31),
            ),
        ),
        "schedules": (agreements.schedule("maria", [(1, 8, 12)]),),
        "entitled": (WEEK,),
        **changes,
    }
    return Known(**values)


def explain(of: Known, start: datetime = NINE, now: datetime = NOW, town: str = TOWN) -> rules.Explanation:
    return rules.explain(of, municipality=town, start=start, now=now, closed=closed)


def changed(name: str, **update: Any) -> Known:
    """With one part changed."""
    part = getattr(known(), name)
    single = part[0] if isinstance(part, tuple) else part
    made = single.model_copy(update=update)
    return known(**{name: (made,) if isinstance(part, tuple) else made})


def away(first: time | None = None, last: time | None = None) -> Known:
    leave = ScheduleException(kind="leave", first=MONDAY, last=MONDAY, start=first, end=last)
    return changed("schedules", exceptions=(leave,))


def by_visit() -> Known:
    return changed("schedules", weekly=(WeeklyBlock(weekday=1, start=time(8), end=time(12), modalities=("visit",)),))


def by_visit_to(place: str | None) -> Known:
    """Maria receives visits alone; it is known where the BVC is."""
    of = by_visit()
    assert of.offering
    assert of.advisor
    block = of.schedules[0].weekly[0].model_copy(update={"place": place})
    return replace(
        of,
        offering=of.offering.model_copy(update={"modalities": ("visit",)}),
        advisor=of.advisor.model_copy(update={"modalities": ("visit",)}),
        schedules=(of.schedules[0].model_copy(update={"weekly": (block,)}),),
        places={"bvc-horby"},
    )


def used(minutes: int, **changes: Any) -> Known:
    position = replace(WEEK.share.position, used=minutes, **changes)
    return known(entitled=(replace(WEEK, share=replace(WEEK.share, position=position)),))


EASTER = datetime(2026, 4, 6, 7, tzinfo=UTC)
CASES: Sequence[tuple[str, Reason | None, Known, datetime, datetime]] = [
    ("all is well", None, known(), NINE, NOW),
    ("no offering", "offering-unknown", known(offering=None), NINE, NOW),
    ("an ended offering", "offering-ended", changed("offering", ended=True), NINE, NOW),
    ("by staff alone", "not-booked-by-families", changed("offering", self_booking=False), NINE, NOW),
    ("a course", "not-booked-by-families", changed("offering", kind="course"), NINE, NOW),
    ("no town", "municipality-unknown", known(municipality=False), NINE, NOW),
    ("elsewhere", "not-in-municipality", changed("offering", municipalities=("1267",)), NINE, NOW),
    ("unanswered", "nobody-answers", changed("offering", units={}), NINE, NOW),
    ("no advisor", "advisor-unknown", known(advisor=None), NINE, NOW),
    ("who has left", "advisor-unknown", changed("advisor", ended=True), NINE, NOW),
    ("another's offering", "not-among-advisors", changed("offering", advisors=("elin",)), NINE, NOW),
    ("no way in common", "no-common-way", changed("advisor", modalities=("visit",)), NINE, NOW),
    ("not in the agreement", "not-shared", changed("pools", shares={"1285": 100}), NINE, NOW),
    ("before the agreement", "not-shared", changed("pools", valid_from=date(2026, 3, 17)), NINE, NOW),
    ("after the agreement", "not-shared", changed("pools", valid_until=date(2026, 3, 15)), NINE, NOW),
    (
        "left the agreement",
        "not-shared",
        changed("pools", amendments=(Amendment(valid_from=MONDAY, shares={"1285": 100}),)),
        NINE,
        NOW,
    ),
    ("employed elsewhere", "employed-elsewhere", known(pools=()), NINE, NOW),
    ("no hours at all", "no-working-time", known(schedules=()), NINE, NOW),
    ("hours of later", "no-working-time", changed("schedules", valid_from=date(2026, 3, 17)), NINE, NOW),
    ("away all day", "absent", away(), NINE, NOW),
    ("away then", "absent", away(time(9), time(10)), NINE, NOW),
    ("away later", None, away(time(10), time(12)), NINE, NOW),
    ("Easter Monday", "holiday", known(), EASTER, NOW),
    ("after work", "outside-hours", known(), NINE + timedelta(hours=3), NOW),
    ("another weekday", "outside-hours", known(), NINE + timedelta(days=1), NOW),
    ("visits only", "no-way-then", by_visit(), NINE, NOW),
    ("a visit to a place", None, by_visit_to("bvc-horby"), NINE, NOW),
    ("a visit to nowhere", "no-place", by_visit_to(None), NINE, NOW),
    ("a visit to a place that is not known", "no-place", by_visit_to("bvc-hoor"), NINE, NOW),
    ("half past", "not-a-start", known(), NINE + timedelta(minutes=30), NOW),
    ("too late to be over", "too-long", known(), NINE + timedelta(hours=2, minutes=30), NOW),
    ("booked", "taken", known(busy=(Busy(NINE, NINE + timedelta(minutes=5), held=False),)), NINE, NOW),
    ("held", "held", known(busy=(Busy(NINE, NINE + timedelta(minutes=5), held=True),)), NINE, NOW),
    (
        "travel before",
        "taken",
        known(busy=(Busy(NINE + timedelta(minutes=50), NINE + timedelta(hours=2), held=False),)),
        NINE,
        NOW,
    ),
    ("booked before", None, known(busy=(Busy(NINE - timedelta(hours=1), NINE, held=False),)), NINE, NOW),
    ("over", "past", known(), NINE, NINE + timedelta(minutes=1)),
    ("an Easter Monday that is over", "past", known(), EASTER, EASTER + timedelta(days=1)),
    ("after work that is over", "past", known(), NINE + timedelta(hours=3), NINE + timedelta(days=1)),
    ("in an hour", "too-soon", known(), NINE, NINE - timedelta(hours=1)),
    ("in two hours", None, known(), NINE, NINE - timedelta(hours=2)),
    ("far ahead", "too-far-ahead", known(), NINE, NINE - timedelta(days=42, minutes=1)),
    ("not so far", None, known(), NINE, NINE - timedelta(days=42)),
    ("not worked out", "share-unknown", known(entitled=()), NINE, NOW),
    ("all used", "share-used", used(541), NINE, NOW),
    ("all used but a credit", None, used(541, credit=1), NINE, NOW),
    ("used but anybody's", None, used(600), NINE, NINE - timedelta(days=7)),
    ("used, a day before it is", "share-used", used(600), NINE, NINE - timedelta(days=8)),
]


@pytest.mark.parametrize(
    ("reason", "of", "start", "now"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_the_first_rule_in_the_way_is_named(reason: Reason | None, of: Known, start: datetime, now: datetime) -> None:
    found = explain(of, start, now)
    assert (found.stop.reason if found.stop else None) == reason
    passed = list(found.rules.values())
    tried = [p for p in passed if p is not None]
    assert passed[: len(tried)] == tried, "what comes after is not tried"
    assert tried == [True] * (len(tried) - 1) + [reason is None]
    assert found.offered == (reason is None)


def test_every_reason_has_a_case() -> None:
    assert {case[1] for case in CASES} == {*get_args(Reason), None}


def test_every_reason_and_every_rule_has_its_words() -> None:
    reasons = [reason.replace("-", "_") for reason in get_args(Reason)]
    assert {f"{part}_{reason}" for part in ("why", "do") for reason in [*reasons, "offered"]} <= TEXTS.keys()
    assert [f"rule_{rule}" for rule in get_args(rules.Rule) if f"rule_{rule}" not in TEXTS] == []
    assert (*rules.RULES,) == get_args(rules.Rule)


def test_what_is_told_of_a_time_in_the_way() -> None:
    outside = explain(known(), NINE + timedelta(hours=3)).stop
    assert outside
    assert outside.hours == ((NINE - timedelta(hours=1), NINE + timedelta(hours=3)),)
    busy = (Busy(NINE, NINE + timedelta(hours=1), held=False),)
    half = explain(known(busy=busy), NINE + timedelta(minutes=30)).stop
    assert half
    assert half.starts == tuple(NINE + timedelta(hours=h) for h in (-1, 1, 2)), "nine is taken"
    ahead = explain(known(), NINE, NINE - timedelta(days=50)).stop
    assert ahead
    assert isinstance(ahead.opens, datetime)
    assert ahead.opens == NINE - timedelta(days=42)
    assert explain(known(), NINE, ahead.opens).offered
    assert not explain(known(), NINE, ahead.opens - timedelta(minutes=1)).offered
    share = explain(used(600)).stop
    assert share
    assert (share.opens, share.minutes) == (date(2026, 3, 9), 60)


MINUTES = 45 * 24 * 60
MOMENTS = st.integers(0, MINUTES).map(lambda minutes: NOW + timedelta(minutes=minutes))
HOURS = MOMENTS.map(lambda moment: moment.replace(minute=0))
WALLS = st.integers(0, 23).map(time)
DAYS = st.dates(date(2026, 3, 1), date(2026, 4, 15))
MODALITIES = st.lists(st.sampled_from(["video", "phone", "visit"]), unique=True, min_size=1).map(tuple)
TOWNS = st.lists(st.sampled_from([TOWN, "1267", "1285"]), unique=True, min_size=1).map(tuple)
SHARES = TOWNS.flatmap(lambda codes: st.fixed_dictionaries({code: st.integers(1, 100) for code in codes}))


ODD = (
    "offering",
    "advisors",
    "self_booking",
    "advisor",
    "ways",
    "unit",
    "pool",
    "ended_pool",
    "alone",
    "hours",
    "schedules",
)
# One that is known with its address, one that is not known, one that has ended, one without an address.
PLACES = {None: False, "bvc-horby": True, "nowhere": False, "closed": False, "unaddressed": False}
GOOD_HOURS = tuple(
    WeeklyBlock(weekday=day, start=time(start), end=time(start + 5), modalities=ways, place="bvc-horby")
    for day in range(1, 8)
    for start, ways in ((7, ("video", "phone")), (13, ("visit", "phone")))
)
BLOCKS = st.builds(
    WeeklyBlock,
    weekday=st.integers(1, 7),
    start=WALLS,
    end=WALLS,
    modalities=MODALITIES,
    place=st.sampled_from([*PLACES]),
)
EXCEPTIONS = st.builds(
    lambda kind, first, days, wall, ways, place: ScheduleException(
        kind=kind,
        first=first,
        last=first + timedelta(days=days),
        start=wall,
        end=time(23, 30) if wall else None,
        modalities=ways,
        place=place,
    ),
    st.sampled_from(["leave", "extra"]),
    DAYS,
    st.integers(0, 5),
    st.none() | WALLS,
    MODALITIES,
    st.sampled_from([*PLACES]),
)
POSITIONS = st.builds(Position, st.integers(0, 600), st.integers(0, 60), st.integers(0, 600))


@st.composite
def registers(draw: st.DrawFn) -> Known:
    """A register of one offering and one advisor who can be booked but for a few things that are as odd as may be."""
    odd = draw(st.sets(st.sampled_from(ODD), max_size=2))
    ends = "offering" in odd
    offering = agreements.offering(
        municipalities=draw(TOWNS) if ends else (TOWN, "1267"),
        advisors=() if "advisors" in odd else ("maria",),
        modalities=draw(MODALITIES),
        duration=draw(st.sampled_from([20, 45])),
        buffer_before=draw(st.sampled_from([0, 10])),
        buffer_after=draw(st.sampled_from([0, 15])),
        starts_every=draw(st.sampled_from([30, 60])),
        lead_time_hours=draw(st.sampled_from([0, 2, 48])),
        horizon_days=draw(st.sampled_from([42, 14])),
        self_booking="self_booking" not in odd,
        ended=ends and draw(st.booleans()),
    )
    schedules = tuple(
        Schedule(
            id=f"s{number}",
            version=1,
            advisor="maria",
            zone="Europe/Stockholm",
            valid_from=draw(st.sampled_from([date(2026, 1, 1), date(2026, 3, 20)]))
            if "hours" in odd
            else date(2026, 1, 1),
            weekly=draw(st.lists(BLOCKS, max_size=8).map(tuple)) if "hours" in odd else GOOD_HOURS,
            exceptions=draw(st.lists(EXCEPTIONS, max_size=2).map(tuple)),
            works_on_holidays=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 2)) if "schedules" in odd else 1)
    )
    later = draw(st.none() | SHARES) if "pool" in odd else None
    pool = Pool(
        id="p",
        version=1,
        name="P",
        advisors=("maria",),
        shares=draw(SHARES) if "pool" in odd else {TOWN: 40, "1267": 60},
        valid_from=date(2026, 1, 1),
        valid_until=draw(st.none() | DAYS) if "pool" in odd else None,
        amendments=() if later is None else (Amendment(valid_from=date(2026, 3, 23), shares=later),),
        ended="ended_pool" in odd,
    )
    ways = draw(MODALITIES) if "ways" in odd else ("video", "phone", "visit")
    weeks = [date(2026, 2, 23) + timedelta(weeks=n) for n in range(8)]
    return Known(
        offering=offering,
        municipality=True,
        advisor=Advisor(
            id="maria", version=1, name="M", unit="u", languages=("sv",), modalities=ways, ended="advisor" in odd
        ),
        units=(Unit(id="u", version=1, municipality=TOWN, ended="unit" in odd),),
        pools=() if "alone" in odd else (pool,),
        schedules=schedules,
        busy=tuple(
            Busy(start, start + timedelta(minutes=50), held=False)
            for start in draw(st.lists(HOURS, max_size=9, unique=True))
        ),
        entitled=tuple(
            Entitled(Share("p", week, draw(st.integers(0, 28)), draw(POSITIONS)), week + timedelta(days=6))
            for week in weeks[draw(st.integers(0, 1)) :]
        ),
        places={place for place, known in PLACES.items() if known and place},
    )


def may_be_booked(of: Known, start: datetime, now: datetime) -> bool:
    """What the rules of a booking say of a start, in any way to meet, once its time and its share are asked for."""
    assert of.offering
    assert of.advisor
    day = start.date()
    hours = slots.open_hours(of.schedules, day - timedelta(days=1), day + timedelta(days=1), closed)
    block = next((block for block in hours if block.start <= start < block.end), None)
    found = slots.reaches([of.offering], [of.advisor], of.units, of.pools)
    reach = next((r for r in found if block and r.municipality == TOWN and r.first <= block.day <= r.last), None)
    pool = reach.pool if reach else None
    entitled = next(
        (e for e in of.entitled if block and e.share.pool == pool and e.share.period <= block.day <= e.last), None
    )
    facts = SlotFacts(
        None if of.offering.ended else of.offering,
        TOWN,
        of.advisor.name,
        reach.unit if reach else None,
        reach.modalities if reach else (),
        block,
        slots.Place(block.place, block.place, "Vägen 1") if block and block.place in of.places else None,
        pool,
        entitled.share if entitled else None,
    )
    for modality in of.offering.modalities:
        with suppress(Refusal):
            made = bookings.allow_start(
                facts, advisor="maria", municipality=TOWN, modality=modality, start=start, now=now
            )
            charge = made.charge
            clear = all(b.end <= made.times.busy_from or made.times.busy_until <= b.start for b in of.busy)
            if clear and (
                charge is None
                or (entitled and may_take(entitled.share.position, charge.minutes, released=charge.released))
            ):
                return True
    return False


def about(of: Known, moment: datetime) -> list[datetime]:
    """An instant, and the starts of its day whether taken or not."""
    assert of.offering
    hours = slots.open_hours(of.schedules, moment.date(), moment.date(), closed)
    return [moment, *(times.start for block in hours for times in slots.starts(of.offering, block, []))]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(of=registers(), moment=MOMENTS, now=MOMENTS)
def test_it_is_offered_exactly_when_the_rules_of_a_booking_allow_it(of: Known, moment: datetime, now: datetime) -> None:
    for start in about(of, moment)[:20]:
        assert explain(of, start, now).offered == may_be_booked(of, start, now)


class _Undone(Exception):  # noqa: N818 - no error: rolls back what a test has tried
    pass


async def store(booking: Running, of: Known, now: datetime) -> None:
    """Make booking know exactly this, as its handlers would."""
    entities = [("offering", of.offering), ("advisor", of.advisor)]
    entities += [(kind, e) for kind, many in (("unit", of.units), ("pool", of.pools)) for e in many]
    entities += [("schedule", each) for each in of.schedules]
    async with database.driver(booking.admin) as connection, connection.transaction():
        await connection.execute("truncate busy, entitlement, ledger, reach, open_block, advisor_day")
        await connection.execute("delete from directory_copy where kind not in ('municipality', 'centre')")
        for place, ended, address in (("closed", True, "Vägen 1"), ("unaddressed", False, "")):
            centre = register.CENTRE.model_copy(update={"id": place, "ended": ended, "address": address})
            await slot_tables.store(connection, "centre", centre, None)
        for kind, entity in entities:
            await slot_tables.store(connection, kind, entity, None)
        await connection.executemany(
            "insert into busy (id, advisor, day, during, kind)"
            " values ($1, 'maria', ($2 at time zone 'Europe/Stockholm')::date, tstzrange($2, $3), 'booking')",
            [(uuid4(), busy.start, busy.end) for busy in of.busy],
        )
        await connection.executemany(
            "insert into entitlement (pool, first, municipality, last, release_days, carry_over, minutes, credit, used)"
            " values ($1, $2, $3, $4, $5, 0, $6, $7, $8)",
            [
                (e.share.pool, e.share.period, TOWN, e.last, e.share.release_days, p.entitled, p.credit, p.used)
                for e in of.entitled
                for p in [e.share.position]
            ],
        )
        await slots_service.refresh_reach(connection)
        await slots_service.refresh_open_hours(connection, "maria", now)


async def is_searched(booking: Running, start: datetime, now: datetime) -> bool:
    wanted = Search(
        now=now, offering="foraldrasamtal", municipality=TOWN, first=start, last=start + timedelta(minutes=1)
    )
    async with database.driver(booking.runtime.engine) as connection:
        return any(free.start == start for free in await slot_tables.free_starts(connection, wanted))


async def is_held(booking: Running, of: Known, start: datetime, now: datetime) -> bool:
    """Whether somebody could hold it, in any way to meet; nobody does."""
    assert of.offering
    found = False
    for modality in of.offering.modalities:
        with suppress(Refusal, _Undone):
            async with database.transaction(booking.runtime.engine) as connection:
                await holds.make(
                    connection,
                    booking.runtime.settings,
                    slot=SlotId("foraldrasamtal", "maria", start),
                    municipality=TOWN,
                    modality=modality,
                    client=b"a test",
                    now=now,
                )
                found = True
                raise _Undone
    return found


MARIA = Person(staff.Staff(id="maria", name="Maria", identity="x", advisor="maria"))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(of=registers(), days=st.integers(0, 41), data=st.data())
async def test_it_is_offered_exactly_when_search_finds_it_and_it_can_be_held(
    booking: Running, of: Known, days: int, data: st.DataObject
) -> None:
    # The sweeper, which keeps the calendar, does so at the clock's time.
    now = NOW
    await store(booking, of, now)
    day = now + timedelta(days=days)
    candidates = [*about(of, day)[:12], day.replace(hour=data.draw(st.integers(0, 23)))]
    for start in candidates:
        asked = Asked("foraldrasamtal", TOWN, "maria", start)
        async with database.driver(booking.runtime.engine) as connection:
            told = await service.explain(connection, MARIA, asked, now=now, language="sv")
        assert told.explanation.offered == explain(of, start, now).offered
        assert told.explanation.offered == await is_searched(booking, start, now), told.explanation
        assert told.explanation.offered == await is_held(booking, of, start, now), told.explanation


@pytest.fixture
async def booking(
    run: Run,
    nats_server: infra.NatsServer,
    clock: Clock,
    secret_file: Path,
) -> AsyncIterator[Running]:
    leave = directory.ScheduleException(kind="leave", first=date(2026, 3, 4), last=date(2026, 3, 4))
    entities = [
        *(entity for entity in register.basic() if not isinstance(entity, directory.Schedule)),
        register.schedule(exceptions=[leave]),
        register.advisor(1).model_copy(update={"unit": "lund-stod"}),
        directory.Unit(id="lund-stod", version=1, municipality="1281", name="Stöd", board="Nämnden"),
        person("asa", "familjestod", role="coordinator"),
        person("maria-ek", "familjestod", advisor="maria-ek"),
    ]
    await register.publish(nats_server.url, entities)
    async with run("booking", clock=clock, manage_secret_file=secret_file) as running:
        await until(lambda: ready(running))
        yield running


def plain(page: str) -> str:
    """The words of a page."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


async def ask(booking: Running, day: str, clock_time: str, who: str = "asa", **changes: str) -> httpx.Response:
    query = {"insats": "foraldrasamtal", "kommun": TOWN, "radgivare": "maria-ek", "dag": day, "tid": clock_time}
    return await booking.http.get("/varfor-inte", params={**query, **changes}, headers=session_of(booking, who))


@pytest.mark.parametrize(
    ("day", "clock_time", "said"),
    [
        ("2026-03-10", "09:00", "Tiden erbjuds: familjer i Hörby kan boka den."),
        ("2026-03-04", "09:00", "Maria Ek är inte i tjänst då."),
        ("2026-04-03", "09:00", "Det är Långfredagen, och då är det stängt."),
        ("2026-03-10", "12:30", "Maria Ek arbetar inte då. Arbetstiden den dagen är kl. 08.00–12.00 och 13.00–17.00."),
        ("2026-03-10", "09:10", "De närmaste lediga starttiderna är 08.00, 09.00 och 10.00."),
        ("2026-03-02", "09:00", "familjer bokar Föräldrasamtal minst 2 h före. Personal kan boka den ändå"),
        ("2026-02-27", "09:00", "Tiden har varit."),
        ("2026-03-10", "16:30", "hinner inte bli klar inom arbetstiden, med det efterarbete som hör till."),
        ("2026-05-04", "09:00", "Den öppnar måndag 23 mars kl. 08.00."),
        ("2026-12-21", "09:00", "Den öppnar måndag 9 november 2026 kl. 09.00."),
    ],
)
async def test_the_page_answers_in_a_sentence(booking: Running, day: str, clock_time: str, said: str) -> None:
    answer = await ask(booking, day, clock_time)
    assert answer.status_code == 200, answer.text
    assert said in plain(answer.text)


async def test_offerings_of_one_name_are_told_apart_by_their_municipalities(
    booking: Running, nats_server: infra.NatsServer
) -> None:
    twin = register.OFFERING.model_copy(update={"id": "foraldrasamtal-hoor", "municipalities": ["1267"]})
    await register.publish(nats_server.url, [twin])
    await until(lambda: _asks_for(booking, "Föräldrasamtal (Höör)"))
    assert await _asks_for(booking, "Föräldrasamtal (Hörby, ")


async def _asks_for(booking: Running, offering: str) -> bool:
    return offering in plain((await booking.http.get("/varfor-inte", headers=session_of(booking, "asa"))).text)


async def test_an_advisor_is_told_of_her_own_leave_and_nobody_else_is(booking: Running) -> None:
    own = plain((await ask(booking, "2026-03-04", "09:00", "maria-ek")).text)
    assert "Du har frånvaro inlagd då. Vill du arbeta då, ändra det under Frånvaro och extra tid." in own
    others = plain((await ask(booking, "2026-03-04", "09:00")).text)
    assert "rånvaro" not in others


async def test_a_share_that_is_used_is_told_with_its_numbers_and_when_it_opens(booking: Running) -> None:
    async with database.driver(booking.admin) as connection:
        await connection.execute(
            "update entitlement set used = minutes - 30 where municipality = $1 and first = $2", TOWN, MONDAY
        )
    page = plain((await ask(booking, "2026-03-17", "09:00", "maria-ek")).text)
    # 26 percent of a week of 40 hours.
    assert "Hörby har använt sin del: 9 h 54 min av 10 h 24 min från måndag 16 mars till söndag 22 mars." in page
    assert "Den här tiden tar 1 h. Är den ledig tisdag 10 mars får alla kommuner i avtalet boka den då." in page
    assert "Har kommunen tid kvar att boka? Nej" in page
    assert "Föräldrasamtal med Maria Ek för familjer i Hörby, tisdag 17 mars kl. 09.00." in page


async def test_time_that_is_taken_is_told_without_by_whom(booking: Running) -> None:
    headers = {"params": {"offering": "foraldrasamtal", "municipality": "1267", "from": "2026-03-10"}}
    slot = (await booking.http.get("/booking/v1/slots", **headers)).json()["items"][0]
    made = await booking.http.post("/booking/v1/bookings", json=request_for(slot, municipality="1267"))
    assert made.status_code == 201, made.text
    page = plain((await ask(booking, "2026-03-10", "08:00")).text)
    assert "Tiden är upptagen. Välj en annan tid." in page
    assert made.json()["reference"] not in page
    assert "Kim" not in page


async def test_programs_are_told_the_same(booking: Running) -> None:
    async def get(who: str = "asa", **changes: str) -> httpx.Response:
        query = {
            "offering": "foraldrasamtal",
            "advisor": "maria-ek",
            "municipality": TOWN,
            "start": "2026-03-10T08:10:00Z",
            **changes,
        }
        headers = session_of(booking, who) if who else {}
        return await booking.http.get("/booking/v1/explanations", params=query, headers=headers)

    told = (await get()).json()
    assert (told["offered"], told["reason"], told["start"]) == (False, "not-a-start", "2026-03-10T08:10:00Z")
    assert [r["allows"] for r in told["rules"]] == [True] * 7 + [False] + [None] * 4
    assert told["advice"] == "De närmaste lediga starttiderna är 08.00, 09.00 och 10.00."
    assert (await get(start="2026-03-10T09:00:00+01:00")).json()["offered"]
    assert (await get(offering="nothing")).json()["reason"] == "offering-unknown"
    assert (await get(municipality="1281")).json()["reason"] == "municipality-unknown"
    assert (await get(advisor="advisor-1")).status_code == 404, "she works for others"
    assert (await get(advisor="nobody")).status_code == 404
    assert (await get(start="1999-01-01T00:00:00Z")).status_code == 422
    assert (await get("")).status_code == 401


async def test_what_is_wrong_stands_at_its_field(booking: Running) -> None:
    wrong = await ask(booking, "2026-02-30", "25:00", insats="nothing", kommun="", radgivare="advisor-1")
    assert wrong.status_code == 422
    for field in ("insats", "kommun", "radgivare", "dag", "tid"):
        assert f'id="{field}-message"' in wrong.text
    skipped = await ask(booking, "2026-03-29", "02:30")
    assert (skipped.status_code, "klockan ställs fram" in skipped.text) == (422, True)


async def test_links_lead_to_it_with_what_is_known(booking: Running) -> None:
    for path, link in (
        ("/telefonbokning", "/varfor-inte"),
        ("/telefonbokning/hoor/foraldrasamtal", "/varfor-inte?insats=foraldrasamtal&kommun=1267"),
        ("/arbetsdag?dag=2026-03-10", "/varfor-inte?radgivare=maria-ek&dag=2026-03-10"),
    ):
        page = html.unescape((await booking.http.get(path, headers=session_of(booking, "maria-ek"))).text)
        assert f'href="{link}"' in page
        form = await booking.http.get(link, headers=session_of(booking, "maria-ek"))
        assert form.status_code == 200
        assert "Så prövades tiden" not in form.text
    assert 'value="2026-03-10"' in form.text
    assert '<option value="maria-ek" selected>' in form.text
    assert "advisor-1" not in form.text
