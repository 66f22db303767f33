"""What happened to a booking, in words. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Literal

from booking.bookings.tables import Change
from booking.history.service import Story
from booking.history.tables import Read, Unreached
from booking.history.texts import TEXTS
from booking.messages import words as sending
from booking.messages.tables import Message

# A text by its key, in the reader's language; and an instant in words, where it is told.
Text = Callable[..., str]
When = Callable[[datetime], str]
# A message that went out so much later than it should says when that was.
LATE = timedelta(minutes=5)
# What is sent about a change is planned by notification, and known here a moment later.
PLANNED_WITHIN = timedelta(minutes=1)


@dataclass(frozen=True)
class Line:
    """One thing that happened or is to come, at an instant in UTC. `bad` where a family was not reached."""

    at: datetime
    said: str
    kind: Literal["change", "message", "read"]
    bad: bool = False


def lines(
    story: Story, names: Mapping[str, str], text: Text, when: When, now: datetime
) -> tuple[list[Line], list[Line]]:
    """What has happened, and what is to come, each in order of time; `names` are those of staff, by their ids."""
    waiting = [message for message in story.messages if _waits(message)]
    past = [
        *_changes(story, names, text, when),
        *(_message(message, text, when, now) for message in story.messages if not _waits(message)),
        *(line for each in story.unreached for line in _unreached(each, text)),
        *(_read(read, text) for read in story.reads),
    ]
    coming = [_coming(message, text, now) for message in waiting]
    return _once(sorted(past, key=attrgetter("at")), text), sorted(coming, key=attrgetter("at"))


def is_being_planned(story: Story, now: datetime) -> bool:
    """Whether the messages about what happened last may not be known yet."""
    return max((change.at for change in story.changes), default=story.made) > now - PLANNED_WITHIN


def _changes(story: Story, names: Mapping[str, str], text: Text, when: When) -> Iterator[Line]:
    if not any(change.what == "confirmed" for change in story.changes):
        yield Line(story.made, text("change_confirmed", who=text("by_family")), "change")
    for change in story.changes:
        yield Line(change.at, _change(change, names, text, when), "change")


def _change(change: Change, names: Mapping[str, str], text: Text, when: When) -> str:
    who = names.get(change.staff, text("by_former")) if change.staff else text("by_family")
    if change.what == "rescheduled":
        if change.modality:
            return text("change_rescheduled_way", who=who, start=when(change.start), way=text(f"to_{change.modality}"))
        return text("change_rescheduled", who=who, start=when(change.start))
    if change.reason:
        return text("change_cancelled_why", who=who, reason=text(f"reason_{change.reason}"))
    return text(f"change_{change.what}", who=who)


def _waits(message: Message) -> bool:
    return message.status == "pending" and not message.code


def _coming(message: Message, text: Text, now: datetime) -> Line:
    at = message.next_attempt_at or message.due_at
    said = text("story_waits_late" if now - at > LATE else "story_waits")
    return Line(at, f"{text(f'message_{message.kind}')}: {said}", "message")


def _message(message: Message, text: Text, when: When, now: datetime) -> Line:
    at = message.sent_at or message.changed_at or min(message.due_at, now)
    parts = [f"{text(f'message_{message.kind}')}: {_became(message, text)}"]
    if abs(at - message.due_at) > LATE:
        parts.append(text("story_due", when=when(message.due_at)))
    if message.status == "pending" and message.next_attempt_at:
        parts.append(text("story_next", when=when(message.next_attempt_at)))
    return Line(at, ". ".join(parts), "message", bad=message.status == "dead")


def _became(message: Message, text: Text) -> str:
    if message.status == "sent":
        way = text(f"by_{message.channel}") if message.channel else ""
        key = "story_sent_after" if message.attempts > 1 else "story_sent"
        return text(key, way=way, tries=message.attempts).strip()
    why = sending.reason(message, text)
    if message.status == "pending":
        return text("story_failing" if message.attempts > 1 else "story_failing_once", why=why, tries=message.attempts)
    return text(f"message_{message.status}", why=why)


def _unreached(unreached: Unreached, text: Text) -> Iterator[Line]:
    yield Line(unreached.since, text("unreached_since"), "message", bad=True)
    if unreached.settled_at:
        yield Line(unreached.settled_at, text(f"settled_{unreached.why}"), "message", bad=unreached.why == "past")


def _read(read: Read, text: Text) -> Line:
    steps = [text(f"step_{step}") if f"step_{step}" in TEXTS else step for step in read.why.split(" > ")]
    said = text(
        "read_by",
        who=read.who or text("by_former"),
        role=text(f"role_{read.role}"),
        what=text(f"what_{read.what}").lower(),
        way=" → ".join(steps),
    )
    return Line(read.at, said, "read")


def _once(found: Iterable[Line], text: Text) -> list[Line]:
    """The same read again and again, with nothing between, is told once, with how often."""
    told: list[Line] = []
    for (kind, _), same in groupby(found, key=lambda line: (line.kind, line.said if line.kind == "read" else line)):
        group = list(same)
        if kind == "read" and len(group) > 1:
            told.append(replace(group[0], said=text("read_times", said=group[0].said, count=len(group))))
        else:
            told += group
    return told
