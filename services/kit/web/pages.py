"""Pages: rendered here, in the language that their address says, with the headers that every page has.

`/en/…` is the English page of `/…`; no cookie and no header decides, so that a link always leads to what it shows.
"""

import asyncio
import csv
import io
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, cast
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException

from kit import access
from kit.access import FormExpired, NotSignedIn, Person
from kit.language import Language
from kit.refusal import Invalid, NotFound, Refusal
from kit.session import cookies_of
from kit.web import staff, static

Texts = Mapping[str, tuple[str, str]]
"""Each text by its key, in Swedish and in English; `{name}` in it is filled in."""

# What spreadsheets take a text for: a formula that begins so, a date, or a power of ten.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_DATE_OR_POWER = re.compile(r"[0-9]{1,4}([-/.:,][0-9]{1,4}){1,2}|[0-9]+[.,]?[0-9]*[eE][0-9]+")
# What browsers leave out of an address, or take for a slash.
_MISREAD = re.compile(r"[\x00-\x20\x7f\\]")
# What marks a route as a page, so that its refusals are pages too, and as one for staff.
PAGE = "page"
STAFF_PAGE = "page for staff"

# Of an address that is remembered while somebody signs in, in characters: it has to fit into a cookie.
LONGEST_ADDRESS = 500

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

FRAME: Texts = {
    "skip": ("Hoppa till innehållet", "Skip to the content"),
    "other_language": ("In English", "På svenska"),
    "error_title": ("Något behöver rättas", "Something needs correcting"),
    "error_prefix": ("Rätta", "Correct"),
    "to_start": ("Till startsidan", "To the start page"),
    "send_again": ("Skicka igen", "Send again"),
}
_NOT_FOUND = (
    ("Sidan finns inte", "Adressen kan vara gammal eller felskriven. Börja om från startsidan."),
    ("There is no such page", "The address may be old or mistyped. Begin again at the start page."),
)
# What is refused for the moment: too much was asked for, or a server does not answer.
_PASSING = (429, 503)
_FAULT = (
    ("Något gick fel hos oss", "Det är inte ditt fel. Vänta en liten stund och försök igen."),
    ("Something went wrong on our side", "It is not your fault. Wait a moment and try again."),
)
# What staff are told instead: they have no start page in common with families, and know what they were at.
_NO_SUCH_PAGE = (
    ("Sidan finns inte", "Adressen kan vara gammal eller felskriven."),
    ("There is no such page", "The address may be old or mistyped."),
)
_UNREADABLE = (
    (
        "Det gick inte att läsa",
        "Något i adressen eller formuläret är felskrivet, till exempel en dag. Inget är sparat.",
    ),
    ("It could not be read", "Something in the address or the form is mistyped, such as a day. Nothing is saved."),
)


class FromElsewhere(Refusal):
    status = 403
    code = "from-elsewhere"
    sv = ("Det gick inte att skicka", "Formuläret kom från en annan webbplats. Öppna sidan härifrån och försök igen.")
    en = ("It could not be sent", "The form came from another site. Open the page from here and try again.")


def from_here(request: Request) -> bool:
    """Whether the browser says that a request came from our own pages or from the reader. Old browsers say nothing."""
    return request.headers.get("sec-fetch-site", "none") in ("same-origin", "none")


def _post_from_here(request: Request) -> None:
    if request.method == "POST" and not from_here(request):
        raise FromElsewhere


def router() -> APIRouter:
    """A router whose routes are pages. A form that another site sends is refused."""
    return APIRouter(
        include_in_schema=False,
        tags=[PAGE],
        dependencies=[Depends(_post_from_here)],
        default_response_class=HTMLResponse,
    )


def language_of(request: Request) -> Language:
    """The language of a page: English under `/en`, else Swedish."""
    return cast("Language", request.scope.get("samtid.language", "sv"))


async def form(request: Request) -> dict[str, str]:
    """What was sent with a form: the last value of each field, without files."""
    sent = {name: value for name, value in (await request.form()).multi_items() if isinstance(value, str)}
    # Kept for the link to the other language, which must send the same again.
    request.state.sent = sent
    return sent


def address(language: Language, path: str, **query: Any) -> str:
    """A path of ours in a language, with a query where there is something to ask for."""
    prefix = "/en" if language == "en" else ""
    # One slash alone before it, or it would be the address of another site.
    path = "/" + _MISREAD.sub(lambda match: quote(match[0]), path).lstrip("/")
    asked = {name: value for name, value in query.items() if value is not None}
    return f"{prefix}{path}{'?' + urlencode(asked) if asked else ''}"


