"""How many requests a client may make a minute or an hour: counted in this process, shared with the others each second.

No request waits for the store. A process counts what it lets in, writes the difference about once a second, and reads
what all processes have counted; without the store each keeps the limit by itself. An address leaves this process only
as a keyed hash. Both tables are unlogged: no base backup and no replica has what is in them, `pg_dump` has unless it
is told `--no-unlogged-table-data`, and after a crash counting begins anew.
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
_HOUR = timedelta(hours=1)

# Rows in one order, so that two processes never wait for each other.
_ADD = database.Statement("""
    insert into request_count (minute, kind, client, n)
    select minute, kind, client, n
    from unnest(:minutes::timestamptz[], :kinds::text[], :clients::bytea[], :numbers::integer[])
        as given (minute, kind, client, n)
    order by minute, kind, client
    on conflict (minute, kind, client) do update set n = request_count.n + excluded.n
    returning minute, kind, client, n
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


_Counted = tuple[datetime, str, str]


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
    """The limits of one service in one process; `per_minute` says how many of each kind a client may make, `per_hour`
    of other kinds.
    """

    def __init__(self, service: str, per_minute: Mapping[str, int], per_hour: Mapping[str, int] | None = None) -> None:
        self.service = service
        self.most = {**per_minute, **(per_hour or {})}
        self._hourly = frozenset(per_hour or ())
        self._minute = self._end = datetime.min.replace(tzinfo=UTC)
        # By the first minute, kind and client: what is known of all processes, and what the others were not told of.
        self._known: Counter[_Counted] = Counter()
        self._untold: Counter[_Counted] = Counter()

    def check(self, kind: str, client: str, now: datetime) -> None:
        """Raise TooManyRequests where the client has none left."""
        self.take(kind, client, now, number=0)

    def take(self, kind: str, client: str, now: datetime, *, number: int = 1) -> None:
        """Count requests of the client's. Raises TooManyRequests where it has none left."""
        if not self.admits(kind, client, now, number=number):
            raise TooManyRequests((self._ends(kind) - now).total_seconds())

    def admits(self, kind: str, client: str, now: datetime, *, number: int = 1) -> bool:
        """Whether the client has any left, and then they are counted. `client` is an address or of `client_of`."""
        if not self._minute <= now < self._end:
            self._begin(now)
        counted = (self._begins(kind), kind, client_of(client))
        if self._known[counted] >= self.most[kind]:
            metrics.limited.add(1, {metrics.SERVICE: self.service, metrics.LIMIT: kind})
            return False
        if number:
            self._known[counted] += number
            self._untold[counted] += number
        return True

    def give_back(self, kind: str, client: str, now: datetime) -> None:
        """Count one less of the client's, where it was let in and is to come again."""
        if self._minute <= now < self._end:
            counted = (self._begins(kind), kind, client_of(client))
            self._known[counted] -= 1
            self._untold[counted] -= 1

    def _begin(self, now: datetime) -> None:
        self._minute = now.replace(second=0, microsecond=0)
        self._end = self._minute + _MINUTE
        for counts in (self._known, self._untold):
            for over in [counted for counted in counts if counted[0] != self._begins(counted[1])]:
                del counts[over]

    def _begins(self, kind: str) -> datetime:
        return self._minute.replace(minute=0) if kind in self._hourly else self._minute

    def _ends(self, kind: str) -> datetime:
        return self._begins(kind) + (_HOUR if kind in self._hourly else _MINUTE)

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
                    await connection.execute(
                        "delete from request_count where minute < $1 and (kind <> all($2) or minute < $3)",
                        swept - _MINUTE,
                        list(self._hourly),
                        swept - _HOUR,
                    )
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
        told, self._untold = self._untold, Counter()
        if not told:
            return
        hashes = {(minute, kind, hashed(key, client)): (minute, kind, client) for minute, kind, client in told}
        try:
            async with database.transaction(engine, role=role) as connection:
                rows = await _ADD.rows(
                    connection,
                    minutes=[minute for minute, _, _ in hashes],
                    kinds=[kind for _, kind, _ in hashes],
                    clients=[client for _, _, client in hashes],
                    numbers=[told[counted] for counted in hashes.values()],
                )
        except BaseException:
            self._untold.update(told)
            raise
        for row in rows:
            counted = hashes[row["minute"], row["kind"], row["client"]]
            # Not where that time is over meanwhile: what was known of it is forgotten.
            if counted in self._known:
                self._known[counted] = row["n"] + self._untold[counted]
