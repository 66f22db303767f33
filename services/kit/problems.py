"""Refusals: a named exception with one status, told as a problem document (RFC 9457) in the reader's language."""

from collections.abc import Mapping
from typing import Annotated, Any

import asyncpg
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError
from starlette.exceptions import HTTPException

from kit.language import Language, of_request
from kit.refusal import Invalid, NotFound, Refusal

MEDIA_TYPE = "application/problem+json"


class ProblemDocument(BaseModel):
    """RFC 9457. `type` is stable and meant for programs; `title` and `detail` are for people."""

    type: str = Field(examples=["urn:samtid:problem:slot-taken"])
    title: str
    status: int
    detail: str


class FieldError(BaseModel):
    field: str = Field(examples=["contact.phone"])
    message: str


class ValidationProblem(ProblemDocument):
    """What is wrong with a request, field by field. Never repeats what was sent."""

    # Written out in place: from within an OpenAPI document a reference to this schema's own $defs leads nowhere.
    errors: list[Annotated[FieldError, WithJsonSchema(FieldError.model_json_schema())]]


def wrong(code: str, sv: str, en: str) -> PydanticCustomError:
    """A fault of a field, in both languages."""
    return PydanticCustomError(code, en, {"sv": sv})


# A NUL, which PostgreSQL alone minds: it is in no name of anything, and nobody types it.
_UNKEPT = ("Ett tecken går inte att använda.", "A character cannot be used.")


class Body(BaseModel):
    """What is sent to a route: without spaces around texts, unknown fields, and what the database cannot keep."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @field_validator("*")
    @classmethod
    def _can_be_kept(cls, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:
            raise wrong("character", *_UNKEPT)
        return value


STATUS_TEXT: dict[int, tuple[str, tuple[str, str], tuple[str, str]]] = {
    400: (
        "bad-request",
        ("Begäran kunde inte läsas", "Kontrollera att innehållet är giltig JSON."),
        ("The request could not be read", "Check that the body is valid JSON."),
    ),
    404: (NotFound.code, NotFound.sv, NotFound.en),
    405: (
        "method-not-allowed",
        ("Metoden går inte att använda här", "Se Allow för de metoder som går."),
        ("Method not allowed", "See Allow for the methods that are."),
    ),
    500: (
        "internal-error",
        ("Något gick fel hos oss", "Det är inte ditt fel. Försök igen om en stund."),
        ("Something went wrong on our side", "It is not your fault. Try again in a moment."),
    ),
    503: (
        "unavailable",
        ("Tjänsten är inte redo", "Försök igen om en stund."),
        ("The service is not ready", "Try again in a moment."),
    ),
}


def document(
    *,
    status: int,
    code: str,
    text: tuple[str, str],
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The response that carries a problem document."""
    content = {
        "type": f"urn:samtid:problem:{code}",
        "title": text[0],
        "status": status,
        "detail": text[1],
        **(extra or {}),
    }
    return JSONResponse(
        jsonable_encoder(content), status, media_type=MEDIA_TYPE, headers=dict(headers) if headers else None
    )


def _by_status(status: int, language: Language, headers: Mapping[str, str] | None = None) -> JSONResponse:
    code, sv, en = STATUS_TEXT.get(status, STATUS_TEXT[500 if status >= 500 else 400])  # noqa: PLR2004
    return document(status=status, code=code, text=sv if language == "sv" else en, headers=headers)


