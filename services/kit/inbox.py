"""The inbox: a handler remembers each event in its own transaction, so that its effect happens once."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Column, DateTime, Index, MetaData, Table, Text, Uuid, delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from kit import roles

# Longer than any stream of facts keeps them (90 days).
KEEP_DAYS = 120

DDL_V1 = """
create table inbox (
    consumer text not null,
    event_id uuid not null,
    received_at timestamptz not null default clock_timestamp(),
    primary key (consumer, event_id)
);
"""
# By what the hourly purge looks for.
INDEX_V2 = "create index if not exists inbox_received_at_idx on inbox (received_at);\n"


def grants(service: str) -> str:
    """SQL that lets the service's handlers remember and forget events, and nobody else."""
    return f"grant select, insert, delete on inbox to {roles.reader(service)};\n"


def table(metadata: MetaData) -> Table:
    """The inbox table of a service."""
    return Table(
        "inbox",
        metadata,
        Column("consumer", Text, primary_key=True),
        Column("event_id", Uuid, primary_key=True),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
        Index("inbox_received_at_idx", "received_at"),
    )


async def first_time(connection: AsyncConnection, inbox: Table, consumer: str, event_id: UUID) -> bool:
    """Whether this consumer sees this event for the first time. A twin under way makes this wait for its end."""
    statement = (
        insert(inbox).values(consumer=consumer, event_id=event_id).on_conflict_do_nothing().returning(inbox.c.event_id)
    )
    return (await connection.execute(statement)).first() is not None


async def purge(connection: AsyncConnection, inbox: Table, now: datetime) -> None:
    """Forget events that no stream holds any more and that can therefore not come again."""
    await connection.execute(delete(inbox).where(inbox.c.received_at < now - timedelta(days=KEEP_DAYS)))