def see_other(request: Request, path: str, **query: Any) -> Response:
    """Go on to another page, in the same language, with a GET."""
    headers = {**HEADERS, "Cache-Control": "no-store"}
    return RedirectResponse(address(language_of(request), path, **query), 303, headers=headers)


def spreadsheet(request: Request, name: str, rows: Iterable[Iterable[object]]) -> Response:
    """Rows as a CSV file with this name, as spreadsheets of the page's language read one: in Swedish with semicolons
    and decimal commas. Only numbers are numbers there, and no text is a formula or a date.
    """
    language = language_of(request)
    text = io.StringIO()
    made = csv.writer(text, delimiter=";" if language == "sv" else ",")
    made.writerows([_cell(value, language) for value in row] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    # The mark at the beginning tells spreadsheets that it is UTF-8.
    return Response("\ufeff" + text.getvalue(), media_type="text/csv; charset=utf-8", headers={**HEADERS, **headers})


def _cell(value: object, language: Language) -> str:
    if isinstance(value, float):
        # Never as a power of ten.
        plain = f"{value:.2f}".rstrip("0").rstrip(".")
        return plain.replace(".", ",") if language == "sv" else plain
    text = str(value)
    taken = isinstance(value, str) and (text.startswith(_FORMULA) or _DATE_OR_POWER.fullmatch(text))
    return f"'{text}" if taken else text


def filled(texts: Texts, language: Language, key: str, **values: Any) -> str:
    """A text in a language, filled in. Raises KeyError for a key or a value that is not there."""
    text = texts[key][0 if language == "sv" else 1]
    return text.format(**values) if values else text


def staff_router() -> APIRouter:
    """A router whose routes are pages for staff: each form must carry the token of its session."""
    made = router()
    made.tags.append(STAFF_PAGE)
    made.dependencies.append(Depends(access.form_of_session))
    return made


class Pages:
    """The templates and the texts of a capability; templates lie in `templates/` of the packages, first found first.

    A service has a `base.html`, which extends `frame.html` of kit with its own head and foot.
    """

    def __init__(self, texts: Texts, *packages: str) -> None:
        self.texts = {**FRAME, **staff.TEXTS, **texts}
        self.templates = Environment(
            loader=ChoiceLoader([PackageLoader(package) for package in (*packages, "kit.web")]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def text(self, request: Request, key: str, **values: Any) -> str:
        """A text in the language of the page. Raises KeyError."""
        return filled(self.texts, language_of(request), key, **values)

    def render(
        self, request: Request, template: str, status: int = 200, *, private: bool = False, **values: Any
    ) -> HTMLResponse:
        """A page. A private one, with a secret or with something typed, is stored nowhere on its way."""
        language = language_of(request)
        other: Language = "sv" if language == "en" else "en"
        query = request.url.query
        person: Person | None = request.scope.get("samtid.person")
        html = self.templates.get_template(template).render(
            {
                "person": person,
                "csrf": access.form_token(request, person) if person else "",
                "ways": staff.ways(person) if person else (),
                "here": request.scope["path"],
                "language": language,
                "t": lambda key, **v: filled(self.texts, language, key, **v),
                "link": lambda path, **q: address(language, path, **q),
                "asset": static.address,
                "other": other,
                "other_url": address(other, request.scope["path"]) + (f"?{query}" if query else ""),
                # A page that answers a form is asked for in the other language by sending the form again.
                "sent": getattr(request.state, "sent", {}) if request.method == "POST" else None,
                "private": private,
                "accent": None,
                "errors": {},
                **values,
            }
        )
        headers = {**HEADERS, "Cache-Control": "no-store" if private else "no-cache"}
        return HTMLResponse(html, status, headers=headers)


def install(app: FastAPI, pages: Pages) -> None:
    """Let every refusal, validation error and fault of a page leave as a page. Call it when all else is installed."""
    for kind, answer in list(app.exception_handlers.items()):
        if isinstance(kind, type) and issubclass(kind, Refusal | RequestValidationError | HTTPException | Exception):
            app.add_exception_handler(kind, _as_page(answer, pages))


_Answer = Callable[[Request, Any], Response | Awaitable[Response]]


def _as_page(answer: _Answer, pages: Pages) -> _Answer:
    async def handle(request: Request, error: Any) -> Response:
        # The problem document is made in any case: its maker knows the status.
        made = answer(request, error)
        document = await made if asyncio.iscoroutine(made) else cast("Response", made)
        if not wants_page(request):
            return document
        status = document.status_code
        if _is_no_address(request, error):
            error, status = NotFound(), NotFound.status
        language = language_of(request)
        path = request.scope["path"]
        if request.scope.get("route") is None and request.method == "GET" and path.rstrip("/") not in ("", path):
            # People write a slash at the end.
            return see_other(request, path.rstrip("/"), **request.query_params)
        if isinstance(error, NotSignedIn) and request.method == "GET":
            return see_other(request, "/logga-in", nasta=_asked_for(request, language))
        if isinstance(error, NotSignedIn | FormExpired):
            # Nothing that was typed is lost: once signed in, it is sent again from here.
            again = {name: value for name, value in (await form(request)).items() if name != "_csrf"}
            title, detail = error.text(language)
            return pages.render(
                request, "sign_in_first.html", error.status, private=True, title=title, detail=detail, again=again
            )
        for_staff = await _is_for_staff(request, error)
        title, detail = _said(error, status, language, for_staff=for_staff)
        template = "refusal.html"
        more: dict[str, Any] = {
            "back": staff.booking_of(request.scope["path"], status),
            "onward": getattr(error, "onward", None),
        }
        if for_staff:
            person: Person | None = request.scope.get("samtid.person")
            here, query = request.scope["path"], request.url.query
            template, more = "staff_refusal.html", {"back": staff.back(person, here, query, status)}
        passing = request.method == "POST" and status in _PASSING
        more["again"] = await _sent_again(request) if passing else {}
        page = pages.render(request, template, status, private=True, title=title, detail=detail, **more)
        page.headers.update(getattr(error, "headers", None) or {})
        return page

    return handle


def _is_no_address(request: Request, error: Any) -> bool:
    """Whether what is refused is the address itself, which then is that of no page, whatever else was sent to it."""
    if isinstance(error, RequestValidationError):
        return any(each["loc"][0] == "path" for each in error.errors())
    # A NUL is in no name of anything; see kit.problems.
    return "\0" in request.scope["path"]


async def _sent_again(request: Request) -> Mapping[str, str]:
    """The fields of a form that can be sent again as it was; a file that was chosen cannot."""
    files = any(not isinstance(value, str) for value in (await request.form()).values())
    return {} if files else {name: value for name, value in (await form(request)).items() if name != "_csrf"}


async def _is_for_staff(request: Request, error: Any) -> bool:
    """Whether whoever reads the refusal is at work: a session is open, and the address is none of families' pages.

    The person is looked up where no route has done so; what is known of somebody without the database is the session.
    """
    running = request.app.state.runtime
    route = request.scope.get("route")
    if running.sessions is None or (route is not None and STAFF_PAGE not in getattr(route, "tags", ())):
        return False
    if request.scope.get("samtid.person"):
        return True
    if running.sessions.read(cookies_of(request.headers), running.clock()) is None:
        return False
    # Only where nothing else has failed: asking the database again would be the next fault.
    return not isinstance(error, HTTPException) or await access.person_of(request) is not None


def _said(error: Any, status: int, language: Language, *, for_staff: bool) -> tuple[str, str]:
    """What the page of a refusal says: a title, and what can be done."""
    if isinstance(error, Refusal) and not isinstance(error, Invalid | NotFound):
        return error.text(language)
    if status >= 500:  # noqa: PLR2004 - HTTP's server errors
        return _FAULT[0 if language == "sv" else 1]
    texts = _NOT_FOUND
    if for_staff:
        if isinstance(error, Invalid) and (told := [each["message"] for each in error.errors(language)]):
            return error.text(language)[0], " ".join(f"{message.rstrip('.')}." for message in told)
        # A broken form, or one that cannot be kept.
        known = status in (400, Invalid.status)
        texts = _UNREADABLE if known else _NO_SUCH_PAGE
    return texts[0 if language == "sv" else 1]


def _asked_for(request: Request, language: Language) -> str:
    """The address that was asked for: without its query where it would be too long to be remembered."""
    path = address(language, request.scope["path"])
    whole = f"{path}?{request.url.query}" if request.url.query else path
    return whole if len(whole) <= LONGEST_ADDRESS else path


def wants_page(request: Request) -> bool:
    """Whether a request was for a page: by its route, or by what the browser accepts where there is no route."""
    route = request.scope.get("route")
    if route is not None:
        return PAGE in getattr(route, "tags", ())
    return "text/html" in request.headers.get("accept", "")
