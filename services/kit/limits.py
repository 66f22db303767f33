"""How many requests a client may make a minute: counted in this process, and shared with the others each second.

No request waits for the store. A process counts what it lets in, writes the difference about once a second, and reads
what all processes have counted; without the store each keeps the limit by itself. An address leaves this process only
as a keyed hash. Both tables are unlogged: they are in no backup, and after a crash counting begins anew.
"""

import asyncio
import hmac
import secrets
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import IPv6Address, ip_network

from sqlalchemy import Boolean, Column, DateTime, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database, metrics, roles
from kit.refusal import TooManyRequests

DDL_V1 = """
create unlogged table request_count (
    minute timestamptz not null,
    kind text not null,
    client bytea not null,
    n integer not null,
    primary key (minute, kind, client)
);
create unlogged table request_key (
    single boolean primary key default true check (single),
    key bytea not null
);
"""

MERGE_SECONDS = 1.0
_MINUTE = timedelta(minutes=1)

# Rows in one order, so that two processes never wait for each other.
_ADD = database.Statement("""
    insert into request_count (minute, kind, client, n)
    select :minute::timestamptz, kind, client, n
    from unnest(:kinds::text[], :clients::bytea[], :numbers::integer[]) as given (kind, client, n)
    order by kind, client
    on conflict (minute, kind, client) do update set n = request_count.n + excluded.n
    returning kind, client, n
""")


def grants(service: str) -> str:
    """SQL that lets the job that shares the counts do so, and nobody else."""
    role = roles.limits(service)
    return (
        f"grant select, insert, update, delete on request_count to {role};\n"
        f"grant select, insert on request_key to {role};\n"
    )


def tables(metadata: MetaData) -> tuple[Table, Table]:
    """The counts of a service, and the key that addresses are hashed with."""
    counts = Table(
        "request_count",
        metadata,
        Column("minute", DateTime(timezone=True), primary_key=True),
        Column("kind", Text, primary_key=True),
        Column("client", LargeBinary, primary_key=True),
        Column("n", Integer, nullable=False),
        prefixes=["unlogged"],
    )
    key = Table(
        "request_key",
        metadata,
        Column("single", Boolean, primary_key=True, server_default="true"),
        Column("key", LargeBinary, nullable=False),
        prefixes=["unlogged"],
    )
    return counts, key


def hashed(key: bytes, client: str) -> bytes:
    """What is stored of a client."""
    return hmac.digest(key, client.encode(), "sha256")


@lru_cache(maxsize=4096)
def client_of(address: str) -> str:
    """Whom an address stands for: of IPv6 a network of /64, since whoever has one address there has them all."""
    if ":" not in address:
        return address
    try:
        whole = IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    return str(whole.ipv4_mapped or ip_network((whole, 64), strict=False))


class Limits:
    """The limits of one service in one process; `per_minute` says how many of each kind a client may make."""

    def __init__(self, service: str, per_minute: Mapping[str, int]) -> None:
        self.service = service
        self.per_minute = per_minute
        self._minute = self._end = datetime.min.replace(tzinfo=UTC)
        # By kind and client: what is known of all processes, and what the others have not been told of.
        self._known: Counter[tuple[str, str]] = Counter()
        self._untold: Counter[tuple[str, str]] = Counter()

    def check(self, kind: str, address: str, now: datetime) -> None:
        """Raise TooManyRequests where the client has none left in this minute."""
        self.take(kind, address, now, number=0)

    def take(self, kind: str, address: str, now: datetime, *, number: int = 1) -> None:
        """Count requests of the client's. Raises TooManyRequests where it has none left in this minute."""
        if not self._minute <= now < self._end:
            self._minute = now.replace(second=0, microsecond=0)
            self._end = self._minute + _MINUTE
            self._known.clear()
            self._untold.clear()
        counted = (kind, client_of(address))
        if self._known[counted] >= self.per_minute[kind]:
            metrics.limited.add(1, {metrics.SERVICE: self.service, metrics.LIMIT: kind})
            raise TooManyRequests((self._end - now).total_seconds())
        if number:
            self._known[counted] += number
            self._untold[counted] += number

    async def run(self, engine: AsyncEngine, role: str) -> None:
        """Share the counts until cancelled, as `role`.

        Raises where the store does not answer; nothing counted is lost by it.
        """
        key = await self.key(engine, role)
        swept = self._minute
        while True:
            await self.merge(engine, role, key)
            if swept != self._minute:
                swept = self._minute
                async with database.transaction(engine, role=role) as connection:
                    await connection.execute("delete from request_count where minute < $1", swept - _MINUTE)
            await asyncio.sleep(MERGE_SECONDS)

    async def key(self, engine: AsyncEngine, role: str) -> bytes:
        """The key of this database, made by whoever comes first."""
        async with database.transaction(engine, role=role) as connection:
            await connection.execute(
                "insert into request_key (key) values ($1) on conflict do nothing", secrets.token_bytes(32)
            )
            found: bytes = await connection.fetchval("select key from request_key")
        return found

    async def merge(self, engine: AsyncEngine, role: str, key: bytes) -> None:
        """Tell the others what was counted here since, and learn of those clients what all have counted."""
        minute, told, self._untold = self._minute, self._untold, Counter()
        if not told:
            return
        clients = {(kind, hashed(key, client)): (kind, client) for kind, client in told}
        try:
            async with database.transaction(engine, role=role) as connection:
                rows = await _ADD.rows(
                    connection,
                    minute=minute,
                    kinds=[kind for kind, _ in clients],
                    clients=[client for _, client in clients],
                    numbers=[told[counted] for counted in clients.values()],
                )
        except BaseException:
            if minute == self._minute:
                self._untold.update(told)
            raise
        if minute == self._minute:
            for row in rows:
                counted = clients[row["kind"], row["client"]]
                self._known[counted] = row["n"] + self._untold[counted]
