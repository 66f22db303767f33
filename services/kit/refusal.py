"""Refusals: where a rule says no, it raises a named exception with one status and a text in the reader's language."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from kit.language import Language


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not an error of ours
    """Raised where a rule says no. Subclasses name the rule; `sv` and `en` are its title and what to do next."""

    status: ClassVar[int] = 409
    code: ClassVar[str] = "refused"
    sv: ClassVar[tuple[str, str]]
    en: ClassVar[tuple[str, str]]
    # Where families can go on from its page: a path without the language, and the key of the link's text.
    onward: ClassVar[tuple[str, str] | None] = None
    headers: Mapping[str, str] | None = None

    def __init__(self, **extra: Any) -> None:
        super().__init__(self.code)
        self.extra = extra

    def text(self, language: Language) -> tuple[str, str]:
        """Title and detail."""
        return self.sv if language == "sv" else self.en


class NotFound(Refusal):
    status = 404
    code = "not-found"
    sv = ("Det finns inte", "Kontrollera adressen. Länken kan vara gammal eller felskriven.")
    en = ("Not found", "Check the address. The link may be old or mistyped.")


class TooLarge(Refusal):
    status = 413
    code = "too-large"
    sv = ("Det var för mycket på en gång", "Skicka högst 64 kB åt gången.")
    en = ("That was too much at once", "Send at most 64 kB at a time.")


class TooManyRequests(Refusal):
    """`seconds` is when it is worth trying again."""

    status = 429
    code = "too-many-requests"
    sv = (
        "Vänta en liten stund",
        "Det kommer ovanligt många förfrågningar från din uppkoppling. Vänta en minut, gå tillbaka och försök igen.",
    )
    en = (
        "Please wait a moment",
        "Unusually many requests come from your connection. Wait a minute, go back and try again.",
    )

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.headers = {"Retry-After": str(max(1, math.ceil(seconds)))}


class Invalid(Refusal):
    """For what only a rule can find invalid: `fields` holds (field, message in Swedish, message in English)."""

    status = 422
    code = "invalid"
    sv = ("Uppgifterna behöver rättas", "Se vilka fält det gäller under errors.")
    en = ("The request needs correcting", "See which fields under errors.")

    def __init__(self, fields: Sequence[tuple[str, str, str]]) -> None:
        super().__init__()
        self.fields = fields

    def errors(self, language: Language) -> list[dict[str, str]]:
        """The fields and their messages, as a problem document lists them."""
        return [{"field": field, "message": sv if language == "sv" else en} for field, sv, en in self.fields]
