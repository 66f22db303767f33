"""A walk through the catalogue of every service's database: what can name a family is guarded by the database itself.

Whoever adds a table either gives it policies or writes here why it can name no family.
"""

from importlib import import_module
from typing import Any

import asyncpg
import pytest

from deploy import services
from kit import roles
from tests.conftest import AsRole, Databases

OUTBOX = "events carry ids, and tests/privacy holds them to it"
INBOX = "ids of events"
COUNTS = "keyed hashes of addresses, for a minute"
ALEMBIC = "the number of the last migration"

# Tables that cannot name a family, and why. Everything else has policies.
HARMLESS = {
    "directory": {
        "alembic_version": ALEMBIC,
        "attention": "ids of bookings, and of units that have to attend to them",
        "change": "who changed what in the register",
        "epoch": "since when this database is the register",
        "entity": "the register: municipalities, advisors, offerings and staff",
        "inbox": INBOX,
        "outbox": OUTBOX,
        "proposal": "a change of the register that waits for others' yes",
        "proposal_answer": "who said yes or no to it",
        "told": "to which units a change is shown",
        "request_count": COUNTS,
        "request_key": COUNTS,
    },
    "booking": {
        "alembic_version": ALEMBIC,
        "advisor_day": "an advisor's open and free time",
        "busy": "when an advisor is not free, without whom for: seen by all who share the advisor",
        "directory_copy": "the register",
        "code_count": "how many codes went to the numbers of a country on a day",
        "directory_epoch": "since when the register is what it is",
        "entitlement": "minutes of municipalities",
        "figure_availability": "days until time is free",
        "figure_booking": "ids of bookings, and when and how they were met, for counts alone",
        "figure_fact": "the same, as events said it",
        "figure_quarter": "counts of a quarter",
        "figure_search": "counts of searches",
        "inbox": INBOX,
        "ledger": "minutes of municipalities, by ids of bookings that those who serve cannot read",
        "measured_day": "days",
        "open_block": "an advisor's open time",
        "outbox": OUTBOX,
        "reach": "which advisors a municipality may book",
        "read_log_head": "the last hash of the log of reads",
        "request_count": COUNTS,
        "request_key": COUNTS,
    },
    "consent": {"alembic_version": ALEMBIC, "outbox": OUTBOX},
    "notification": {
        "alembic_version": ALEMBIC,
        "attempt": "ids of messages",
        "booking": "ids of bookings and their versions",
        "code": "ids of proofs, and the way that each code goes; the code and to whom are asked for and never kept",
        "inbox": INBOX,
        "message": "ids of bookings, and when to tell of them; whom to tell is asked for and never kept",
        "outbox": OUTBOX,
    },
    roles.VAULT: {
        "alembic_version": ALEMBIC,
        "data_key": "keys, wrapped, in a database where nothing is that they open",
    },
}
# Tables that can name a family, and who beside the owner may select of them at all; what they find, policies say.
GUARDED = {
    "booking": {
        "attention": {"booking", "booking_messages", "booking_sweep", "booking_history"},
        "booking": {
            *("booking", "booking_sweep", "booking_answer", "booking_review", "booking_retention", "booking_messages"),
            *("booking_history", "booking_ahead", "booking_log", "booking_proof", "booking_proved", "booking_public"),
        },
        "booking_change": {"booking", "booking_public", "booking_messages", "booking_history", "booking_ahead"},
        "calendar_feed": {"booking"},
        "erasure": {"booking_retention"},
        "family": {
            *("booking", "booking_public", "booking_answer", "booking_retention", "booking_ahead", "booking_log"),
            *("booking_proof", "booking_proved"),
        },
        "family_access": {"booking", "booking_retention", "booking_log"},
        "idempotency": {"booking", "booking_public", "booking_sweep"},
        "message": {"booking", "booking_messages", "booking_sweep", "booking_history"},
        "proof": {"booking_proof", "booking_answer", "booking_proved", "booking_retention"},
        "read_log": {"booking_public", "booking_review", "booking_history"},
        "review": {"booking_review"},
    }
}
# Functions that run with the rights of their owner, and what for.
DEFINERS = {
    "booking": {
        ("log_read", "booking_log"): "writes the log of reads, which nobody else may",
        ("is_new", "booking_ahead"): "says whether there is a family with an id, as a foreign key does",
        ("may_book", "booking_ahead"): "says whether a contact has too many bookings to come, and nothing else of them",
        ("under_pressure", "booking_ahead"): "says whether an offering is booked unusually fast, and not by whom",
    }
}
# Policies that show a whole table, and to whom. Owners only: they could give themselves as much.
WHOLE = {("read_log", "booking_owner")}


