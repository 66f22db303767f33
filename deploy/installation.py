"""What one installation has of its own: keys and passwords, roles and databases, streams and consumers.

Keys lie in a folder per user, so that each service can be given its own and no other:
`<service>/nats.seed`, `<service>/pgpass`, `<service>_owner/pgpass`, `booking/booking_public.pgpass` for the role that
serves what is open to all, `booking/manage.secret`, `booking/master.key`,
`{directory,booking}/session.key` (the same in both), `vault/pgpass` and `vault_owner/pgpass` for the store of families'
keys, `operator/nats.seed`, `{postgres,vault_postgres}/password`, and `nats/keys.conf`, which holds public keys only. A
service that runs is given no password of the role that owns its database: only its migrations are.
"""

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import asyncpg
import nats
import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js.api import RawStreamMsg
from nkeys import NkeysError

from deploy import services
from deploy.permissions import OPERATOR, USERS, new_seed, public_key
from deploy.services import DATABASES, STAFFED, all_reads
from kit import messaging, roles
from kit.database import ROLE_LIMITS as LIMITS
from kit.database import Connection

log = logging.getLogger(__name__)

CONNECT_SECONDS = 30
LOOK_SECONDS = 5
# Each has a superuser of its own: the services' databases lie on the one, families' keys on the other.
SERVERS = ("postgres", "vault_postgres")


class InstallationError(RuntimeError):
    """Something that an installation needs is missing or wrong; the message is one sentence for a person."""


def make_keys(folder: Path, owner: int | None = None) -> None:
    """Make what is missing in `folder`; `owner` is the user id that services run as, where that is not this user."""
    for user in USERS:
        _write(folder / user / "nats.seed", new_seed(), owner)
    for service in DATABASES:
        for role in logins((service,)):
            _write(_password_file(folder, role), f"*:*:{service}:{role}:{secrets.token_hex(24)}\n", owner)
    _write(manage_secret_file(folder), secrets.token_hex(32), owner)
    _write(master_key_file(folder), secrets.token_hex(32), owner)
    session_key = secrets.token_hex(32)
    for service in STAFFED:
        # Whichever is there already is what the others get.
        known = next((p for p in map(partial(session_key_file, folder), STAFFED) if p.exists()), None)
        _write(session_key_file(folder, service), _read(known) if known else session_key, owner)
    for server in SERVERS:
        _write(folder / server / "password", secrets.token_hex(24), owner)
    keys = "".join(f"NKEY_{user.upper()}: {key}\n" for user, key in public_keys(folder).items())
    public = folder / "nats" / "keys.conf"
    public.parent.mkdir(exist_ok=True)
    public.write_text(keys)


def seed_file(folder: Path, user: str) -> Path:
    """Where the NKey seed of a user lies."""
    return folder / user / "nats.seed"


def manage_secret_file(folder: Path) -> Path:
    """Where the secret lies from which booking makes its manage links."""
    return folder / "booking" / "manage.secret"


def master_key_file(folder: Path) -> Path:
    """Where the master key lies that families' keys are wrapped with."""
    return folder / "booking" / "master.key"


def session_key_file(folder: Path, service: str) -> Path:
    """Where the secret lies that sessions of staff are sealed with."""
    return folder / service / "session.key"


def public_keys(folder: Path) -> dict[str, str]:
    """The public NKey of each user."""
    keys = {}
    for user in USERS:
        path = seed_file(folder, user)
        try:
            keys[user] = public_key(_read(path))
        except (NkeysError, ValueError) as error:
            raise InstallationError(f"the key {path} is damaged") from error
    return keys


def password(folder: Path, role: str) -> str:
    """The password of a role: of a service or its database's owner, or of the superuser `postgres`."""
    if role == "postgres":
        return _read(folder / "postgres" / "password")
    return _read(_password_file(folder, role)).rsplit(":", 1)[-1]


