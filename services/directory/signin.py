"""Signing in and out: `/logga-in` leads to a session, which all services of the site know; `/logga-ut` ends it.

Who somebody is, the identity provider says: `/logga-in` leaves for it, and the person comes back to `/logga-in/svar`.
"""

import re
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from directory import epochs, tables
from directory.events import STAFF, Staff
from directory.settings import Settings
from directory.texts import TEXTS
from kit import access, telemetry
from kit.access import Person
from kit.app import Runtime, runtime
from kit.language import Language
from kit.oidc import AssuranceTooLow, Identity, Pending, SignInFailed
from kit.refusal import Refusal
from kit.session import Sealer
from kit.staff import Staff as KnownStaff
from kit.web import pages, staff
from kit.web.pages import Pages

router = pages.staff_router()
# Mounted in the demo alone: there a person is chosen, not proved.
demo_router = pages.router()

PAGES = Pages(TEXTS, "directory")
Running = Annotated[Runtime, Depends(runtime)]
Known = Annotated[Person | None, Depends(access.person_of)]
Following = Annotated[str, Query(max_length=pages.LONGEST_ADDRESS)]


# Remembers what was left with for the provider. SameSite=Lax, because the provider sends the person back here.
PENDING = "__Host-inloggning"
PENDING_LASTS = timedelta(minutes=15)
ANSWER = "/logga-in/svar"
# What makes a page's address English; `/england` would be a page of its own.
ENGLISH = re.compile(r"^/en(?=/|$)")


class NoSuchPerson(Refusal):
    """For whoever proved an identity that no member of staff has."""

    status = 403
    code = "no-such-person"
    sv = ("Du har ingen roll i Samtid", "Inloggningen lyckades, men du finns inte i registret. Be din samordnare.")
    en = ("You have no role in Samtid", "Signing in worked, but you are not in the register. Ask your coordinator.")

    def __init__(self, identity: str | None = None) -> None:
        super().__init__()
        self.identity = identity


@dataclass(frozen=True)
class Left:
    """What is remembered of whoever left for the provider: where they wanted to go, and in which language."""

    pending: Pending
    following: str
    language: Language
    at: float


def chooses(settings: Settings) -> bool:
    """Whether people are chosen instead of proving who they are: in the demo, where no provider is set."""
    return settings.environment == "demo" and settings.oidc_issuer is None


@router.get("/logga-in")
async def sign_in(
    request: Request, running: Running, person: Known, nasta: Following = "", igen: Literal["", "1"] = ""
) -> Response:
    """Where staff begin; whoever is signed in already goes on. `igen` makes the provider ask who it is once more."""
    if person and not igen:
        return go_on(request, person, nasta)
    if running.provider is None:
        return await choose_page(request, running, nasta)
    url, pending = await running.provider.leave(running.settings.public_url + ANSWER, again=bool(igen))
    left = Left(pending, nasta, pages.language_of(request), running.clock().timestamp())
    response = RedirectResponse(url, 303, headers={**pages.HEADERS, "Cache-Control": "no-store"})
    response.headers["set-cookie"] = _pending_cookie(_sealer(running).seal(PENDING, asdict(left)), PENDING_LASTS)
    return response


@router.get(ANSWER)
async def finish(request: Request, running: Running, person: Known) -> Response:
    """Where the provider sends people back to."""
    left = _left(request, running)
    if left:
        # The address that the provider knows is one for all languages.
        request.scope["samtid.language"] = left.language
    try:
        identity, found = await _arrived(request, running, left)
    except (SignInFailed, AssuranceTooLow, NoSuchPerson) as refusal:
        if person and isinstance(refusal, SignInFailed):
            # Of two tabs that left, the one that comes back second finds the person signed in.
            return go_on(request, person, left.following if left else "")
        title, detail = refusal.text(pages.language_of(request))
        response: Response = PAGES.render(
            request,
            "not_signed_in.html",
            refusal.status,
            private=True,
            title=title,
            detail=detail,
            identity=getattr(refusal, "identity", None),
        )
    else:
        response = begin(request, running, found, identity.acr, left.following if left else "")
    response.headers.append("set-cookie", _pending_cookie("", timedelta(0)))
    return response


async def _arrived(request: Request, running: Runtime, left: Left | None) -> tuple[Identity, Staff]:
    """Who came back. Raises SignInFailed, AssuranceTooLow, NoSuchPerson, ProviderUnreachable."""
    if running.provider is None or left is None:
        raise SignInFailed("nobody left from this browser, or too long ago")
    redirect_uri = running.settings.public_url + ANSWER
    identity = await running.provider.arrive(request.query_params, left.pending, redirect_uri)
    found = await tables.find_staff(running.engine, "identity", identity.value)
    if found is None:
        raise NoSuchPerson(identity.value)
    return identity, Staff.model_validate_json(found)


@router.get("/logga-ut")
async def signed_out(request: Request, person: Known) -> Response:
    """Where the provider sends people who signed out; whoever is signed in is not out."""
    return go_on(request, person, "") if person else PAGES.render(request, "signed_out.html", private=True)


@router.post("/logga-ut")
async def sign_out(request: Request, running: Running, person: Known) -> Response:
    """End all sessions of the person, here and on other devices, and the one at the provider."""
    assert running.sessions is not None, "directory has sessions"
    if person:
        await end_sessions(running, person.id, running.clock())
    request.scope.pop("samtid.person", None)
    response = PAGES.render(request, "signed_out.html", private=True)
    response.headers["set-cookie"] = running.sessions.cookie(None)
    if running.provider and (there := await running.provider.leave_for_good(running.settings.public_url + "/logga-ut")):
        # Not a redirect: browsers hold what answers a form to the policy that forms lead nowhere else.
        response.headers["refresh"] = f"0; url={there}"
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
    """The page that was asked for, in the language that the person reads now, else the first that the roles lead to."""
    path = ENGLISH.sub("", following)
    if is_ours(path):
        return pages.see_other(request, path)
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
            await epochs.tell(connection, [(STAFF.name, state)], now)
    running.relay.wake()


async def choose_page(
    request: Request, running: Runtime, following: str, status: int = 200, errors: dict[str, str] | None = None
) -> Response:
    """The demo's page to choose a person; elsewhere there is no such thing."""
    if not chooses(running.settings):
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


def _left(request: Request, running: Runtime) -> Left | None:
    """What the browser remembers of leaving; None where that is missing, forged or too old."""
    sealed = request.cookies.get(PENDING)
    value = sealed and _sealer(running).open(PENDING, sealed)
    if not value:
        return None
    left = Left(**{**value, "pending": Pending(**value["pending"])})
    return left if running.clock().timestamp() - left.at < PENDING_LASTS.total_seconds() else None


def _pending_cookie(value: str, lasts: timedelta) -> str:
    """A value of Set-Cookie; nothing that lasts no time ends it."""
    return f"{PENDING}={value}; Path=/; Max-Age={int(lasts.total_seconds())}; Secure; HttpOnly; SameSite=Lax"


def _sealer(running: Runtime) -> Sealer:
    assert running.sessions is not None, "directory has sessions"
    return running.sessions.sealer