async def ask(url: str, query: str, *values: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        found: list[asyncpg.Record] = await connection.fetch(query, *values)
        return found
    finally:
        await connection.close()


@pytest.fixture(params=services.DATABASES)
async def catalogue(request: pytest.FixtureRequest, new_database: Databases, as_role: AsRole) -> tuple[str, str]:
    """The name of a service and the superuser's URL of its database."""
    return request.param, as_role(await new_database(request.param))


async def test_a_table_has_policies_or_a_reason_to_need_none(catalogue: tuple[str, str]) -> None:
    service, url = catalogue
    tables = await ask(
        url,
        "select relname, relrowsecurity and relforcerowsecurity as guarded,"
        " exists (select from pg_policy where polrelid = c.oid) as has_policy"
        " from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'm', 'v', 'f')",
    )
    guarded = {t["relname"] for t in tables if t["guarded"] and t["has_policy"]}
    assert {t["relname"] for t in tables} - guarded == HARMLESS[service].keys()
    assert guarded == GUARDED.get(service, {}).keys()


async def test_no_policy_shows_everything(catalogue: tuple[str, str]) -> None:
    """A policy without a condition, for everybody, or that asks the row for nothing, is none."""
    service, url = catalogue
    found = await ask(
        url,
        "select tablename, roles, qual from pg_policies"
        " where roles = '{public}' or $1 = any(roles) or (cmd <> 'INSERT' and qual !~ '=|<')",
        roles.owner(service),
    )
    assert {(f["tablename"], *f["roles"]) for f in found} == (WHOLE if service == "booking" else set())


async def test_what_serves_owns_nothing_and_is_bound_by_the_policies(catalogue: tuple[str, str]) -> None:
    service, url = catalogue
    owner = roles.owner(service)
    narrow = set(services.roles(service)) if service in services.SERVICES else set()
    definers = set(services.definers(service)) if service in services.SERVICES else set()
    logins = services.logins(service)
    every = {*logins, owner, *narrow, *definers}
    mine = await ask(url, "select * from pg_roles where rolname = any($1)", list(every))
    assert {r["rolname"] for r in mine} == every
    may = ("rolsuper", "rolinherit", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls")
    assert [(r["rolname"], name) for r in mine for name in may if r[name]] == []
    assert {r["rolname"] for r in mine if r["rolcanlogin"]} == {*logins, owner}
    members = await ask(
        url,
        "select r.rolname as role, m.rolname as member, inherit_option, set_option, admin_option from pg_auth_members"
        " join pg_roles r on r.oid = roleid join pg_roles m on m.oid = member"
        " where m.rolname = any($1) or r.rolname = any($1)",
        list(every),
    )
    taken = {(role, login) for login, narrow in logins.items() for role in narrow}
    taken |= {(role, owner) for role in definers}
    assert {tuple(m) for m in members} == {(*pair, False, True, False) for pair in taken}
    owned = await ask(
        url,
        "select classid::regclass, objid from pg_shdepend where deptype = 'o' and refobjid = any("
        "select oid from pg_roles where rolname = any($1))",
        [*logins, *narrow],
    )
    assert owned == []


async def test_nothing_is_granted_to_everybody(catalogue: tuple[str, str]) -> None:
    """What an extension brings computes, and reads nothing."""
    _, url = catalogue
    found = await ask(
        url,
        """
        select relname as what from pg_class, aclexplode(relacl) a
        where relnamespace = 'public'::regnamespace and a.grantee = 0
        union all select nspname from pg_namespace, aclexplode(nspacl) a where nspname = 'public' and a.grantee = 0
        union all select proname from pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) a
        where pronamespace = 'public'::regnamespace and a.grantee = 0
          and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
        """,
    )
    assert found == []


async def test_no_function_lends_its_makers_rights(catalogue: tuple[str, str]) -> None:
    service, url = catalogue
    found = await ask(
        url,
        "select proname, pg_get_userbyid(proowner) as owner, proconfig from pg_proc"
        " where prosecdef and pronamespace = 'public'::regnamespace",
    )
    assert {(f["proname"], f["owner"]) for f in found} == DEFINERS.get(service, {}).keys()
    # Without a path of their own they would call whatever a caller puts in the way.
    assert all("search_path=pg_catalog, pg_temp" in (f["proconfig"] or ()) for f in found)


async def test_of_what_is_guarded_few_may_read_anything_at_all(catalogue: tuple[str, str]) -> None:
    service, url = catalogue
    found = await ask(
        url,
        "select distinct table_name, grantee from information_schema.column_privileges"
        " where table_schema = 'public' and table_name = any($1) and privilege_type = 'SELECT'"
        " and grantee not in ($2, 'postgres')",
        list(GUARDED.get(service, {})),
        roles.owner(service),
    )
    expected = {(table, role) for table, readers in GUARDED.get(service, {}).items() for role in readers}
    assert {tuple(row) for row in found} == expected


def test_every_service_says_its_roles_once() -> None:
    for service in services.SERVICES:
        named = import_module(f"{service}.roles").NARROW
        assert len(set(named)) == len(named)
        assert all(role.startswith(f"{service}_") for role in named)
