"""The register: `/directory/v1`. Lists hold what is live; what has ended can still be read by its id.

Open to everybody but for two things: who works here, and why an advisor is away.
"""

from dataclasses import asdict
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy import ColumnElement

from directory import editing, exporting, rights, tables
from directory.events import Entity, Staff
from directory.importing import FileRejected, Rejected, read_sent, take
from kit import access, problems, telemetry
from kit.access import NotAllowed, NotSignedIn, Person
from kit.app import Runtime, runtime
from kit.events import EventType
from kit.language import of_request
from kit.refusal import NotFound, Refusal, TooLarge
from kit.web.pages import FromElsewhere, from_here

PREFIX = "/directory/v1"

router = APIRouter(prefix=PREFIX)

Item = TypeVar("Item", bound=Entity)
Service = Annotated[Runtime, Depends(runtime)]
Limit = Annotated[int, Query(ge=1, le=500)]
Offset = Annotated[int, Query(ge=0, le=1_000_000)]
EntityId = Annotated[str, Path(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]
InMunicipality = Annotated[
    str | None, Query(pattern="^[0-9]{4}$", description="SCB code: only what belongs to or serves this municipality")
]
OfAdvisor = Annotated[str | None, Query(pattern="^[a-z0-9][a-z0-9-]{0,62}$", description="only this advisor's")]

Known = Annotated[Person | None, Depends(access.person_of)]
Coordinating = Annotated[Person, Depends(access.signed_in("coordinator", "operator"))]


def sent_from_here(request: Request) -> None:
    """Refuse what another site has a browser send with the cookie of a session."""
    if not from_here(request):
        raise FromElsewhere


class Page(BaseModel, Generic[Item]):
    """A part of a list. `next` is the relative address of the part that follows, null at the end."""

    items: list[Item]
    limit: int
    offset: int
    next: str | None


async def _page(
    service: Runtime, plural: str, filters: dict[str, str | None], limit: int, offset: int
) -> dict[str, Any]:
    kind = tables.KINDS[plural].name
    chosen: list[ColumnElement[bool]] = []
    if code := filters.get("municipality"):
        chosen.append(tables.in_municipality(kind, code))
    if advisor := filters.get("advisor"):
        chosen.append(tables.of_advisor(advisor))
    async with service.engine.connect() as connection:
        # One more than is shown says whether there is a next part.
        found = await tables.page(connection, kind, chosen, limit=limit + 1, offset=offset)
    query = {**{k: v for k, v in filters.items() if v}, "limit": limit, "offset": offset + limit}
    following = f"{PREFIX}/{plural}?{urlencode(query)}" if len(found) > limit else None
    return {"items": found[:limit], "limit": limit, "offset": offset, "next": following}


def _list(plural: str) -> Any:
    if plural == "staff":

        async def staff(
            service: Service, person: Coordinating, limit: Limit = 100, offset: Offset = 0
        ) -> dict[str, Any]:
            page = await _page(service, plural, {}, limit, offset)
            return {**page, "items": await _with_identity(service, person, page["items"])}

        return staff
    if plural == "municipalities":

        async def every(service: Service, limit: Limit = 100, offset: Offset = 0) -> dict[str, Any]:
            return await _page(service, plural, {}, limit, offset)

        return every
    if plural == "schedules":

        async def of_advisor(
            service: Service, person: Known, advisor: OfAdvisor = None, limit: Limit = 100, offset: Offset = 0
        ) -> dict[str, Any]:
            page = await _page(service, plural, {"advisor": advisor}, limit, offset)
            return {**page, "items": [_shown(person, item) for item in page["items"]]}

        return of_advisor

    async def in_municipality(
        service: Service, municipality: InMunicipality = None, limit: Limit = 100, offset: Offset = 0
    ) -> dict[str, Any]:
        return await _page(service, plural, {"municipality": municipality}, limit, offset)

    return in_municipality


def _one(kind: str) -> Any:
    async def one(service: Service, person: Known, entity_id: EntityId) -> dict[str, Any]:
        async with service.engine.connect() as connection:
            found = await tables.one(connection, kind, entity_id)
        if found is None:
            raise NotFound
        return _shown(person, found) if kind == "schedule" else found

    async def one_of_staff(service: Service, person: Coordinating, entity_id: EntityId) -> dict[str, Any]:
        (shown,) = await _with_identity(service, person, [await one(service, None, entity_id)])
        return shown

    return one_of_staff if kind == "staff" else one


async def _with_identity(service: Runtime, person: Person, staff: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Staff as somebody may see them: who each of them is at the identity provider is for whoever may change that."""
    async with service.engine.connect() as connection:
        known = await editing.read(connection)
    mine = rights.remit(known, person.id)
    return [s if rights.owns(known, mine, known.staff[s["id"]]) else {**s, "identity": None} for s in staff]


def _shown(person: Person | None, schedule: dict[str, Any]) -> dict[str, Any]:
    """A schedule as somebody may see it: why an advisor is away is for colleagues."""
    return schedule if person else {**schedule, "exceptions": []}


def _refusals(plural: str) -> tuple[type[Refusal], ...]:
    return (NotSignedIn, NotAllowed) if plural == "staff" else ()


class StaffOut(Staff):
    """A member of staff. `identity` is null for whoever may not change it."""

    identity: str | None  # type: ignore[assignment]


def _add_routes(plural: str, event: EventType) -> None:
    shape = StaffOut if plural == "staff" else event.data
    router.add_api_route(
        f"/{plural}",
        _list(plural),
        response_model=Page[shape],  # type: ignore[valid-type]
        responses=problems.responses(*_refusals(plural)),
        name=f"list_{plural}",
        summary=f"The {plural} that are live, by id",
    )
    router.add_api_route(
        f"/{plural}/{{entity_id}}",
        _one(event.name),
        response_model=shape,
        responses=problems.responses(NotFound, *_refusals(plural)),
        name=f"get_{event.name}",
        summary=f"One {event.name}, ended or not",
    )


class Proposed(BaseModel):
    """An entity whose change needs the yes of others, and waits for it."""

    kind: str
    id: str


class ImportReport(BaseModel):
    """How many entities were added, changed (ended ones too) and left as they were; or would be, in a dry run.

    `proposed` are those that stay as they are until others have agreed, and `waiting` says which.
    """

    added: int
    changed: int
    unchanged: int
    proposed: int = 0
    waiting: list[Proposed] = []


class Yaml(Response):
    media_type = "application/yaml"


@router.get(
    "/export",
    response_class=Yaml,
    responses=problems.responses(NotSignedIn, NotAllowed, validated=False),
    summary="What one answers for, as a file that can be imported",
)
async def export(service: Service, person: Coordinating) -> Response:
    """The file of the import format, ended entities too."""
    async with service.engine.connect() as connection:
        known = await editing.read(connection)
    return Yaml(exporting.export(known, rights.remit(known, person.id)))


@router.post(
    "/import",
    responses=problems.responses(NotSignedIn, NotAllowed, FromElsewhere, TooLarge, FileRejected),
    summary="Take a file into the register, all or nothing",
    dependencies=[Depends(sent_from_here)],
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/yaml": {"schema": {"type": "string"}}}},
    },
)
async def import_file(
    request: Request,
    service: Service,
    person: Coordinating,
    dry_run: Annotated[bool, Query(description="only say what would be")] = False,
) -> ImportReport:
    """At most 64 KiB of the import format; what it does not name stays as it is."""
    reading = await read_sent(await request.body())
    try:
        with telemetry.span("directory", "import"):
            async with service.engine.begin() as connection:
                plan = await take(connection, reading, person.id, service.clock(), dry=dry_run)
    except Rejected as rejected:
        language = of_request(request)
        faults = [{"line": fault.line, "message": fault.text(language)} for fault in rejected.faults]
        raise FileRejected(faults=faults) from rejected
    service.relay.wake()
    waiting = [Proposed(kind=editing.kind_of(after), id=after.id) for _, after in plan.proposed]
    return ImportReport(**asdict(plan.report), waiting=waiting)


for _plural, _event in tables.KINDS.items():
    _add_routes(_plural, _event)
