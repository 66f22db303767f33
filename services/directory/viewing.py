"""What every page of the register knows: the register, whose page it is, and how things are called there."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response

from directory import editing, history, register_texts, rights
from directory.events import Entity
from directory.history import Change
from directory.rules.register import Register
from directory.showing import Words, differences
from directory.tables import KINDS
from kit import access
from kit.access import Person
from kit.app import Runtime, runtime
from kit.web import pages
from kit.web.pages import Pages

PAGES = Pages(register_texts.TEXTS, "directory")

# Kinds by their name in addresses, in the order in which they are shown.
SLUGS = {
    "insatser": "offerings",
    "arbetstider": "schedules",
    "radgivare": "advisors",
    "personal": "staff",
    "samverkan": "pools",
    "mottagningar": "centres",
    "verksamheter": "units",
    "kommuner": "municipalities",
}
SLUG_OF = {KINDS[plural].name: slug for slug, plural in SLUGS.items()}

Running = Annotated[Runtime, Depends(runtime)]
Signed = Annotated[Person, Depends(access.signed_in("coordinator", "operator"))]
Chosen = Annotated[str, Query(max_length=10)]


class View:
    """What every page of the register knows: the register, whose page it is, and how things are called."""

    def __init__(self, request: Request, person: Person, register: Register, now: datetime) -> None:
        self.request = request
        self.person = person
        self.register = register
        self.now = now
        self.mine = rights.remit(register, person.id)
        self.language = pages.language_of(request)
        self.words = Words(register, self.language, self.text)

    def text(self, key: str, **values: Any) -> str:
        """A text in the language of the page. Raises KeyError."""
        return PAGES.text(self.request, key, **values)

    @property
    def today(self) -> date:
        """The day at those who read."""
        return editing.day_of(self.now)

    def link(self, entity: Entity) -> str:
        """The address of an entity's page."""
        return f"/katalog/{SLUG_OF[editing.kind_of(entity)]}/{entity.id}"

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page."""
        return PAGES.render(self.request, template, status, private=True, **values)

    def changes(self, found: list[Change]) -> list[dict[str, Any]]:
        """Changes in words."""
        return [
            {
                "id": one.id,
                "when": one.at.astimezone(editing.ZONE).strftime("%Y-%m-%d %H:%M"),
                "who": self.text("history_import") if one.who == history.IMPORT else self.who(one.who),
                "kind": self.text(f"k_{one.kind}"),
                "name": self.words.name(one.after),
                "link": f"{self.link(one.after)}/historik",
                "added": one.before is None,
                "reason": one.reason,
                "proposal": f"/katalog/forslag/{one.proposal}" if one.proposal else None,
                "differences": differences(self.words, self.shown(one.before), self.shown(one.after)),
            }
            for one in found
        ]

    def shown(self, entity: Any) -> Any:
        """A state of an entity as the person may see it; None of none."""
        return entity and rights.shown(self.register, self.mine, entity)

    def who(self, person: str) -> str:
        """The name of a member of staff."""
        return self.words.called("staff", person)


async def view(request: Request, running: Running, person: Signed) -> View:
    """The dependency of a page that only reads."""
    async with running.engine.connect() as connection:
        return View(request, person, await editing.read(connection), running.clock())


Viewed = Annotated[View, Depends(view)]
