"""The coordinator's pages of simulations: who asks, which ways of dividing the time are compared, and what comes out.

All that is chosen stands in the address, so that a simulation can be sent to a colleague, and asked for again.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from starlette.datastructures import QueryParams

from booking import charts
from booking.sharing import report, simulation_words
from booking.sharing.comparison import FIRST_COME, HARD_QUOTA, MOST, Outcome, Policy, Result, whole
from booking.sharing.report import Agreement
from booking.sharing.report_tables import USED
from booking.sharing.rules import today
from booking.sharing.simulation import Poisson, Scenario, Surge, even_guess
from booking.sharing.simulation_jobs import Job, Jobs, Work
from booking.sharing.simulation_texts import TEXTS
from booking.slots import tables as slot_tables
from booking.slots.pages import Running
from booking.slots.reads import Offering, Schedule
from booking.slots.rules import is_bookable
from booking.slots.service import closed
from kit import access, database
from kit.access import Person
from kit.database import Connection
from kit.language import Language, day_text
from kit.web import pages
from kit.web.pages import Pages

router = pages.staff_router()
PAGES = Pages(TEXTS, "booking.sharing", "booking.slots")
JOBS = Jobs()

Coordinating = Annotated[Person, Depends(access.signed_in("coordinator"))]
WEEKS = 52
KNOWN_WEEKS = 12
OFFERED = (FIRST_COME, HARD_QUOTA, Policy(3), Policy(7), Policy(14), Policy(7, 50))
USUAL = (FIRST_COME, HARD_QUOTA, Policy(7))
# How long a reader waits for news, in seconds.
AGAIN = 1
HIGHEST_SEED = 9999


@dataclass(frozen=True)
class Known:
    """What is known of an agreement. `weekly` are families a week, as booked (`counted`) or as guessed."""

    agreement: Agreement
    offerings: Mapping[str, Offering]
    offering: Offering
    schedules: Mapping[str, Sequence[Schedule]]
    weekly: Mapping[str, float]
    counted: bool


@dataclass(frozen=True)
class Asked:
    """A form: what was typed, what of it is wrong, and what it means where nothing is."""

    typed: Mapping[str, str]
    policies: Sequence[Policy]
    errors: Mapping[str, str] = field(default_factory=dict)
    work: Work | None = None


@router.get("/simulering")
async def simulation(request: Request, running: Running, person: Coordinating) -> Response:
    """The form; with `kor` in the address the simulation that it asks for, begun by the first who asks."""
    query = request.query_params
    now = today(running.clock())
    first = now + timedelta(days=7 - now.weekday())
    async with database.transaction(running.engine, seconds=database.JOB_SECONDS) as connection:
        own = await report.agreements(connection, person, now.year)
        own = [each for each in own if not each.pool.ended and each.pool.advisors]
        chosen = next((a for a in own if a.pool.id == query.get("avtal")), own[0] if len(own) == 1 else None)
        if chosen is None:
            return PAGES.render(request, "simulation_choose.html", private=True, agreements=own)
        known = await _known(connection, chosen, query.get("insats", ""), first)
    if known is None:
        return PAGES.render(request, "simulation_choose.html", private=True, agreements=own, without=chosen.pool.name)
    wanted = _asked(request, query, known, first)
    if "kor" not in query or wanted.work is None:
        return _form(request, known, wanted, several=len(own) > 1)
    job = JOBS.find(_key(known, wanted, first), wanted.work)
    if job is None or not job.over:
        # While the year is lived through, what draws its picture is made ready.
        charts.prepare()
        return _under_way(request, known, wanted.work, job)
    if job.failed:
        return PAGES.render(request, "simulation_failed.html", 503, private=True, again=_again(request, query))
    return await _results(request, known, wanted.work, job.results)


async def _known(connection: Connection, agreement: Agreement, offering: str, first: date) -> Known | None:
    pool = agreement.pool
    documents = await slot_tables.documents(connection, "offering")
    offerings = {o.id: o for o in map(Offering.stored, documents) if _shares(o, pool.advisors)}
    if not offerings:
        return None
    chosen = offerings.get(offering) or next(iter(offerings.values()))
    schedules = {advisor: await slot_tables.schedules(connection, advisor) for advisor in pool.advisors}
    charge = chosen.buffer_before + chosen.duration + chosen.buffer_after
    since = first - timedelta(weeks=KNOWN_WEEKS + 1)
    rows = await USED.rows(connection, pool=pool.id, first=since, last=first - timedelta(weeks=1))
    used = {row["municipality"]: max(0.0, row["minutes"] / charge / KNOWN_WEEKS) for row in rows}
    counted = sum(used.values()) > 0
    last = first + timedelta(weeks=WEEKS, days=-1)
    guess = used if counted else even_guess(pool.terms(), schedules, charge, first, last, closed)
    codes = sorted(set().union(*(terms.shares for terms in pool.terms() if terms.last >= first)))
    weekly = {code: guess.get(code, 0.0) for code in codes if code in agreement.members}
    return Known(agreement, offerings, chosen, schedules, weekly, counted)


def _shares(offering: Offering, advisors: Sequence[str]) -> bool:
    return not offering.ended and is_bookable(offering) and bool({*offering.advisors} & {*advisors})


def _asked(request: Request, query: QueryParams, known: Known, first: date) -> Asked:
    """Read the form. What is missing is as suggested."""
    suggested = {
        **{f"kom-{code}": _decimal(weekly, pages.language_of(request)) for code, weekly in known.weekly.items()},
        "ort": "",
        "start": "20",
        "veckor": "6",
        "ganger": "2",
        "slump": "1",
    }
    typed = {name: query.get(name, value).strip() for name, value in suggested.items()}
    errors: dict[str, str] = {}
    weekly = {code: _number(request, typed, f"kom-{code}", 0, 500, errors) for code in known.weekly}
    start = _number(request, typed, "start", 1, WEEKS, errors)
    weeks = _number(request, typed, "veckor", 1, WEEKS, errors)
    factor = _number(request, typed, "ganger", 0, 10, errors)
    seed = _number(request, typed, "slump", 0, HIGHEST_SEED, errors)
    if typed["ort"] and typed["ort"] not in known.weekly:
        errors["ort"] = PAGES.text(request, "choice_wrong")
    names = {str(policy): policy for policy in OFFERED}
    policies = [names[name] for name in dict.fromkeys(query.getlist("satt")) if name in names]
    if "kor" not in query:
        policies = policies or list(USUAL)
    if not policies:
        errors["satt"] = PAGES.text(request, "policies_wrong")
    if errors:
        return Asked(typed, policies, errors)
    begin = first + timedelta(weeks=int(start) - 1)
    surge = Surge(typed["ort"], begin, begin + timedelta(weeks=int(weeks), days=-1), factor)
    pool = known.agreement.pool
    scenario = Scenario(
        pool.terms(),
        known.schedules,
        known.offering,
        Poisson(weekly, surges=(surge,) if typed["ort"] else ()),
        first,
        first + timedelta(weeks=WEEKS, days=-1),
        closed,
    )
    return Asked(typed, policies, work=Work(scenario, policies, int(seed)))


def _number(
    request: Request, typed: Mapping[str, str], name: str, least: int, most: int, errors: dict[str, str]
) -> float:
    """A number of the form, with a comma or a point; what is none is noted as wrong."""
    try:
        number = float(typed[name].replace(",", "."))
    except ValueError:
        number = -1.0
    if not least <= number <= most:
        errors[name] = PAGES.text(request, "number_wrong", least=least, most=most)
        return 0.0
    return number


def _key(known: Known, wanted: Asked, first: date) -> str:
    """The same for the same question of the same register on the same day."""
    # Versions alone would not do: a register that was made anew gives them out once more.
    entities = [known.agreement.pool, known.offering, *(each for own in known.schedules.values() for each in own)]
    asked = [
        [entity.model_dump_json() for entity in entities],
        wanted.typed,
        [str(policy) for policy in wanted.policies],
        first.isoformat(),
    ]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _form(request: Request, known: Known, wanted: Asked, *, several: bool) -> Response:
    members = known.agreement.members
    return PAGES.render(
        request,
        "simulation.html",
        422 if wanted.errors else 200,
        private=True,
        known=known,
        typed=wanted.typed,
        errors=wanted.errors,
        towns=[(code, members[code]) for code in known.weekly],
        policies=[
            (str(policy), simulation_words.policy_name(policy, pages.language_of(request)), policy in wanted.policies)
            for policy in OFFERED
        ],
        offerings=[(each.id, each.name.in_language(pages.language_of(request))) for each in known.offerings.values()],
        several=several,
    )


def _under_way(request: Request, known: Known, work: Work, job: Job | None) -> Response:
    said = PAGES.text(request, "waiting")
    done = 0.0
    if job is not None:
        policy = simulation_words.policy_name(work.policies[job.part], pages.language_of(request))
        parts = len(work.policies)
        said = PAGES.text(
            request, "progress", policy=policy, week=job.week, weeks=job.weeks, part=job.part + 1, parts=parts
        )
        done = (job.part + job.week / job.weeks) / parts
    page = PAGES.render(
        request,
        "simulation_under_way.html",
        private=True,
        name=known.agreement.pool.name,
        said=said,
        percent=round(100 * done),
        again=_again(request, request.query_params),
    )
    page.headers["Refresh"] = str(AGAIN)
    return page


async def _results(request: Request, known: Known, work: Work, results: Mapping[Policy, Result]) -> Response:
    language = pages.language_of(request)
    names = known.agreement.members
    scenario = work.scenario
    picture = (await charts.draw(simulation_words.picture(results, names, language))).body
    towns = [(names[code], [(policy, result[code]) for policy, result in results.items()]) for code in known.weekly]
    towns.append((PAGES.text(request, "all_towns"), [(policy, whole(result)) for policy, result in results.items()]))
    return PAGES.render(
        request,
        "simulation_results.html",
        private=True,
        name=known.agreement.pool.name,
        first=f"{day_text(scenario.first, language)} {scenario.first.year}",
        # In the page itself: another process of the service, which is asked for a picture, may not have it.
        picture="data:image/svg+xml;base64," + base64.b64encode(bytes(picture)).decode(),
        choices=simulation_words.recommended(results, names, language),
        beaten=simulation_words.left_out(results, language),
        towns=[
            (name, [(simulation_words.policy_name(p, language), _cells(one, language)) for p, one in rows])
            for name, rows in towns
        ],
        change=_again(request, request.query_params, kor=None),
        patience=scenario.patience,
        least=scenario.patience + scenario.offering.horizon_days,
        cancelled=round(100 * scenario.cancelled),
        missed=round(100 * scenario.missed),
    )


def _cells(outcome: Outcome, language: Language) -> list[str]:
    days = (outcome.wait(0.5), outcome.wait(MOST), outcome.third)
    used = outcome.utilisation
    space = "\N{NO-BREAK SPACE}" if language == "sv" else ""
    return [
        str(outcome.asked),
        *("–" if each is None else str(each) for each in days),
        "–" if used is None else f"{100 * used:.0f}{space}%",
        str(outcome.unserved),
        str(round(outcome.borrowed / 60)),
        str(round(outcome.lent / 60)),
    ]


def _decimal(number: float, language: Language) -> str:
    text = f"{number:.1f}".removesuffix(".0")
    return text.replace(".", ",") if language == "sv" else text


def _again(request: Request, query: QueryParams, **changed: Any) -> str:
    """The address of the same question, or of one that differs in something; None leaves a name out."""
    pairs = [(name, value) for name, value in query.multi_items() if name not in changed]
    kept = QueryParams(pairs)
    return f"{pages.address(pages.language_of(request), '/simulering')}?{kept}"
