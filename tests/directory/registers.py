"""Entities as chance makes them: well-formed each by itself, and held to no rule between them."""

from datetime import date, time
from typing import Any

from hypothesis import strategies as st

from directory import events
from directory.events import Entity

texts = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)
ids = st.from_regex("[a-z0-9][a-z0-9-]{0,8}", fullmatch=True)
codes = st.from_regex("[0-9]{4}", fullmatch=True)
days = st.dates(date(2020, 1, 1), date(2035, 12, 31))
times = st.builds(time, st.integers(0, 23), st.integers(0, 59))
languages = st.lists(st.from_regex("[a-z]{2,3}", fullmatch=True), max_size=3)
modalities = st.lists(st.sampled_from(["video", "phone", "visit"]), max_size=3)
both = st.builds(events.Text, sv=texts, en=st.none() | texts)
common = {"version": st.just(1), "ended": st.booleans()}

blocks = st.builds(
    events.WeeklyBlock, weekday=st.integers(1, 7), start=times, end=times, modalities=modalities, place=st.none() | ids
)
exceptions = st.builds(
    events.ScheduleException,
    kind=st.sampled_from(["leave", "extra"]),
    first=days,
    last=days,
    start=st.none() | times,
    end=st.none() | times,
    modalities=modalities,
    place=st.none() | ids,
)
grants = st.builds(
    events.Grant,
    role=st.sampled_from(["advisor", "coordinator", "nurse", "reviewer", "operator"]),
    unit=st.none() | ids,
    centre=st.none() | ids,
)
terms: dict[str, st.SearchStrategy[Any]] = {
    "posts": st.floats(0.01, 99),
    "shares": st.dictionaries(codes, st.integers(-5, 200), max_size=3),
    "release_days": st.integers(0, 28),
    "period": st.sampled_from(["iso_week", "four_weeks"]),
    "carry_over": st.integers(0, 100),
}
amendments = st.lists(st.builds(events.Amendment, valid_from=days, **terms), max_size=3)
denominators = st.lists(
    st.builds(events.Denominator, children=st.integers(1, 99_999), source=texts, as_of=days), max_size=3
)
told = st.builds(
    events.PersonalData,
    **dict.fromkeys(
        ("controller", "organisation_number", "email", "officer_email", "officer_phone"), st.none() | texts
    ),
    **dict.fromkeys(("purpose", "ground", "authority"), st.none() | both),
)
entities: st.SearchStrategy[Entity] = st.one_of(
    st.builds(
        events.Municipality,
        id=codes,
        slug=ids,
        name=texts,
        accent=st.from_regex("#[0-9a-f]{6}", fullmatch=True),
        concern_url=texts,
        phone=texts,
        denominators=denominators,
        # Of one in which nothing is said, a file says nothing.
        personal_data=st.none() | told.filter(lambda one: any(one.model_dump().values())),
        **common,
    ),
    st.builds(events.Unit, id=ids, municipality=codes, name=texts, board=texts, **common),
    st.builds(
        events.Centre,
        id=ids,
        municipality=codes,
        name=texts,
        kind=st.sampled_from(["bvc", "family_centre", "other"]),
        address=texts,
        attached_to_family_centre=st.booleans(),
        hsa_id=st.none() | texts,
        denominators=denominators,
        **common,
    ),
    st.builds(
        events.Advisor,
        id=ids,
        name=texts,
        profession=st.sampled_from(["kurator", "boendestodjare"]),
        unit=ids,
        languages=languages,
        modalities=modalities,
        **common,
    ),
    st.builds(
        events.Pool,
        id=ids,
        name=texts,
        advisors=st.lists(ids, max_size=3),
        valid_from=days,
        valid_until=st.none() | days,
        amendments=amendments,
        **terms,
        **common,
    ),
    st.builds(
        events.Schedule,
        id=ids,
        advisor=ids,
        zone=texts,
        valid_from=days,
        valid_until=st.none() | days,
        works_on_holidays=st.booleans(),
        weekly=st.lists(blocks, max_size=3),
        exceptions=st.lists(exceptions, max_size=3),
        **common,
    ),
    st.builds(
        events.Offering,
        id=ids,
        name=both,
        summary=both,
        kind=st.sampled_from(["conversation", "joint_visit"]),
        regime=st.sampled_from(["universal", "assessed"]),
        documentation=st.sampled_from(["anonymous", "minimal", "elsewhere"]),
        retention_days=st.none() | st.integers(1, 3650),
        unit=ids,
        units=st.dictionaries(codes, ids, max_size=2),
        municipalities=st.lists(codes, max_size=3),
        advisors=st.lists(ids, max_size=3),
        duration=st.integers(1, 480),
        buffer_before=st.integers(0, 60),
        buffer_after=st.integers(0, 60),
        starts_every=st.integers(1, 480),
        modalities=modalities,
        ages=st.builds(events.Ages, first=st.integers(0, 20), last=st.integers(0, 20), expecting=st.booleans()),
        languages=languages,
        horizon_days=st.integers(1, 90),
        lead_time_hours=st.integers(0, 336),
        cancel_limit_hours=st.integers(0, 336),
        practical=st.none() | both,
        self_booking=st.booleans(),
        **common,
    ),
    st.builds(
        events.Staff,
        id=ids,
        name=texts,
        identity=texts,
        advisor=st.none() | ids,
        grants=st.lists(grants, max_size=3),
        **common,
    ),
)
