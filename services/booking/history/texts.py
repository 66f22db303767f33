"""What is told of a booking's history, in Swedish and in English."""

from booking.messages.texts import TEXTS as MESSAGE_TEXTS
from booking.reviews.texts import TEXTS as REVIEW_TEXTS
from kit.web.pages import Texts

TEXTS: Texts = {
    **MESSAGE_TEXTS,
    # How what was read is called.
    **{key: text for key, text in REVIEW_TEXTS.items() if key.startswith(("what_", "role_", "step_"))},
    "history": ("Vad har hänt med bokningen?", "What happened to the booking?"),
    "history_coming": ("Härnäst", "What comes next"),
    "history_reads": (
        "Vem som har läst om familjen visas för den som granskar.",
        "Who has read of the family is shown to reviewers.",
    ),
    "by_family": ("familjen", "the family"),
    "by_former": ("personal", "staff"),
    "change_confirmed": ("Bokad av {who}", "Booked by {who}"),
    "change_rescheduled": ("Flyttad av {who} till {start}", "Moved by {who} to {start}"),
    "change_rescheduled_way": ("Flyttad av {who} till {start}, nu {way}", "Moved by {who} to {start}, now {way}"),
    "change_cancelled": ("Avbokad av {who}", "Cancelled by {who}"),
    "change_cancelled_why": ("Avbokad av {who}: {reason}", "Cancelled by {who}: {reason}"),
    "change_fulfilled": ("Familjen kom, noterat av {who}", "The family came, noted by {who}"),
    "change_no_show": ("Familjen uteblev, noterat av {who}", "The family did not come, noted by {who}"),
    "change_reopened": ("Ångrat av {who}", "Undone by {who}"),
    "reason_advisor_away": ("rådgivaren har förhinder", "the advisor cannot come"),
    "reason_family_asked": ("familjen bad om det", "the family asked for it"),
    "reason_double": ("bokad två gånger", "booked twice"),
    "reason_other": ("annat skäl", "another reason"),
    "to_video": ("som videosamtal", "by video"),
    "to_phone": ("som telefonsamtal", "by telephone"),
    "to_visit": ("som besök", "as a visit"),
    "story_sent": ("skickades {way}", "sent {way}"),
    "story_sent_after": ("skickades {way}, efter {tries} försök", "sent {way}, at try {tries}"),
    "story_failing": ("inte framme efter {tries} försök: {why}", "not there after {tries} tries: {why}"),
    "story_failing_once": ("inte framme: {why}", "not there: {why}"),
    "story_next": ("Nytt försök {when}", "Next try {when}"),
    "story_due": ("Skulle skickas {when}", "It was due {when}"),
    "story_waits": ("skickas", "goes out"),
    "story_waits_late": ("väntar på att skickas", "waits to be sent"),
    "unreached_since": ("Familjen hade inte nåtts", "The family had not been reached"),
    "settled_reached": ("Familjen har nåtts", "The family was reached"),
    "settled_handled": ("Personal noterade att familjen vet", "Staff noted that the family knows"),
    "settled_past": ("Tiden kom utan att familjen hade nåtts", "The time came, and the family had not been reached"),
    "read_by": ("Läst av {who} ({role}): {what}, {way}", "Read by {who} ({role}): {what}, {way}"),
    "read_times": ("{said} ({count} gånger)", "{said} ({count} times)"),
}
