"""`samtid why`: what happened to one booking, for an operator. Nothing in it says who the family is."""

import asyncio
import re
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

from booking import secrecy
from booking.bookings.service import REFERENCE_LENGTH, REFERENCE_LETTERS
from booking.history import service, words
from booking.history.service import Told
from booking.history.texts import TEXTS
from kit import database
from kit.app import utc_now


def reference(typed: str) -> str:
    """The reference that was meant, in whatever way it was written. Raises ValueError for what is none."""
    meant = re.sub(r"[\s-]", "", typed).upper()
    if not re.fullmatch(f"[{REFERENCE_LETTERS}]{{{REFERENCE_LENGTH}}}", meant):
        raise ValueError(typed)
    return meant


def main(wanted: str, database_url: str) -> int:
    """Print it; 1 where no booking has the reference, or one that is not told of here."""
    told = asyncio.run(_told(wanted, database_url))
    if told is None:
        print(
            f"samtid why: there is no booking {wanted}, or it is of a family of protected identity:"
            " what happened to that is shown on its page, to the staff who were named to it.",
            file=sys.stderr,
        )
        return 1
    print("\n".join(lines(told, utc_now())))
    return 0


async def _told(wanted: str, database_url: str) -> Told | None:
    async with database.opened(database_url) as engine, secrecy.of_history(engine, wanted) as connection:
        return await service.told(connection, wanted)


def lines(told: Told, now: datetime) -> list[str]:
    """The answer in lines, with times as they are where the booking is."""
    row = told.booking
    zone = ZoneInfo(row["zone"])

    def at(instant: datetime) -> str:
        return f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"

    def text(key: str, **values: object) -> str:
        return TEXTS[key][1].format(**values)

    past, coming = words.lines(told.story, {}, text, at, now)
    hours = f"{at(row['start_at'])}–{row['end_at'].astimezone(zone):%H:%M}"
    said = [
        f"{row['status']}: {hours}, {text('to_' + row['modality'])}",
        f"municipality {row['municipality']}, unit {row['unit']}",
        f"id {row['id']}; times are of {row['zone']}",
        "",
        *(f"{at(line.at)}  {line.said}" for line in past),
    ]
    if not told.story.messages:
        said += ["", "No message is known of."]
    if coming:
        said += ["", f"{text('history_coming')}:", *(f"{at(line.at)}  {line.said}" for line in coming)]
    if told.unpublished:
        said += ["", "Waiting to be published:"]
        said += [f"{at(event.since)}  {event.type}" for event in told.unpublished]
    else:
        said += ["", "All its events are published."]
    return said
