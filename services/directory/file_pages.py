"""Files of the register on pages: `/katalog/fil` takes one in, after a look at what it would do, and gives one out."""

from typing import Any

from fastapi import Request, Response
from starlette.datastructures import UploadFile

from directory import editing, exporting, importing
from directory.editing import Plan
from directory.importing import Rejected
from directory.showing import differences
from directory.viewing import Running, Signed, View, Viewed
from kit import telemetry
from kit.web import pages

router = pages.staff_router()


@router.get("/katalog/fil")
async def file(seen: Viewed) -> Response:
    """The form that takes a file, and the way to get one."""
    return seen.render("file.html", typed="")


@router.get("/katalog/fil/katalog.yaml")
async def download(seen: Viewed) -> Response:
    """What one answers for, as a file."""
    headers = {**pages.HEADERS, "Content-Disposition": 'attachment; filename="katalog.yaml"'}
    return Response(exporting.export(seen.register, seen.mine), media_type="application/yaml", headers=headers)


@router.post("/katalog/fil")
async def take(request: Request, running: Running, person: Signed) -> Response:
    """Take a file in; or, unless the button says so, only show what that would do."""
    sent = await pages.form(request)
    given = await request.form()
    chosen = given.get("file")
    content = await chosen.read() if isinstance(chosen, UploadFile) else b""
    await given.close()
    # What was in a file is kept as if it had been typed: a browser does not send the same file twice by itself.
    sent["text"] = content.decode(errors="replace") if content else sent.get("text", "")
    now = running.clock()
    dry = "_take" not in sent
    rejected: Rejected | None = None
    plan: Plan | None = None
    if sent["text"].strip():
        reading = await importing.read_sent(content or sent["text"].encode())
        try:
            with telemetry.span("directory", "import"):
                async with running.engine.begin() as connection:
                    plan = await importing.take(connection, reading, person.id, now, dry=dry)
        except Rejected as faulty:
            rejected = faulty
    async with running.engine.connect() as connection:
        seen = View(request, person, await editing.read(connection), now)
    if plan is None:
        faults = [
            seen.text("file_line", line=f.line, message=f.text(seen.language)) for f in getattr(rejected, "faults", ())
        ]
        errors = {} if faults else {"text": f"{seen.text('file_missing')}."}
        return seen.render("file.html", 422, typed=sent["text"], faults=faults, errors=errors)
    if not dry:
        running.relay.wake()
    return seen.render("file.html", typed=sent["text"] if dry else "", dry=dry, plan=_told(seen, plan))


def _told(seen: View, plan: Plan) -> dict[str, Any]:
    """A plan in words."""
    steps = [*((None, entity) for entity in plan.added), *plan.changed, *plan.proposed]
    return {
        "count": seen.text("file_count", **vars(plan.report)),
        "steps": [
            {
                "added": before is None,
                "proposed": (before, after) in plan.proposed,
                "kind": seen.text(f"k_{editing.kind_of(after)}"),
                "name": seen.words.name(after),
                "differences": differences(seen.words, seen.shown(before), after) if before else [],
            }
            for before, after in steps
        ],
    }