def responses(*refusals: type[Refusal], validated: bool = True) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for OpenAPI: what may be refused, one entry per status."""
    made: dict[int | str, dict[str, Any]] = {}
    if validated:
        made[400] = _described("The body is not valid JSON", ProblemDocument)
        made[422] = _described("invalid: which fields, under `errors`", ValidationProblem)
    for refusal in refusals:
        text = f"{refusal.code}: {refusal.en[0]}"
        if refusal.status in made:
            made[refusal.status]["description"] += f"; {text}"
            if refusal.status == Invalid.status and not issubclass(refusal, Invalid):
                # A request can also be refused as a whole: then no field is named.
                content = made[refusal.status]["content"][MEDIA_TYPE]
                content["schema"] = {"anyOf": [m.model_json_schema() for m in (ValidationProblem, ProblemDocument)]}
        else:
            made[refusal.status] = _described(text, ProblemDocument)
    return made


def _described(description: str, model: type[BaseModel]) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": model.model_json_schema()}}}


def install(app: FastAPI) -> None:
    """Make every refusal, validation error and fault of an API leave as a problem document."""

    @app.exception_handler(Refusal)
    async def refused(request: Request, error: Refusal) -> Response:
        language = of_request(request)
        extra = {"errors": error.errors(language)} if isinstance(error, Invalid) else error.extra
        return document(
            status=error.status, code=error.code, text=error.text(language), extra=extra, headers=error.headers
        )

    @app.exception_handler(asyncpg.CharacterNotInRepertoireError)
    @app.exception_handler(asyncpg.UntranslatableCharacterError)
    async def not_a_text(request: Request, _: Exception) -> Response:
        return await refused(request, Invalid([("", *_UNKEPT)]))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        language = of_request(request)
        if any(e["type"] == "json_invalid" for e in error.errors()):
            return _by_status(400, language)
        text = Invalid.sv if language == "sv" else Invalid.en
        extra = {"errors": field_errors(error.errors(), language)}
        return document(status=Invalid.status, code=Invalid.code, text=text, extra=extra)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        return _by_status(error.status_code, of_request(request), error.headers)

    @app.exception_handler(Exception)
    async def fault(request: Request, _: Exception) -> Response:
        return _by_status(500, of_request(request))


# What is told of each kind of pydantic's errors, by the beginning of its type, the longest first; with what the model
# asks for, and never with what was sent.
MESSAGES: dict[str, tuple[str, str]] = {
    "": ("Värdet går inte att läsa.", "This value cannot be read."),
    "missing": ("Fältet saknas.", "This field is missing."),
    "extra_forbidden": ("Fältet finns inte.", "There is no such field."),
    "string_": ("Skriv en text.", "Write a text."),
    "string_too_long": (
        "Texten är för lång: högst {max_length} tecken.",
        "The text is too long: {max_length} at most.",
    ),
    "string_too_short": (
        "Texten är för kort: minst {min_length} tecken.",
        "The text is too short: {min_length} at least.",
    ),
    "string_pattern_mismatch": ("Skriv efter mönstret {pattern}.", "Write it after the pattern {pattern}."),
    "literal_error": ("Välj något av {expected}.", "Choose one of {expected}."),
    "enum": ("Välj något av {expected}.", "Choose one of {expected}."),
    "bool_": ("Skriv true eller false.", "Write true or false."),
    "int_": ("Skriv ett heltal.", "Write a whole number."),
    "float_": ("Skriv ett tal.", "Write a number."),
    "decimal_": ("Skriv ett tal.", "Write a number."),
    "finite_number": ("Skriv ett tal.", "Write a number."),
    "greater_than": ("Skriv ett tal som är större än {gt}.", "Write a number above {gt}."),
    "greater_than_equal": ("Skriv ett tal som är minst {ge}.", "Write a number that is {ge} at least."),
    "less_than": ("Skriv ett tal som är mindre än {lt}.", "Write a number below {lt}."),
    "less_than_equal": ("Skriv ett tal som är högst {le}.", "Write a number that is {le} at most."),
    "multiple_of": ("Skriv ett tal som går jämnt upp i {multiple_of}.", "Write a multiple of {multiple_of}."),
    "date_": ("Skriv en dag som 2026-08-31.", "Write a day like 2026-08-31."),
    "datetime_": (
        "Skriv en tidpunkt som 2026-08-31T07:00:00Z.",
        "Write an instant like 2026-08-31T07:00:00Z.",
    ),
    "timezone_": ("Skriv tidpunkten med sin tidszon.", "Write the instant with its time zone."),
    "time_": ("Skriv en tid som 09:00.", "Write a time like 09:00."),
    "uuid_": ("Det är inget id som vi har gett ut.", "This is no id that we have given out."),
    "url_": ("Skriv en hel webbadress.", "Write a whole web address."),
    "list_type": ("Skriv en lista.", "Write a list."),
    "dict_type": ("Skriv ett objekt.", "Write an object."),
    "model_": ("Skriv ett objekt.", "Write an object."),
    "too_long": ("Det är för många: högst {max_length}.", "There are too many: {max_length} at most."),
    "too_short": ("Det är för få: minst {min_length}.", "There are too few: {min_length} at least."),
}
_KINDS = sorted(MESSAGES, key=len, reverse=True)


def told(error: Any) -> tuple[str, str]:
    """What to say of one of pydantic's errors in Swedish and in English. Our own bring `sv` in their context."""
    context = error.get("ctx", {})
    if "sv" in context:
        return context["sv"], error["msg"]
    sv, en = MESSAGES[next(kind for kind in _KINDS if error["type"].startswith(kind))]
    said = {name: str(value).replace("'", "") for name, value in context.items() if f"{{{name}}}" in en}
    return sv.format(**{n: text.replace(" or ", " eller ") for n, text in said.items()}), en.format(**said)


def field_errors(errors: Any, language: Language) -> list[dict[str, str]]:
    """Pydantic's errors as {field, message}, without the input."""
    made = []
    for error in errors:
        place = [str(part) for part in error["loc"] if part not in ("body", "query", "path", "header")]
        sv, en = told(error)
        made.append({"field": ".".join(place), "message": sv if language == "sv" else en})
    return made
