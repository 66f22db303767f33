"""What is tried before a service starts, so that a wrong setting is told in one sentence that repeats no secret."""

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Coroutine
from typing import Any

import asyncpg
import nats.errors
from nkeys import NkeysError, from_seed
from sqlalchemy import URL
from sqlalchemy.exc import ArgumentError

from kit import messaging
from kit.database import CONNECT_SECONDS, url
from kit.vault.sealing import Masters, UnreadableError
from kit.vault.store import LOOKUP

log = logging.getLogger(__name__)

# A server that is started together with the service may take so long before it answers.
WAIT_SECONDS = 30


class CannotStartError(RuntimeError):
    """A setting is wrong, or a server is missing that nothing goes without; the message is one sentence."""


def run(trial: Coroutine[Any, Any, None]) -> None:
    """Try; SIGTERM ends it at once, also where this is the first process of a container. Raises CannotStartError."""

    async def attempt() -> None:
        task = asyncio.ensure_future(trial)
        if threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await asyncio.wait([task])
        if task.cancelled():
            raise CannotStartError("it was told to end")
        task.result()

    asyncio.run(attempt())


async def check(service: str, settings: Any) -> None:
    """Try the servers that the settings name. Only the service's own database is waited for: the key store and NATS
    may come later, and are wrong where they refuse. Raises CannotStartError.
    """
    await database("DATABASE_URL", settings.database_url)
    if public := getattr(settings, "public_database_url", None):
        await database("PUBLIC_DATABASE_URL", public)
    if vault := getattr(settings, "vault_url", None):
        await database("VAULT_URL", vault, needed=False)
        await _opens(vault, settings.masters)
    await _nats(settings.nats_url, _seed(settings), service)


async def database(setting: str, given: str, *, needed: bool = True) -> None:
    """Try a database once it answers. Raises CannotStartError where it refuses, or does not answer and is needed."""
    address = _parsed(setting, given)
    where = f"{address.host}:{address.port or 5432}"
    deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
    said = False
    while not await _answers(setting, address, where):
        if asyncio.get_running_loop().time() > deadline and needed:
            raise CannotStartError(f"no PostgreSQL answers at {where}: check {setting}, and whether the server runs")
        if not said:
            said = True
            log.warning("PostgreSQL at %s (%s) does not answer yet", where, setting)
        if not needed:
            return
        await asyncio.sleep(0.5)


def _parsed(setting: str, given: str) -> URL:
    wrong = CannotStartError(f"{setting} must be postgresql://user:password@host:port/database")
    try:
        made = url(given)
    except (ArgumentError, ValueError):
        raise wrong from None
    if not given.startswith(("postgresql://", "postgres://")) or not made.host or not made.database:
        raise wrong
    return made


async def _answers(setting: str, address: URL, where: str) -> bool:
    try:
        connection = await asyncpg.connect(_plain(address), timeout=CONNECT_SECONDS)
    except asyncpg.InvalidAuthorizationSpecificationError:
        raise CannotStartError(
            f"PostgreSQL at {where} refuses the password of {address.username}: check {setting}"
        ) from None
    except (asyncpg.InvalidCatalogNameError, asyncpg.InsufficientPrivilegeError):
        raise CannotStartError(
            f"PostgreSQL at {where} lets {address.username} into no database {address.database}: check {setting}"
        ) from None
    except socket.gaierror:
        raise CannotStartError(f"there is no host {address.host}: check {setting}") from None
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await connection.close()
    return True


async def _opens(vault: str, masters: Masters) -> None:
    """Try the master keys on the one key that each key store has. One that does not answer may come later."""
    try:
        connection = await asyncpg.connect(_plain(_parsed("VAULT_URL", vault)), timeout=CONNECT_SECONDS)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return
    try:
        row = await connection.fetchrow("select wrapped, master from data_key where id = $1", LOOKUP)
        if row:
            masters.unwrap(LOOKUP, row["wrapped"], row["master"])
    except UnreadableError:
        raise CannotStartError(
            "the master key does not open the key store: check MASTER_KEY_FILE and VAULT_URL"
        ) from None
    except asyncpg.PostgresError as error:
        raise CannotStartError(f"VAULT_URL is no key store that can be read ({type(error).__name__})") from None
    finally:
        await connection.close()


def _plain(address: URL) -> str:
    return address.set(drivername="postgresql").render_as_string(hide_password=False)


def _seed(settings: Any) -> str | None:
    try:
        seed: str | None = settings.nats_seed
        if seed is not None:
            from_seed(bytearray(seed.encode()))
    except OSError as error:
        raise CannotStartError(f"NATS_SEED_FILE cannot be read: {error.strerror}") from None
    except (NkeysError, ValueError):
        raise CannotStartError("NATS_SEED_FILE holds no NKey seed: `samtid keys` makes one") from None
    return seed


async def _nats(address: str, seed: str | None, service: str) -> None:
    async def quiet(_: Exception) -> None:
        """What matters is raised."""

    try:
        client = await messaging.connect_once(address, seed, service, quiet)
    except (nats.errors.Error, OSError) as error:
        if messaging.is_refused(error):
            raise CannotStartError(f"NATS refuses the key of {service}: check NATS_SEED_FILE and NATS_URL") from None
        log.warning("NATS (NATS_URL) does not answer yet: %s", type(error).__name__)
    else:
        await client.close()
