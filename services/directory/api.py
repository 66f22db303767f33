"""The register, to read: `/directory/v1`. Lists hold what is live; what has ended can still be read by its id."""

from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel
from sqlalchemy import ColumnElement

from directory import tables
from directory.events import Entity
from kit import problems
from kit.app import Runtime, runtime
from kit.events import EventType
from kit.refusal import NotFound

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
    if plural == "municipalities":

        async def every(service: Service, limit: Limit = 100, offset: Offset = 0) -> dict[str, Any]:
            return await _page(service, plural, {}, limit, offset)

        return every
    if plural == "schedules":

        async def of_advisor(
            service: Service, advisor: OfAdvisor = None, limit: Limit = 100, offset: Offset = 0
        ) -> dict[str, Any]:
            return await _page(service, plural, {"advisor": advisor}, limit, offset)

        return of_advisor

    async def in_municipality(
        service: Service, municipality: InMunicipality = None, limit: Limit = 100, offset: Offset = 0
    ) -> dict[str, Any]:
        return await _page(service, plural, {"municipality": municipality}, limit, offset)

    return in_municipality


def _one(kind: str) -> Any:
    async def one(service: Service, entity_id: EntityId) -> dict[str, Any]:
        async with service.engine.connect() as connection:
            found = await tables.one(connection, kind, entity_id)
        if found is None:
            raise NotFound
        return found

    return one


def _add_routes(plural: str, event: EventType) -> None:
    router.add_api_route(
        f"/{plural}",
        _list(plural),
        response_model=Page[event.data],  # type: ignore[name-defined]
        responses=problems.responses(),
        name=f"list_{plural}",
        summary=f"The {plural} that are live, by id",
    )
    router.add_api_route(
        f"/{plural}/{{entity_id}}",
        _one(event.name),
        response_model=event.data,
        responses=problems.responses(NotFound),
        name=f"get_{event.name}",
        summary=f"One {event.name}, ended or not",
    )


for _plural, _event in tables.KINDS.items():
    _add_routes(_plural, _event)
