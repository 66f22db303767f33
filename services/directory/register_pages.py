"""The register as those who answer for it see and change it: `/katalog`. Works without script.

Coordinators change what is theirs (`directory.rights`) and read the rest; operators change everything.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query, Request, Response

from directory import attention, editing, history, rights, submitting, waiting
from directory.controls import Form
from directory.events import Entity, Pool, Staff
from directory.forms import FORMS, blank
from directory.history import Change
from directory.outlook import outlook
from directory.rules.pools import terms_on
from directory.rules.register import Register
from directory.showing import facts
from directory.tables import KINDS
from directory.viewing import SLUG_OF, SLUGS, Chosen, Running, Signed, View, Viewed, view
from kit import access, telemetry
from kit.access import Person
from kit.app import Runtime
from kit.refusal import NotFound
from kit.web import pages

router = pages.staff_router()
# How many changes a page of the history shows.
CHANGES = 50

# The id of a change: a bigint.
Before = Annotated[int | None, Query(ge=1, lt=2**63)]


def plural_of(slug: str) -> str:
    """The name of the list that an address names. Raises NotFound."""
    if slug not in SLUGS:
        raise NotFound
    return SLUGS[slug]


@router.get("/katalog")
async def overview(seen: Viewed, running: Running) -> Response:
    """What there is, and what to attend to."""
    async with running.engine.connect() as connection:
        missed = await attention.not_reached(connection, seen.mine.units)
        proposed = await waiting.attend(connection, seen)
    # Booking has the page that says which.
    text = seen.text("warn_not_reached_one" if missed == 1 else "warn_not_reached", count=missed)
    missing = [{"text": text, "link": "/ej-nadda"}] if missed else []
    warned = (
        missing
        + proposed
        + [
            {
                "text": seen.text(w.what, name=seen.words.name(_subject(seen.register, w.about)), **w.values),
                "link": seen.link(w.about),
            }
            for w in outlook(seen.register, seen.mine, seen.today)
        ]
    )
    kinds = [(slug, plural, len(_mine(seen, plural))) for slug, plural in SLUGS.items()]
    return seen.render(
        "register.html",
        units=sorted(seen.words.called("unit", unit) for unit in seen.mine.units),
        everything=seen.mine.everything,
        warned=warned,
        kinds=[kind for kind in kinds if seen.mine.everything or KINDS[kind[1]].name not in rights.OPERATORS_OWN],
    )


def _subject(register: Register, about: Any) -> Any:
    """Whom a warning names: of working hours the one who works."""
    return register.advisor[about.advisor] if type(about).__name__ == "Schedule" else about


def _mine(seen: View, plural: str) -> list[Any]:
    return [e for e in seen.register.live(KINDS[plural].name) if rights.concerns(seen.register, seen.mine, e)]


@router.get("/katalog/historik")
async def latest_changes(seen: Viewed, running: Running, fore: Before = None) -> Response:
    """What was changed of all that one answers for, the latest first."""
    async with running.engine.connect() as connection:
        found = await history.latest(connection, fore, CHANGES)
    mine = _concerning(seen, found)
    older = found[-1].id if len(found) == CHANGES else None
    return seen.render("history.html", of=None, changes=seen.changes(mine), proposed=[], older=older)


def _concerning(seen: View, found: Sequence[Change]) -> list[Change]:
    states = [(c, [state for state in (c.before, c.after) if state]) for c in found]
    return [c for c, of in states if any(rights.concerns(seen.register, seen.mine, state) for state in of)]


@router.get("/katalog/{slug}")
async def entities(seen: Viewed, slug: str, alla: Chosen = "", avslutade: Chosen = "") -> Response:
    """One list of the register: what one answers for, or everything."""
    plural = plural_of(slug)
    kind = KINDS[plural].name
    found = [e for e in seen.register.of(kind).values() if avslutade or not e.ended]
    if not alla and kind not in rights.OPERATORS_OWN:
        found = [e for e in found if rights.concerns(seen.register, seen.mine, e)]
    rows = [(seen.words.name(e), seen.link(e), e.ended, _told(seen, e)) for e in found]
    return seen.render(
        "list.html",
        slug=slug,
        plural=plural,
        kind=kind,
        rows=sorted(rows, key=lambda row: row[0].casefold()),
        may_add=rights.may_add(seen.mine, kind),
        everything=bool(alla),
        narrow=not seen.mine.everything and kind not in rights.OPERATORS_OWN,
        ended=bool(avslutade),
    )


# What a list says beside the name.
TOLD = {
    "municipality": ("phone",),
    "unit": ("board",),
    "centre": ("kind", "municipality"),
    "advisor": ("profession", "unit"),
    "pool": ("posts", "shares"),
    "schedule": ("weekly",),
    "offering": ("kind", "unit", "advisors"),
    "staff": ("grants",),
}


def _told(seen: View, entity: Entity) -> list[tuple[str, list[str]]]:
    kind = editing.kind_of(entity)
    if isinstance(entity, Pool):
        terms = terms_on(entity, seen.today)
        entity = entity.model_copy(update={"posts": terms.posts, "shares": terms.shares})
    labels = {seen.words.label(kind, f): f.name for f in FORMS[kind]}
    return [(label, said) for label, said in facts(seen.words, entity) if labels.get(label) in TOLD[kind]]


@router.get("/katalog/{slug}/ny")
async def new(seen: Viewed, slug: str) -> Response:
    """The form that adds an entity."""
    kind = KINDS[plural_of(slug)].name
    if not rights.may_add(seen.mine, kind):
        raise access.NotAllowed
    return _form_page(seen, kind, None, blank(kind))


@router.post("/katalog/{slug}/ny")
async def add(request: Request, running: Running, person: Signed, slug: str) -> Response:
    """Add an entity as its form says."""
    return await _save(request, running, person, slug, None)


@router.get("/katalog/{slug}/{entity_id}")
async def entity(seen: Viewed, running: Running, slug: str, entity_id: str, sparat: Chosen = "") -> Response:
    """One entity: its form, or its facts for whoever may only read it."""
    kind = KINDS[plural_of(slug)].name
    found: Entity | None = seen.register.of(kind).get(entity_id)
    if found is None:
        raise NotFound
    if not _may_change(seen, found):
        told = facts(seen.words, seen.shown(found))
        return seen.render("facts.html", slug=slug, plurals=SLUGS, name=seen.words.name(found), facts=told)
    async with running.engine.connect() as connection:
        pending = await waiting.of_entity(connection, seen, kind, entity_id, waits=True)
    return _form_page(seen, kind, found, saved=sparat, pending=pending)


def _may_change(seen: View, found: Entity) -> bool:
    """Whether there is anything of it that one may change. Roles of one's own units can be given to everybody."""
    if isinstance(found, Staff):
        return seen.mine.everything or bool(seen.mine.units)
    return rights.concerns(seen.register, seen.mine, found)