def _password_file(folder: Path, role: str) -> Path:
    """Where a role's password lies: of those that one service logs in as, in that service's folder."""
    service = next((service for service in DATABASES if role in services.logins(service)), role)
    return folder / service / ("pgpass" if service == role else f"{role}.pgpass")


# Those that log in; the superuser is the one that makes them.
def logins(databases: Sequence[str] = DATABASES) -> tuple[str, ...]:
    """For each database the roles that serve, and its owner."""
    return tuple(role for database in databases for role in (*services.logins(database), roles.owner(database)))


def passwords(folder: Path, databases: Sequence[str] = DATABASES) -> dict[str, str]:
    """The passwords of all roles that log in to these databases."""
    return {role: password(folder, role) for role in ("postgres", *logins(databases))}


async def make_databases(
    host: str, port: int, passwords: Mapping[str, str], databases: Sequence[str] = DATABASES
) -> None:
    """The roles and the databases of one server, each of which no other service may enter.

    Repeatable; sets the passwords anew.
    """
    admin = await _connect(host, port, passwords["postgres"])
    try:
        await make_roles(admin, passwords, databases)
        for shared in ("postgres", "template1"):
            await admin.execute(f"revoke connect, temporary on database {shared} from public")
        owners = dict(await admin.fetch("select datname, pg_get_userbyid(datdba) from pg_database"))
        for service in databases:
            if service not in owners:
                await make_database(admin, service, service)
            elif owners[service] == service:
                await _hand_over(host, port, passwords["postgres"], service)
            await _close(admin, service, service)
            await _without_large_objects(host, port, passwords["postgres"], service)
    finally:
        await admin.close()


async def make_roles(admin: Connection, passwords: Mapping[str, str], databases: Sequence[str] = DATABASES) -> None:
    """For each service its owner, the roles that serve and own nothing, the narrow ones that each of these may take,
    and those that own functions which they may call.
    """
    known = {r["rolname"] for r in await admin.fetch("select rolname from pg_roles")}

    async def make(role: str, may: str) -> None:
        verb = "alter" if role in known else "create"
        await admin.execute(
            f"{verb} role {role} {may} nosuperuser nocreatedb nocreaterole noreplication nobypassrls noinherit"
        )

    for role in logins(databases):
        # Names are ours and passwords are hexadecimal: neither can end the quotes.
        await make(role, f"login password '{passwords[role]}'")
        # A migration takes the time that it needs, and waits for nobody longer than it says itself.
        owns = role in map(roles.owner, databases)
        limits = {"idle_in_transaction_session_timeout": "60s"} if owns else LIMITS
        for name, value in limits.items():
            await admin.execute(f"alter role {role} set {name} = '{value}'")
    for service in databases:
        for role in services.roles(service):
            await make(role, "nologin")
        for login, taken in services.logins(service).items():
            for role in taken:
                await admin.execute(f"grant {role} to {login} with inherit false, set true, admin false")
        for role in services.definers(service):
            # Migrations give functions to it.
            await make(role, "nologin")
            await admin.execute(f"grant {role} to {roles.owner(service)} with inherit false, set true, admin false")


async def make_database(admin: Connection, service: str, name: str) -> None:
    """A database `name` for a service, of its owner's, which only that and the roles that serve may enter."""
    await admin.execute(f"create database {name} owner {roles.owner(service)}")
    await _close(admin, service, name)


async def _close(admin: Connection, service: str, name: str) -> None:
    await admin.execute(f"revoke connect, temporary on database {name} from public")
    await admin.execute(f"grant connect on database {name} to {', '.join(services.logins(service))}")


async def _without_large_objects(host: str, port: int, secret: str, service: str) -> None:
    """Let nobody make what no table holds: whoever serves could fill the disk with it, and no policy is asked."""
    inside = await _connect(host, port, secret, service)
    try:
        for function in ("lo_creat(integer)", "lo_create(oid)", "lo_from_bytea(oid, bytea)"):
            await inside.execute(f"revoke execute on function pg_catalog.{function} from public")
    finally:
        await inside.close()


