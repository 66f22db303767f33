"""The database roles of a service.

`<service>_owner` owns the database and migrates it. `<service>` serves requests and owns nothing. Beside them are
narrow roles that nobody logs in as: `<service>` takes one for the length of a job's or a handler's transaction, and
inherits nothing from them. Those that every service has are named here, the others in the service's own `roles.py`;
what each may do stands in the migrations.
"""

# The store of families' keys, which belongs to no service: the name of its database and of the role that uses it.
VAULT = "vault"

SCHEMA_V1 = """
alter default privileges revoke execute on functions from public;
revoke all on schema public from public;
"""


def owner(service: str) -> str:
    """Owns the database of a service, and migrates it."""
    return f"{service}_owner"


def relay(service: str) -> str:
    """Publishes what the outbox holds."""
    return f"{service}_relay"


def reader(service: str) -> str:
    """Does what events ask for."""
    return f"{service}_reader"


def limits(service: str) -> str:
    """Shares the counts of requests."""
    return f"{service}_limits"


def schema(*roles: str) -> str:
    """SQL by which these roles, and no others, may enter the schema of a database; what is made there is private."""
    return f"{SCHEMA_V1}grant usage on schema public to {', '.join(roles)};\n"
