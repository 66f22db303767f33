"""Which errors say that PostgreSQL or the key store does not do its part now, and which are faults of ours."""

from traceback import walk_tb

import asyncpg
from sqlalchemy.exc import DBAPIError, InvalidRequestError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from kit.refusal import Refusal
from kit.vault.store import KeysUnavailable

RETRY_AFTER_SECONDS = 5

# What PostgreSQL itself says (https://www.postgresql.org/docs/current/errcodes-appendix.html), by class or whole:
_STATES = (
    "08",  # the connection broke
    "25006",  # it takes no writes: a standby, or a disk that is being saved
    "25P03",  # this transaction was idle for too long: this process was frozen
    "28",  # the password is not, or no longer, the right one
    "3D000",  # the database is not there: it is being restored
    "53",  # disk full, out of memory, too many connections
    "55P03",  # a lock was not to be had in time
    "57014",  # the statement took too long
    "57P",  # starting up, shutting down, ended by an administrator
    "58030",  # the disk fails
)
# Of those, what may as well be the fault of whoever asked.
_TOO_LONG = ("55P03", "57014")
_CLOSED = "connection is closed"
# What asyncpg says where the server's farewell reaches it just before the next statement leaves.
_ENDING = "cannot switch to state"


class Unavailable(Refusal):
    """PostgreSQL does not answer. Says nothing of what was saved: a commit may be done, and its answer lost."""

    status = 503
    code = "unavailable"
    sv = ("Det går inte just nu", "Samtid är tillbaka om en liten stund. Försök igen då.")
    en = ("This is not possible right now", "Samtid will be back in a moment. Try again then.")
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}  # noqa: RUF012 - never changed


class UnavailableForWriting(Unavailable):
    """The same for a request that may have changed something."""

    sv = (
        "Det gick inte just nu",
        "Vi vet inte säkert om det du skickade hann sparas. Vänta en liten stund och se efter innan du skickar igen.",
    )
    en = (
        "That did not work right now",
        "We cannot tell whether what you sent was saved. Wait a moment, and look before you send it again.",
    )


class UnavailableForKey(Unavailable):
    """The same for a request that is done once, however often it is sent."""

    sv = (
        "Det gick inte just nu",
        (
            "Vi vet inte säkert om det hann sparas. Skicka samma begäran igen om en liten stund, med samma "
            "Idempotency-Key: den utförs bara en gång."
        ),
    )
    en = (
        "That did not work right now",
        (
            "We cannot tell whether it was saved. Send the same request again in a moment, with the same "
            "Idempotency-Key: it is done only once."
        ),
    )


def is_outage(error: BaseException) -> bool:
    """Whether the database or the key store is to blame, which may be back in a moment, and no mistake of ours.

    A time-out or an error of the network is the database's only where its driver raised it.
    """
    if isinstance(error, KeysUnavailable | PoolTimeoutError):
        return True
    if isinstance(error, InvalidRequestError):
        return _CLOSED in str(error).lower()
    if isinstance(error, OSError):
        names = (str(frame.f_globals.get("__name__")) for frame, _ in walk_tb(error.__traceback__))
        return any(name.startswith("asyncpg.") for name in names)
    if isinstance(error, SQLAlchemyError):
        return isinstance(error, DBAPIError) and _says_so(error.orig)
    driver_errors = asyncpg.PostgresError | asyncpg.InterfaceError | asyncpg.InternalClientError
    return isinstance(error, driver_errors) and _says_so(error)


def took_too_long(error: BaseException) -> bool:
    """Whether PostgreSQL answers and gave this up, which it may do each time it is asked the same."""
    said = error.orig if isinstance(error, DBAPIError) else error
    return getattr(said, "sqlstate", None) in _TOO_LONG


def _says_so(error: BaseException | None) -> bool:
    """Whether an error of asyncpg's, or what SQLAlchemy made of one, is of those."""
    state = getattr(error, "sqlstate", None) or ""
    return state.startswith(_STATES) or any(text in str(error) for text in (_CLOSED, _ENDING))
