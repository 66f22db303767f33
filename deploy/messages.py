"""`samtid messages`: the messages that reached no family, for an operator who has mended why. Nobody is named in it."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from deploy import columns
from kit import database, roles
from kit.app import utc_now
from notification import tables
from notification.roles import SERVICE


def main(chosen: argparse.Namespace, database_url: str) -> int:
    """Do it; 0 when done, 1 where a message that was named did not reach nobody."""
    return asyncio.run(_main(chosen, database_url))


async def _main(chosen: argparse.Namespace, database_url: str) -> int:
    async with (
        database.opened(database_url) as engine,
        database.begin(engine, role=roles.reader(SERVICE)) as connection,
    ):
        if chosen.deed == "list":
            found = await tables.dead(connection, *_wanted(chosen))
        else:
            again = await tables.send_again(connection, utc_now(), *_wanted(chosen))
    if chosen.deed == "list":
        _show(found)
        return 0
    return _tell(again, chosen.messages)


def _wanted(chosen: argparse.Namespace) -> list[Any]:
    """Which of the dead messages are meant: some, those of a booking, those that failed for one reason; or all."""
    given = {"id": getattr(chosen, "messages", []), "booking": chosen.booking, "last_error": chosen.code}
    return [tables.message_table.c[name].in_(values) for name, values in given.items() if values]


def _show(found: Sequence[Row[Any]]) -> None:
    if not found:
        print("No message is dead.")
        return
    rows = [("MESSAGE", "BOOKING", "KIND", "WAY", "DUE", "TRIES", "CODE")]
    rows += [
        (
            str(row.id),
            str(row.booking),
            row.kind,
            row.channel or "-",
            f"{row.due_at:%Y-%m-%d %H:%M:%SZ}",
            str(row.attempts),
            row.last_error or "-",
        )
        for row in found
    ]
    columns.show(rows)


def _tell(again: Sequence[UUID], named: Sequence[UUID]) -> int:
    print(f"{len(again)} messages are sent again by the running service, which drops what is out of date by now.")
    others = set(named) - set(again)
    for message in sorted(others):
        print(f"samtid messages: {message} is no message that reached nobody.", file=sys.stderr)
    return 1 if others else 0
