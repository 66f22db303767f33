"""Proposals on pages: what waits for whom, what would change in words, and the answer. Works without script."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import Request, Response
from pydantic import ValidationError

from directory import agreeing, editing, proposals, waiting
from directory.agreeing import ReasonNeeded, Standing
from directory.proposal_api import AnswerIn
from directory.rules.register import Breach
from directory.showing import differences
from directory.viewing import Chosen, Running, Signed, View, Viewed
from kit import telemetry
from kit.problems import field_errors
from kit.refusal import NotFound
from kit.web import pages

router = pages.staff_router()


@router.get("/katalog/forslag")
async def every(seen: Viewed, running: Running) -> Response:
    """The proposals that one made or that concern one: what waits, and what was decided lately."""
    async with running.engine.connect() as connection:
        undecided = await waiting.standings(connection, seen, await proposals.waiting(connection))
        decided = await waiting.standings(
            connection, seen, await proposals.ended(connection, seen.now - waiting.SHOWN, waiting.DECIDED)
        )
    return seen.render(
        "proposals.html",
        waiting=[waiting.summary(seen, one) for one in undecided],
        decided=[waiting.summary(seen, one) for one in decided],
    )


@router.get("/katalog/forslag/{proposal}")
async def one(seen: Viewed, running: Running, proposal: UUID, sparat: Chosen = "") -> Response:
    """What a proposal changes, who has answered, and the answer that one can give."""
    async with running.engine.connect() as connection:
        stands = agreeing.standing(seen.register, *await agreeing.find(connection, proposal), seen.now)
    return _page(seen, stands, saved=sparat)


def _page(
    seen: View,
    stands: Standing,
    status: int = 200,
    *,
    saved: str = "",
    typed: str = "",
    errors: dict[str, str] | None = None,
) -> Response:
    if not agreeing.may_see(seen.register, seen.mine, seen.person.id, stands):
        raise NotFound
    found = stands.proposal
    waits = found.state == "offered"
    wrong = agreeing.unfit(seen.register, found) if waits else ()
    return seen.render(
        "proposal.html",
        status,
        of=waiting.summary(seen, stands),
        entity=seen.link(found.entity) if stands.before else None,
        added=stands.before is None,
        # What one that is in force changed, the history says.
        differences=differences(seen.words, seen.shown(stands.before), found.entity)
        if found.state != "in_force"
        else [],
        waits=waits,
        for_whom=waiting.parties(seen, stands.yours(seen.register, seen.person.id)) if waits else "",
        in_others_place=seen.mine.everything,
        own=found.by == seen.person.id,
        unfit=[breach.sv if seen.language == "sv" else breach.en for breach in wrong],
        saved=saved,
        typed=typed,
        errors=errors or {},
    )


@router.post("/katalog/forslag/{proposal}")
async def answer(request: Request, running: Running, person: Signed, proposal: UUID) -> Response:
    """Confirm, refuse, or take back a proposal as the button says."""
    sent = await pages.form(request)
    what, reason = sent.get("svar", ""), sent.get("skal", "").strip()
    language = pages.language_of(request)
    now = running.clock()
    wrong: Sequence[Breach] = ()
    errors: dict[str, str] = {}
    try:
        with telemetry.span("directory", "answer proposal"):
            async with running.engine.begin() as connection:
                if what == "ta-tillbaka":
                    await agreeing.withdraw(connection, person.id, proposal, now)
                elif what in ("ja", "nej"):
                    given = AnswerIn(reason=reason).reason or None
                    wrong = await agreeing.decide(
                        connection, person.id, proposal, yes=what == "ja", reason=given, now=now
                    )
                else:
                    raise NotFound
    except ReasonNeeded as missing:
        errors["skal"] = f"{missing.text(language)[0]}."
    except ValidationError as unfit:
        errors["skal"] = field_errors(unfit.errors(), language)[0]["message"]
    if not wrong and not errors:
        running.relay.wake()
        return pages.see_other(request, waiting.address(proposal), sparat=what)
    async with running.engine.connect() as connection:
        seen = View(request, person, await editing.read(connection), now)
        stands = agreeing.standing(seen.register, *await agreeing.find(connection, proposal), now)
    return _page(seen, stands, 409 if wrong else 422, typed=reason, errors=errors)
