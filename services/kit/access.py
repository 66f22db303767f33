"""Who asks, and what that person may do: read from the service's own copy of the staff, anew with each request.

So a role that is taken away is gone within the seconds that state needs to arrive, running sessions included.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, cast

from fastapi import Depends, Request, Security
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncEngine

from kit.refusal import Refusal
from kit.session import Session, cookies_of
from kit.staff import Role, Staff

if TYPE_CHECKING:
    from kit.app import Runtime

# Gives the live member of staff with an id, or with an identity at the provider, as a JSON document.
Find = Callable[[AsyncEngine, Literal["id", "identity"], str], Awaitable[str | None]]


@dataclass(frozen=True)
class Person:
    """Whoever a request comes from. A program that shows a bearer token has no session."""

    staff: Staff
    session: Session | None = None

    @property
    def id(self) -> str:
        """The id in the register of staff."""
        return self.staff.id

    @property
    def name(self) -> str:
        """The name, for pages."""
        return self.staff.name

    @property
    def advisor(self) -> str | None:
        """Whose working days are this person's own; None for whoever meets no families."""
        return self.staff.advisor

    def has(self, *roles: str) -> bool:
        """Whether the person holds one of the roles, wherever."""
        return any(grant.role in roles for grant in self.staff.grants)

    def units(self, *roles: str) -> tuple[str, ...]:
        """The units for which the person holds one of the roles."""
        return _sorted(g.unit for g in self.staff.grants if g.role in roles)

    def centres(self, *roles: str) -> tuple[str, ...]:
        """The centres for which the person holds one of the roles."""
        return _sorted(g.centre for g in self.staff.grants if g.role in roles)


# For the contract alone: who is behind a token is found where sessions are read.
_TOKEN = HTTPBearer(
    bearerFormat="JWT",
    scheme_name="token",
    description="An access token of the issuer that staff sign in at, made for this API.",
    auto_error=False,
)


class NotSignedIn(Refusal):
    status = 401
    code = "not-signed-in"
    sv = ("Logga in först", "Du är inte inloggad, eller så har du varit borta en stund.")
    en = ("Sign in first", "You are not signed in, or you have been away for a while.")
    headers = {"WWW-Authenticate": "Bearer"}  # noqa: RUF012 - never changed


class NotAllowed(Refusal):
    status = 403
    code = "not-allowed"
    sv = ("Du har inte behörighet till det här", "Behöver du det i ditt arbete? Be din samordnare om rollen.")
    en = ("You do not have access to this", "Do you need it for your work? Ask your coordinator for the role.")


class FormExpired(Refusal):
    status = 403
    code = "form-expired"
    sv = ("Formuläret behöver skickas igen", "Inget är sparat än. Skicka igen, så sparas det du skrev.")
    en = ("The form must be sent again", "Nothing is saved yet. Send it again, and what you wrote is saved.")


async def person_of(request: Request) -> Person | None:
    """The person of a request, by session or by bearer token; None for a stranger, and for whoever's rights ended."""
    running: Runtime = request.app.state.runtime
    if running.people is None or running.sessions is None:
        return None
    if known := request.scope.get("samtid.person"):
        return cast("Person", known)
    if (token := _bearer_token(request)) is not None:
        return await _bearer(request, running, token)
    now = running.clock()
    session = running.sessions.read(cookies_of(request.headers), now)
    if session is None:
        return None
    staff = await _staff(running.engine, running.people, "id", session.person)
    if staff is None or (staff.sessions_after and session.begun < staff.sessions_after):
        return None
    if renewed := running.sessions.renewed(session, now):
        request.scope["samtid.renew"] = running.sessions.cookie(renewed)
    person = Person(staff, session)
    request.scope["samtid.person"] = person
    return person


async def _bearer(request: Request, running: "Runtime", token: str) -> Person | None:
    """Whoever an access token speaks for. Raises NotSignedIn for a token that is not good, whatever else was sent."""
    if running.provider is None or running.people is None:
        raise NotSignedIn
    identity = await running.provider.bearer(token)
    staff = await _staff(running.engine, running.people, "identity", identity.value)
    if staff is None or (staff.sessions_after and identity.issued < staff.sessions_after):
        return None
    person = Person(staff)
    request.scope["samtid.person"] = person
    return person


def _bearer_token(request: Request) -> str | None:
    """The token of an Authorization header (RFC 6750, section 2.1)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


@dataclass(frozen=True)
class signed_in:  # noqa: N801 - called as the function that FastAPI takes it for
    """The dependency of a route for staff: gives the Person. Raises NotSignedIn, or NotAllowed without such a role."""

    roles: tuple[Role, ...]

    def __init__(self, *roles: Role) -> None:
        object.__setattr__(self, "roles", roles)

    async def __call__(
        self, request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Security(_TOKEN)]
    ) -> Person:
        """Who asks."""
        person = await person_of(request)
        if person is None:
            raise NotSignedIn
        if not person.has(*self.roles):
            raise NotAllowed
        return person


def asks_who(dependant: Dependant) -> bool:
    """Whether what FastAPI calls for a route lets nobody in who has not signed in."""
    return isinstance(dependant.call, signed_in) or any(asks_who(each) for each in dependant.dependencies)


async def form_of_session(request: Request, person: Annotated[Person | None, Depends(person_of)]) -> None:
    """The dependency of all staff's pages: a form must carry its session's token. Raises FormExpired."""
    if request.method == "GET" or person is None or person.session is None:
        return
    given = (await request.form()).get("_csrf", "")
    if not isinstance(given, str) or not form_token_fits(request, person, given):
        raise FormExpired


def form_token(request: Request, person: Person) -> str:
    """The token for the forms of a page."""
    sessions = request.app.state.runtime.sessions
    return str(sessions.form_token(person.session)) if person.session else ""


def form_token_fits(request: Request, person: Person, given: str) -> bool:
    """Whether a form was made for this person's session."""
    sessions = request.app.state.runtime.sessions
    return bool(person.session and sessions.is_form_token(person.session, given))


async def _staff(engine: AsyncEngine, find: Find, by: Literal["id", "identity"], value: str) -> Staff | None:
    found = await find(engine, by, value)
    return Staff.model_validate_json(found) if found else None


def _sorted(scopes: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({scope for scope in scopes if scope}))
