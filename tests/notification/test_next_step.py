"""What a message says of how the meeting begins: the same in the mail, in its calendar file and on the page."""

from uuid import uuid4

import pytest
from icalendar import Calendar

from booking.bookings.texts import TEXTS
from kit.language import Language
from notification import render
from notification.contact import Contact
from notification.rules import Kind
from tests.notification.conftest import BOOKED_AT, answer

KINDS: tuple[Kind, ...] = ("confirmation", "change", "reminder_5d", "reminder_24h")
STEPS: dict[tuple[Language, str], str] = {
    ("sv", "phone"): "Rådgivaren ringer dig på det nummer du lämnade.",
    ("en", "phone"): "The advisor calls you on the number that you gave.",
    ("sv", "video"): "Rådgivaren hör av sig med hur du ansluter till videosamtalet.",
    ("en", "video"): "The advisor gets in touch about how to join the video call.",
}


def said(kind: Kind, language: Language, modality: str) -> list[str]:
    """The mail's two texts and its calendar's description."""
    place = answer()["place"] if modality == "visit" else None
    mail = render.mail(
        kind,
        Contact.model_validate(answer(language=language, modality=modality, place=place)),
        message=uuid4(),
        booking=uuid4(),
        sender="Samtid <samtid@example.org>",
        domain="example.org",
        public_url="https://samtid.example",
        now=BOOKED_AT,
    )
    texts = [mail.get_body((part,)).get_content() for part in ("plain", "html")]  # type: ignore[union-attr]
    [attachment] = mail.iter_attachments()
    content = attachment.get_payload(decode=True)
    assert isinstance(content, bytes)
    [event] = Calendar.from_ical(content).walk("VEVENT")
    return [*texts, str(event["DESCRIPTION"])]


@pytest.mark.parametrize(("language", "modality"), STEPS)
def test_every_message_of_a_call_says_who_gets_in_touch(language: Language, modality: str) -> None:
    step = STEPS[language, modality]
    assert TEXTS[f"{modality}_next"][0 if language == "sv" else 1] == step, "as the page says"
    for kind in KINDS:
        assert all(step in text for text in said(kind, language, modality)), kind
    assert not any(step in text for text in said("cancellation", language, modality))


@pytest.mark.parametrize("language", ["sv", "en"])
def test_a_visit_has_its_address_and_no_more(language: Language) -> None:
    texts = said("confirmation", language, "visit")
    assert not [step for step in STEPS.values() if any(step in text for text in texts)]