async def _hand_over(host: str, port: int, secret: str, service: str) -> None:
    """Give a database that its service owned, as all did once, and what is in it, to its owner."""
    inside = await _connect(host, port, secret, service)
    try:
        await inside.execute(f"reassign owned by {service} to {roles.owner(service)}")
    finally:
        await inside.close()


async def _connect(host: str, port: int, secret: str, database: str = "postgres") -> Connection:
    """The superuser's connection, as soon as the server takes one."""
    deadline = asyncio.get_running_loop().time() + CONNECT_SECONDS
    while True:
        try:
            return await asyncpg.connect(host=host, port=port, user="postgres", database=database, password=secret)
        except asyncpg.InvalidPasswordError as error:
            raise InstallationError(f"PostgreSQL at {host}:{port} refuses the password of its superuser") from error
        except (OSError, asyncpg.CannotConnectNowError) as error:
            if asyncio.get_running_loop().time() > deadline:
                raise InstallationError(f"PostgreSQL at {host}:{port} does not answer") from error
        await asyncio.sleep(0.2)


async def provision(url: str, seed: str | None) -> None:
    """Make or update the streams and every service's consumers, as the operator. Repeatable; loses nothing."""
    client = await operator(url, seed)
    try:
        await messaging.provision(client, all_reads())
    finally:
        await client.close()


async def stored(client: Client, stream: str, subject: str) -> AsyncIterator[RawStreamMsg]:
    """All messages of a stream under a subject, in their order. Raises InstallationError where the stream is gone."""
    jetstream, number = client.jetstream(), 1
    try:
        await jetstream.stream_info(stream)
    except nats.js.errors.NotFoundError:
        raise InstallationError(f"the stream {stream} is gone; make it anew: samtid provision") from None
    while True:
        try:
            message = await jetstream.get_msg(stream, seq=number, subject=subject, next=True)
        except nats.js.errors.NotFoundError:
            return
        assert message.seq, "kept in a stream"
        number = message.seq + 1
        yield message


async def keep_provisioned(url: str, seed: str | None, lost: Callable[[], Awaitable[None]]) -> None:
    """Make streams and consumers anew where they are gone, until cancelled; `lost` is called where a stream was."""
    client = await operator(url, seed)
    try:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                if not client.is_connected:
                    await client.close()
                    client = await operator(url, seed)
                manager, missing = client.jetstream(), ""
                for stream in messaging.STREAMS:
                    missing = "stream"
                    await manager.stream_info(str(stream.name))
                for read in all_reads():
                    missing = "consumer"
                    await manager.consumer_info(read.stream, read.durable)
            except nats.js.errors.NotFoundError:
                log.warning("a %s is gone, and made anew", missing)
                await messaging.provision(client, all_reads())
                if missing == "stream":
                    await lost()
            except (InstallationError, nats.errors.Error, TimeoutError) as error:
                log.warning("streams cannot be looked at: %s", type(error).__name__)
    finally:
        await client.close()


async def operator(url: str, seed: str | None) -> Client:
    """The operator's connection, as soon as the server takes one; unlike a service's, it gives up."""

    async def quiet(_: Exception) -> None:
        """What fails is raised in the end; the client would print every try."""

    deadline = asyncio.get_running_loop().time() + CONNECT_SECONDS
    while True:
        try:
            return await messaging.connect_once(url, seed, OPERATOR, quiet)
        except (nats.errors.Error, OSError) as error:
            if messaging.is_refused(error):
                raise InstallationError(f"NATS at {url} refuses the operator's key") from error
            if asyncio.get_running_loop().time() > deadline:
                raise InstallationError(f"NATS at {url} does not answer") from error
        await asyncio.sleep(0.2)


def _write(path: Path, text: str, owner: int | None) -> None:
    """Write a secret that is not there yet, readable by its owner alone."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.touch(mode=0o600)
    beside.write_text(text)
    if owner is not None:
        os.chown(beside, owner, owner)
    beside.rename(path)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise InstallationError(f"the key {path} cannot be read: {error.strerror}") from error
