"""The four services, as everything about running them knows them: what each one reads, answers and asks."""

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from kit.roles import VAULT

if TYPE_CHECKING:
    from kit.messaging import Reads

SERVICES = ("directory", "booking", "consent", "notification")
# Those whose pages staff sign in to.
STAFFED = ("directory", "booking")
# Those that have a database: the services, and the store of families' keys, which is a server's own in real use.
DATABASES = (*SERVICES, VAULT)


def app(service: str) -> Any:
    """The module that declares the service and makes its application."""
    return import_module(f"{service}.app")


def roles(service: str) -> tuple[str, ...]:
    """The narrow database roles that the service may take, however it logs in."""
    return tuple(dict.fromkeys(role for taken in logins(service).values() for role in taken))


def logins(service: str) -> dict[str, tuple[str, ...]]:
    """The database roles that the service logs in as, its own first, and the narrow ones that each may take."""
    if service == VAULT:
        return {VAULT: ()}
    declared = import_module(f"{service}.roles")
    return {service: tuple(declared.NARROW), **getattr(declared, "LOGINS", {})}


def definers(service: str) -> tuple[str, ...]:
    """The database roles that own functions which the service may call, and that it may not take."""
    return () if service == VAULT else tuple(getattr(import_module(f"{service}.roles"), "DEFINERS", ()))


def reads(service: str) -> "tuple[Reads, ...]":
    """What the service reads from the streams."""
    return tuple(getattr(app(service), "READS", ()))


def answers(service: str) -> Iterable[str]:
    """The subjects of the questions that the service answers."""
    return tuple(getattr(app(service), "ANSWERS", {}))


def asks(service: str) -> tuple[str, ...]:
    """The subjects of the questions that the service asks."""
    return tuple(getattr(app(service), "ASKS", ()))


def all_reads() -> "list[Reads]":
    """What all services read: the consumers to provision."""
    return [read for service in SERVICES for read in reads(service)]
