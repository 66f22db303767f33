"""Refusals: a named exception with one status, told as a problem document (RFC 9457) in the reader's language."""

from collections.abc import Mapping
from typing import Annotated, Any

import asyncpg
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field, WithJsonSchema
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
    async def not_a_text(request: Request, _: Exception) -> Response:
        # A NUL, which PostgreSQL alone minds: it is in no name of anything, and nobody types it.
        return await refused(
            request, Invalid([("", "Ett tecken går inte att använda.", "A character cannot be used.")])
        )

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


MESSAGES: dict[str, tuple[str, str]] = {
    "missing": ("Fältet saknas.", "This field is missing."),
    "extra_forbidden": ("Fältet finns inte.", "There is no such field."),
    "string_too_long": ("Texten är för lång.", "The text is too long."),
    "string_too_short": ("Texten är för kort.", "The text is too short."),
}


def field_errors(errors: Any, language: Language) -> list[dict[str, str]]:
    """Pydantic's errors as {field, message}, without the input. Our own errors bring `sv` in their context."""
    made = []
    for error in errors:
        place = [str(part) for part in error["loc"] if part not in ("body", "query", "path", "header")]
        sv, en = MESSAGES.get(error["type"], (None, error["msg"]))
        sv = error.get("ctx", {}).get("sv", sv)
        message = (sv if language == "sv" else None) or en
        made.append({"field": ".".join(place), "message": message})
    return made
