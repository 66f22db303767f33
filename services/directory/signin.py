"""Signing in and out: `/logga-in` leads to a session, which all services of the site know; `/logga-ut` ends it."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response

from directory import tables
from directory.events import STAFF, Staff
from directory.texts import TEXTS
from kit import access, outbox, telemetry
from kit.access import Person
from kit.app import Runtime, runtime
from kit.refusal import Refusal
from kit.staff import Staff as KnownStaff
from kit.web import pages, staff
from kit.web.pages import Pages

router = pages.staff_router()
# Mounted in the demo alone: there a person is chosen, not proved.
demo_router = pages.router()

PAGES = Pages(TEXTS, "directory")
Running = Annotated[Runtime, Depends(runtime)]
Known = Annotated[Person | None, Depends(access.person_of)]
Following = Annotated[str, Query(max_length=500)]


class NoSuchPerson(Refusal):
    """For whoever proved an identity that no member of staff has."""

    status = 403
    code = "no-such-person"
    sv = ("Du har ingen roll i Samtid", "Inloggningen lyckades, men du finns inte i registret. Be din samordnare.")
    en = ("You have no role in Samtid", "Signing in worked, but you are not in the register. Ask your coordinator.")


@router.get("/logga-in")
async def sign_in(request: Request, running: Running, person: Known, nasta: Following = "") -> Response:
    """Where staff begin; whoever is signed in already goes on."""
    if person:
        return go_on(request, person, nasta)
    return await choose_page(request, running, nasta)


@router.post("/logga-ut")
async def sign_out(request: Request, running: Running, person: Known) -> Response:
    """End all sessions of the person, here and on other devices."""
    assert running.sessions is not None, "directory has sessions"
    if person:
        await end_sessions(running, person.id, running.clock())
    request.scope.pop("samtid.person", None)
    response = PAGES.render(request, "signed_out.html", private=True)
    response.headers["set-cookie"] = running.sessions.cookie(None)
    return response


@demo_router.post("/logga-in/demo")
async def choose(request: Request, running: Running) -> Response:
    """Sign in as the chosen person."""
    sent = await pages.form(request)
    chosen = await tables.find_staff(running.engine, "id", sent.get("person", ""))
    if chosen is None:
        errors = {"person": PAGES.text(request, "demo_missing")}
        return await choose_page(request, running, sent.get("nasta", ""), 422, errors)
    return begin(request, running, Staff.model_validate_json(chosen), None, sent.get("nasta", ""))


def begin(request: Request, running: Runtime, found: Staff, acr: str | None, following: str) -> Response:
    """Begin a session for a member of staff, and go on to where it was asked for."""
    assert running.sessions is not None, "directory has sessions"
    session = running.sessions.begin(found.id, acr, running.clock())
    known = KnownStaff.model_validate(found.model_dump())
    response = go_on(request, Person(known, session), following)
    response.headers["set-cookie"] = running.sessions.cookie(session)
    return response


def go_on(request: Request, person: Person, following: str) -> Response:
    """The page that was asked for, else the first that the person's roles lead to."""
    if is_ours(following):
        return pages.see_other(request, following.removeprefix("/en"))
    if ways := staff.ways(person):
        return pages.see_other(request, ways[0].path)
    return PAGES.render(request, "no_way.html", private=True)


def is_ours(path: str) -> bool:
    """Whether an address is a page of this site: a path, and nothing that a browser takes for another host."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path


async def end_sessions(running: Runtime, person: str, now: datetime) -> None:
    """End every session of a member of staff that began up to now; all services learn it within a moment."""
    with telemetry.span("directory", "end sessions"):
        async with running.engine.begin() as connection:
            before = await tables.locked(connection, STAFF.name, person)
            if before is None:
                return
            state = Staff.model_validate(before)
            state = state.model_copy(update={"sessions_after": now, "version": state.version + 1})
            await tables.save(connection, STAFF.name, state)
            await outbox.add(
                connection, tables.outbox_table, [outbox.row(STAFF, entity_id=state.id, data=state, now=now)]
            )
    running.relay.wake()


async def choose_page(
    request: Request, running: Runtime, following: str, status: int = 200, errors: dict[str, str] | None = None
) -> Response:
    """The demo's page to choose a person; elsewhere there is no such thing."""
    if running.settings.environment != "demo":
        raise NoSuchPerson
    async with running.engine.connect() as connection:
        everybody = await tables.page(connection, STAFF.name, [], limit=500, offset=0)
        units = {u["id"]: u["name"] for u in await tables.page(connection, "unit", [], limit=500, offset=0)}
        centres = {c["id"]: c["name"] for c in await tables.page(connection, "centre", [], limit=500, offset=0)}
    people = [_described(Staff.model_validate(one), {**units, **centres}) for one in everybody]
    return PAGES.render(
        request, "choose.html", status, private=True, people=people, following=following, errors=errors or {}
    )


def _described(one: Staff, names: dict[str, str]) -> dict[str, Any]:
    roles: dict[str, list[str]] = {}
    for grant in one.grants:
        scope = grant.unit or grant.centre
        roles.setdefault(grant.role, []).extend([names.get(scope, scope)] if scope else [])
    return {"id": one.id, "name": one.name, "roles": list(roles.items())}
