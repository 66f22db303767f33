"""What people are told of a request that could not be read: in their language, and never what they sent."""

from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticKnownError, SchemaValidator, core_schema
from pydantic_core._pydantic_core import list_all_errors

from kit.language import LANGUAGES
from kit.problems import field_errors

EVERY = {error["type"]: error for error in list_all_errors()}
SENT = "nittonhundratalet"


def raised(kind: str) -> Any:
    """Pydantic's own error of a type: what is not the model's, such as its pattern, is what was sent."""
    example = EVERY[kind].get("example_context") or {}
    context: Any = {
        name: 7 if value in (0, None) else "a pattern" if name in ("pattern", "expected") else SENT
        for name, value in example.items()
    }

    def fail(_: Any) -> Any:
        raise PydanticKnownError(kind, context or None)  # type: ignore[arg-type]

    with pytest.raises(ValidationError) as failed:
        SchemaValidator(core_schema.no_info_plain_validator_function(fail)).validate_python(SENT)
    (found,) = failed.value.errors()
    return found


@pytest.mark.parametrize("kind", sorted(EVERY.keys() - {"value_error", "assertion_error"}))
def test_each_of_pydantics_errors_has_words_in_both_languages(kind: str) -> None:
    error = raised(kind)
    assert error["type"] == kind
    told = {language: field_errors([error], language)[0]["message"] for language in LANGUAGES}
    assert len(set(told.values())) == len(LANGUAGES)
    for message in told.values():
        assert message.endswith(".")
        assert not {"{", "}"} & set(message)
        assert SENT not in message
        assert message != error["msg"]


@pytest.mark.parametrize("kind", ["value_error", "assertion_error"])
def test_an_error_of_python_is_told_in_words_of_ours(kind: str) -> None:
    error = {"type": kind, "loc": ("body", "x"), "msg": f"Value error, {SENT}", "ctx": {"error": ValueError(SENT)}}
    told = [field_errors([error], language) for language in LANGUAGES]
    assert told == [
        [{"field": "x", "message": "Värdet går inte att läsa."}],
        [{"field": "x", "message": "This value cannot be read."}],
    ]


def test_what_a_model_asks_for_is_told() -> None:
    error = {"type": "literal_error", "loc": ("x",), "msg": "", "ctx": {"expected": "'video', 'phone' or 'visit'"}}
    assert field_errors([error], "sv")[0]["message"] == "Välj något av video, phone eller visit."
    assert field_errors([error], "en")[0]["message"] == "Choose one of video, phone or visit."


def test_our_own_errors_bring_their_words() -> None:
    error = {"type": "slot", "loc": ("slot",), "msg": "In English.", "ctx": {"sv": "På svenska."}}
    assert [field_errors([error], language)[0]["message"] for language in LANGUAGES] == ["På svenska.", "In English."]