@router.post("/katalog/{slug}/{entity_id}")
async def change(request: Request, running: Running, person: Signed, slug: str, entity_id: str) -> Response:
    """Change an entity as its form says."""
    return await _save(request, running, person, slug, entity_id)


@router.get("/katalog/{slug}/{entity_id}/historik")
async def changes_of(seen: Viewed, running: Running, slug: str, entity_id: str) -> Response:
    """Who changed what of one entity, and when."""
    kind = KINDS[plural_of(slug)].name
    found: Entity | None = seen.register.of(kind).get(entity_id)
    if found is None:
        raise NotFound
    async with running.engine.connect() as connection:
        changes = await history.of_entity(connection, kind, entity_id)
        proposed = await waiting.of_entity(connection, seen, kind, entity_id)
    if not rights.concerns(seen.register, seen.mine, found):
        # Who had a part in it sees how it ended, and nothing of what came after.
        changes = _concerning(seen, changes)
        if not changes:
            raise access.NotAllowed
    return seen.render(
        "history.html",
        of=(seen.words.name(found), seen.link(found)),
        changes=seen.changes(list(changes)),
        proposed=proposed,
        older=None,
    )


async def _save(request: Request, running: Runtime, person: Person, slug: str, entity_id: str | None) -> Response:
    kind = KINDS[plural_of(slug)].name
    sent = await pages.form(request)
    if "_more" in sent:
        return await _with_more_rows(request, running, person, kind, entity_id, sent)
    now = running.clock()
    with telemetry.span("directory", "save form"):
        async with running.engine.begin() as connection:
            outcome = await submitting.submit(connection, person.id, kind, entity_id, sent, now)
    if outcome.proposed:
        return pages.see_other(request, f"/katalog/forslag/{outcome.proposed.id}", sparat="ny")
    if outcome.saved is None:
        seen = View(request, person, outcome.known, now)
        return _refused_page(seen, kind, sent, outcome)
    running.relay.wake()
    seen = View(request, person, outcome.known, now)
    how = "ny" if outcome.before is None else "lika" if outcome.saved is outcome.before else "ja"
    return pages.see_other(request, seen.link(outcome.saved), sparat=how)


async def _with_more_rows(
    request: Request, running: Runtime, person: Person, kind: str, entity_id: str | None, sent: dict[str, str]
) -> Response:
    """The form again, as it was typed, with more empty rows; nothing is saved."""
    seen = await view(request, running, person)
    before = seen.register.of(kind).get(entity_id) if entity_id is not None else None
    if entity_id is not None and before is None:
        raise NotFound
    return _form_page(seen, kind, before, sent, more=sent["_more"])


def _refused_page(seen: View, kind: str, sent: dict[str, str], outcome: submitting.Outcome) -> Response:
    status = 409 if outcome.later else 403 if outcome.denied else 422
    return _form_page(
        seen, kind, outcome.before, sent, status=status, wrong=outcome.wrong, later=seen.changes(list(outcome.later))
    )


def _form_page(
    seen: View,
    kind: str,
    before: Entity | None,
    sent: dict[str, str] | None = None,
    *,
    more: str = "",
    status: int = 200,
    saved: str = "",
    wrong: list[tuple[str, str, str]] | None = None,
    later: list[dict[str, Any]] | None = None,
    pending: Sequence[dict[str, Any]] = (),
) -> Response:
    form = Form(seen.words, seen.mine, kind, before)
    controls = form.controls(form.typed() if sent is None else sent, more)
    labels = dict(form.labels(controls))
    errors: dict[str, str] = {}
    for name, sv, en in wrong or []:
        at = name if name in labels else name.split(".")[0] if name.split(".")[0] in labels else "form"
        message = f"{labels.get(at, seen.text(f'k_{kind}'))}: {sv if seen.language == 'sv' else en}."
        errors[at] = f"{errors[at]} {message}" if at in errors else message
    return seen.render(
        "entity.html",
        status,
        slug=SLUG_OF[kind],
        plurals=SLUGS,
        kind=kind,
        name=seen.words.name(before) if before else None,
        address=seen.link(before) if before else None,
        version=before.version if before else 0,
        controls=controls,
        others_roles=form.others_roles(),
        history=bool(before and rights.concerns(seen.register, seen.mine, before)),
        # In the order of the page.
        errors=dict(sorted(errors.items(), key=lambda item: [*labels, item[0]].index(item[0]))),
        later=later or [],
        pending=pending,
        shared=waiting.parties(seen, rights.others(seen.register, seen.mine, before)) if before else "",
        saved=saved,
    )
