"""`samtid`: everything that a person runs, one command each."""

import argparse
import asyncio
import os
import re
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from deploy import columns
from deploy.services import DATABASES, SERVICES
from kit.roles import VAULT, owner

if TYPE_CHECKING:
    from booking.sharing.comparison import Policy
    from deploy.families import Stores
    from kit.vault.sealing import Masters


LOGINS = tuple(role for database in DATABASES for role in (database, owner(database)))


class UsageError(RuntimeError):
    """Something that the command needs is missing or wrong; the message is one sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 when done, 1 when it could not be done, 2 when it was asked for wrongly."""
    chosen = _parser().parse_args(arguments)
    try:
        status: int = chosen.run(chosen)
        sys.stdout.flush()
    except UsageError as error:
        print(f"samtid {chosen.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if columns.nobody_reads(error):
            columns.give_up_output()
            return 128 + signal.SIGPIPE
        if not _comes_from_outside(error):
            raise
        print(f"samtid {chosen.command}: {_reason(getattr(error, 'orig', None) or error)}.", file=sys.stderr)
        return 1
    return status


def _comes_from_outside(error: Exception) -> bool:
    """Whether a server or a file is to blame, which the person can do something about, and not a mistake of ours."""
    import asyncpg  # noqa: PLC0415 - needed only now, and slow to import
    import nats.errors  # noqa: PLC0415 - as above
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - as above

    from kit.vault.sealing import UnreadableError  # noqa: PLC0415 - as above
    from kit.vault.store import KeysUnavailable  # noqa: PLC0415 - as above

    return isinstance(
        error, KeysUnavailable | UnreadableError | OSError | SQLAlchemyError | asyncpg.PostgresError | nats.errors.Error
    )


def _reason(error: BaseException) -> str:
    """What a server or a file said, in a sentence that says what to look at."""
    import asyncpg  # noqa: PLC0415 - as above
    import nats.errors  # noqa: PLC0415 - as above

    state = getattr(error, "sqlstate", None) or ""
    if isinstance(error, nats.errors.TimeoutError):
        return "NATS does not answer this user: check NATS_URL, and that NATS_SEED_FILE is the operator's"
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError | asyncpg.InvalidCatalogNameError):
        return f"PostgreSQL lets nobody in with this address: check DATABASE_URL ({_first_line(error)})"
    # The second: one whose name has no narrower roles of its own.
    if state in (asyncpg.InsufficientPrivilegeError.sqlstate, asyncpg.InvalidParameterValueError.sqlstate):
        return f"the role in DATABASE_URL may not do this: `--help` names the one that may ({_first_line(error)})"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename} cannot be read: {error.strerror}"
    if isinstance(error, OSError):
        return f"no server answers: check DATABASE_URL, VAULT_URL and NATS_URL ({_first_line(error)})"
    return f"{type(error).__name__}: {_first_line(error)}"


def _add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    demo = commands.add_parser("demo", help="run the whole system on this machine, with demo data")
    demo.add_argument("--port", type=_port, default=8000, help="of the pages and the API (8000; 0 takes a free one)")
    demo.add_argument("--state", type=Path, default=Path(".samtid"), help="folder with all its data (.samtid)")
    demo.add_argument("--fresh", action="store_true", help="begin anew: delete what the state folder holds")
    demo.add_argument(
        "--year", action="store_true", help="with a year of invented families before today, in a new state folder"
    )
    demo.set_defaults(run=_demo)

    reach = commands.add_parser("demo-env", help="print the settings with which other commands reach a running demo")
    reach.add_argument("role", choices=LOGINS, metavar="ROLE", help=f"of a database: {', '.join(LOGINS)}")
    reach.add_argument("--state", type=Path, default=Path(".samtid"), help="its folder (.samtid)")
    reach.set_defaults(run=_demo_env)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="samtid",
        description="Samtid: municipalities share parent advisors. Settings come from environment variables.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    _add_demo(commands)
    serve = commands.add_parser("serve", help="run one service (DATABASE_URL, NATS_URL, NATS_SEED_FILE, …)")
    serve.add_argument("service", choices=SERVICES)
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=_port, default=8000)
    serve.set_defaults(run=_serve)

    migrate = commands.add_parser(
        "migrate", help="bring the database of a service up to date (DATABASE_URL of its owner)"
    )
    migrate.add_argument("service", choices=DATABASES)
    migrate.set_defaults(run=_migrate)

    verify = commands.add_parser(
        "verify-log", help="check that nobody changed the log of reads (DATABASE_URL of booking's owner)"
    )
    verify.add_argument("--head", type=_head, metavar="HASH:ID", help="what an earlier run said, noted elsewhere")
    verify.set_defaults(run=_verify_log)

    load = commands.add_parser("import", help="take files into the directory, all or nothing (DATABASE_URL)")
    load.add_argument("files", nargs="+", type=Path, metavar="FILE")
    load.add_argument("--reason", metavar="TEXT", help="why, as it is to stand in the register's history")
    load.add_argument("--only-empty", action="store_true", help="leave a register alone that has anything in it")
    load.set_defaults(run=_import)

    export = commands.add_parser("export", help="print the directory as a file that can be imported (DATABASE_URL)")
    export.set_defaults(run=_export)

    trace = commands.add_parser("trace", help="show how a booking went through the services (of a running demo)")
    trace.add_argument("reference", help="the booking's reference, as its confirmation says")
    trace.add_argument("--url", default="http://127.0.0.1:8000", help="the demo's address (http://127.0.0.1:8000)")
    trace.set_defaults(run=_trace)

    why = commands.add_parser("why", help="what happened to one booking, and to its messages (DATABASE_URL of booking)")
    why.add_argument("reference", help="the booking's reference, as its confirmation says")
    why.set_defaults(run=_why)

    catcher = commands.add_parser("catcher", help="take mail and SMS instead of sending them, and show them")
    catcher.add_argument("--host", default="127.0.0.1")
    catcher.add_argument("--port", type=_port, default=8025, help="of its page and of the SMS API (8025)")
    catcher.add_argument("--smtp-port", type=_port, default=2525)
    catcher.set_defaults(run=_catcher)

    keys = commands.add_parser("keys", help="make the keys and passwords that an installation lacks")
    keys.add_argument("folder", type=Path)
    keys.add_argument("--owner", type=int, help="user id that the services run as")
    keys.set_defaults(run=_keys)

    databases = commands.add_parser("databases", help="make the roles and a database for each service")
    databases.add_argument("folder", type=Path, help="what `samtid keys` filled")
    databases.add_argument("--host", default="127.0.0.1")
    databases.add_argument("--port", type=_port, default=5432)
    databases.add_argument(
        "--only", choices=("services", VAULT), help="where families' keys have a server of their own"
    )
    databases.set_defaults(run=_databases)

    for add in (_add_streams, _add_messages, _add_simulate, _add_families, _add_figures):
        add(commands)
    return parser


def _add_streams(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    provision = commands.add_parser("provision", help="make or update streams and consumers (NATS_URL, NATS_SEED_FILE)")
    provision.set_defaults(run=_provision)

    republish = commands.add_parser(
        "republish", help="publish again what a service's database keeps, after JetStream lost it (DATABASE_URL)"
    )
    republish.set_defaults(run=_republish)

    resync = commands.add_parser(
        "resync", help="have readers take the whole register anew, whatever they know (DATABASE_URL of directory)"
    )
    resync.set_defaults(run=_resync)

    dead = commands.add_parser("dead", help="events that a reader gave up (NATS_URL, NATS_SEED_FILE of the operator)")
    dead.set_defaults(run=_dead)
    deeds = dead.add_subparsers(dest="deed", required=True, metavar="COMMAND")
    listed = deeds.add_parser("list", help="number, when, reader, type and id of each, and why")
    listed.add_argument("--reader", help="those of one reader")
    shown = deeds.add_parser("show", help="all that is known of one")
    shown.add_argument("numbers", type=int, nargs=1, metavar="NUMBER")
    shown.add_argument("--payload", action="store_true", help="with the event itself")
    for deed, told in (
        ("retry", "publish events again, and forget that they were given up"),
        ("drop", "forget events that were given up"),
    ):
        made = deeds.add_parser(deed, help=told)
        which = made.add_mutually_exclusive_group(required=True)
        which.add_argument("numbers", type=int, nargs="*", default=[], metavar="NUMBER")
        which.add_argument("--reader", help="all of one reader")
        which.add_argument("--all", action="store_true")


def _add_messages(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    messages = commands.add_parser("messages", help="messages that reached no family (DATABASE_URL of notification)")
    messages.set_defaults(run=_messages)
    deeds = messages.add_subparsers(dest="deed", required=True, metavar="COMMAND")
    listed = deeds.add_parser("list", help="message, booking, kind, way, when it was due, tries, and why")
    resent = deeds.add_parser("resend", help="send them again, now that the reason is mended")
    which = resent.add_mutually_exclusive_group(required=True)
    which.add_argument("messages", type=UUID, nargs="*", default=[], metavar="MESSAGE")
    which.add_argument("--all", action="store_true")
    for several in (listed, which):
        several.add_argument("--booking", type=UUID, nargs=1, help="those of one booking")
        several.add_argument("--code", nargs=1, help="those that failed for one reason, such as smtp_530")


def _add_simulate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    simulate = commands.add_parser("simulate", help="live through a year of an agreement under several policies")
    what = simulate.add_mutually_exclusive_group(required=True)
    what.add_argument("--scenario", type=Path, metavar="FILE", help="YAML, as in deploy/demo/README.md")
    what.add_argument("--pool", help="an agreement of the register, with an even guess of who asks")
    simulate.add_argument(
        "--register", type=Path, nargs="+", metavar="FILE", help="where --pool is, such as an export (the demo's)"
    )
    simulate.add_argument(
        "--policies",
        type=_policy,
        nargs="+",
        metavar="POLICY",
        help="first-come, hard-quota, release-DAYS; each with -carry-PERCENT if wanted",
    )
    simulate.add_argument("--seeds", type=int, nargs="+", default=[1], metavar="NUMBER", help="a year for each (1)")
    simulate.add_argument("--recommend", action="store_true", help="say which to choose among, and what each costs")
    simulate.add_argument("--picture", type=Path, metavar="FILE", help="write a chart of the waits as SVG")
    simulate.add_argument("--json", action="store_true", help="print figures for a program")
    simulate.set_defaults(run=_simulate)


def _add_families(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    retention = commands.add_parser(
        "retention",
        help="erase whose time has come, and who asked before a backup was read back"
        " (DATABASE_URL of booking, VAULT_URL, NATS_URL)",
    )
    retention.add_argument("--dry-run", action="store_true", help="say which they are, and change nothing")
    retention.set_defaults(run=_retention)

    erase = commands.add_parser("erase", help="erase one family, because it asked (DATABASE_URL of booking, VAULT_URL)")
    erase.add_argument("family", type=UUID)
    erase.set_defaults(run=_erase)

    rotate = commands.add_parser(
        "rotate-master-key", help="wrap all families' keys with the first master key (VAULT_URL, MASTER_KEY_FILE)"
    )
    rotate.set_defaults(run=_rotate)


def _add_figures(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    figures = commands.add_parser("figures", help="what figures are made of (DATABASE_URL of booking)")
    deeds = figures.add_subparsers(dest="deed", required=True, metavar="COMMAND")
    rebuild = deeds.add_parser("rebuild", help="build all figures anew from the facts; bookings go on meanwhile")
    rebuild.set_defaults(run=_rebuild_figures)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:  # noqa: PLR2004 - the last port there is
        raise argparse.ArgumentTypeError(f"{text} is not a port: say a number from 0 to 65535")
    return int(text)


def _policy(name: str) -> "Policy":
    from booking.sharing.comparison import Policy  # noqa: PLC0415 - see below

    try:
        return Policy.parse(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{name} is no policy: say first-come, hard-quota or release-0 to release-28, "
            "with -carry-1 to -carry-100 after it if wanted"
        ) from error


def _head(text: str) -> tuple[str, int]:
    found = re.fullmatch(r"([0-9a-f]{64}):([0-9]{1,18})", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text} is no head: give what `samtid verify-log` said, HASH:ID")
    return found[1], int(found[2])


def _setting(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise UsageError(f"{name} is not set.")
    return value


def _broker() -> tuple[str, str | None]:
    """NATS's address, and the seed of whoever asks it where it wants one."""
    url, seed_file = _setting("NATS_URL"), os.environ.get("NATS_SEED_FILE")
    try:
        return url, Path(seed_file).read_text().strip() if seed_file else None
    except OSError as error:
        raise UsageError(f"NATS_SEED_FILE cannot be read: {error.strerror}.") from error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or ["no reason given"])[0]


# Each command imports what it needs when it runs: `samtid --help` answers at once, and a demo has time to do without.


def _demo(chosen: argparse.Namespace) -> int:
    began = time.monotonic()
    print("Samtid is starting …", flush=True)
    from deploy import demo  # noqa: PLC0415 - see above

    return demo.main(chosen.port, chosen.state, fresh=chosen.fresh, year=chosen.year, began=began)


def _demo_env(chosen: argparse.Namespace) -> int:
    from deploy import demo  # noqa: PLC0415 - see above

    try:
        settings = demo.environment(chosen.state, chosen.role)
    except demo.DemoError as error:
        raise UsageError(str(error)) from error
    print("export", *(f"{name}={shlex.quote(value)}" for name, value in settings.items()))
    return 0


def _serve(chosen: argparse.Namespace) -> int:
    from kit.__main__ import main as kit  # noqa: PLC0415 - see above

    return kit(["serve", chosen.service, "--host", chosen.host, "--port", str(chosen.port)])


def _migrate(chosen: argparse.Namespace) -> int:
    from kit.__main__ import main as kit  # noqa: PLC0415 - see above

    return kit(["migrate", chosen.service])


def _provision(_: argparse.Namespace) -> int:
    from deploy import installation  # noqa: PLC0415 - see above

    try:
        asyncio.run(installation.provision(*_broker()))
    except installation.InstallationError as error:
        raise UsageError(f"{error}.") from error
    return 0


def _resync(_: argparse.Namespace) -> int:
    from directory import epochs, tables  # noqa: PLC0415 - see above
    from kit import database  # noqa: PLC0415 - see above
    from kit.app import utc_now  # noqa: PLC0415 - see above

    async def resync(database_url: str) -> int:
        async with database.opened(database_url) as engine, engine.begin() as connection:
            await tables.lock(connection)
            return await epochs.begin(connection, utc_now())

    count = asyncio.run(resync(_setting("DATABASE_URL")))
    print(f"A new epoch of the register begins: {count} entities are told anew by the running service.")
    return 0


def _dead(chosen: argparse.Namespace) -> int:
    from deploy import dead, installation  # noqa: PLC0415 - see above

    try:
        return asyncio.run(dead.main(chosen, *_broker()))
    except installation.InstallationError as error:
        raise UsageError(f"{error}.") from error


def _messages(chosen: argparse.Namespace) -> int:
    from deploy import messages  # noqa: PLC0415 - see above

    return messages.main(chosen, _setting("DATABASE_URL"))


def _republish(_: argparse.Namespace) -> int:
    from kit import database, outbox  # noqa: PLC0415 - see above

    async def republish(database_url: str) -> int:
        async with database.opened(database_url) as engine:
            return await outbox.republish_all(engine, engine.url.username or "")

    count = asyncio.run(republish(_setting("DATABASE_URL")))
    print(f"{count} events will be published again by the running service.")
    return 0


def _verify_log(chosen: argparse.Namespace) -> int:
    from booking.reviews import service  # noqa: PLC0415 - see above
    from booking.reviews.rules import Broken, Head  # noqa: PLC0415 - see above
    from kit import database  # noqa: PLC0415 - see above

    async def verify(database_url: str) -> Head:
        noted = Head(chosen.head[1], bytes.fromhex(chosen.head[0])) if chosen.head else None
        async with (
            database.opened(database_url) as engine,
            database.driver(engine) as connection,
            # One state of the log, however many rows are added meanwhile.
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            return await service.verify(connection, noted)

    try:
        head = asyncio.run(verify(_setting("DATABASE_URL")))
    except Broken as broken:
        print(f"samtid verify-log: the log of reads was tampered with. First fault: {broken}.", file=sys.stderr)
        return 1
    print(f"{head.id} reads, each where it was written. Head: {head.hash.hex()}:{head.id}")
    return 0


def _import(chosen: argparse.Namespace) -> int:
    from directory import importing  # noqa: PLC0415 - see above

    for file in chosen.files:
        if not file.is_file():
            raise UsageError(f"there is no file {file}.")
    database_url = _setting("DATABASE_URL")
    return asyncio.run(importing.main(chosen.files, database_url, chosen.reason, only_empty=chosen.only_empty))


def _export(_: argparse.Namespace) -> int:
    from directory import exporting  # noqa: PLC0415 - see above

    asyncio.run(exporting.main(_setting("DATABASE_URL")))
    return 0


def _trace(chosen: argparse.Namespace) -> int:
    import httpx  # noqa: PLC0415 - see above

    from deploy.traces import Span, as_text  # noqa: PLC0415 - see above

    address = f"{chosen.url.rstrip('/')}/demo/traces.json"
    try:
        answer = httpx.get(address, params={"reference": chosen.reference}, timeout=10, trust_env=False)
        traces = answer.raise_for_status().json()["traces"]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError) as error:
        raise UsageError(f"no demo answers at {chosen.url}: start one with `samtid demo`, or say --url.") from error
    if not traces:
        print(f"samtid trace: no trace of a booking {chosen.reference} is kept.", file=sys.stderr)
        return 1
    columns = shutil.get_terminal_size((120, 40)).columns
    print("\n\n".join(as_text([Span(**span) for span in trace], columns) for trace in traces))
    return 0


def _why(chosen: argparse.Namespace) -> int:
    from deploy import why  # noqa: PLC0415 - see above

    try:
        wanted = why.reference(chosen.reference)
    except ValueError as error:
        raise UsageError(
            f"{chosen.reference} is no reference: it has eight digits and letters, none of them 0, 1, I, L, O or U."
        ) from error
    return why.main(wanted, _setting("DATABASE_URL"))


def _simulate(chosen: argparse.Namespace) -> int:
    from booking.sharing.comparison import POLICIES  # noqa: PLC0415 - see above
    from deploy import simulate  # noqa: PLC0415 - see above
    from deploy.scenarios import ScenarioError  # noqa: PLC0415 - see above

    if chosen.register and not chosen.pool:
        raise UsageError("--register is for --pool.")
    chosen.policies = list(dict.fromkeys(chosen.policies or POLICIES))
    try:
        return simulate.main(chosen)
    except ScenarioError as error:
        print(error, file=sys.stderr)
        print("samtid simulate: nothing was simulated.", file=sys.stderr)
        return 1


def _catcher(chosen: argparse.Namespace) -> int:
    from deploy import catcher  # noqa: PLC0415 - see above

    return catcher.serve(chosen.host, chosen.port, chosen.smtp_port)


def _keys(chosen: argparse.Namespace) -> int:
    from deploy import installation  # noqa: PLC0415 - see above

    installation.make_keys(chosen.folder, chosen.owner)
    return 0


def _databases(chosen: argparse.Namespace) -> int:
    from deploy import installation  # noqa: PLC0415 - see above

    try:
        databases = {None: DATABASES, "services": SERVICES, VAULT: (VAULT,)}[chosen.only]
        secrets = installation.passwords(chosen.folder, databases)
        asyncio.run(installation.make_databases(chosen.host, chosen.port, secrets, databases))
    except installation.InstallationError as error:
        raise UsageError(f"{error}.") from error
    return 0


def _masters() -> "Masters":
    from kit.vault.sealing import Masters  # noqa: PLC0415 - see above

    try:
        return Masters(Path(_setting("MASTER_KEY_FILE")).read_text().split())
    except ValueError as error:
        raise UsageError(f"{error}.") from error


def _stores() -> "Stores":
    from deploy.families import Stores  # noqa: PLC0415 - see above

    return Stores(_setting("DATABASE_URL"), _setting("VAULT_URL"), _masters())


def _retention(chosen: argparse.Namespace) -> int:
    from deploy import families, installation  # noqa: PLC0415 - see above
    from kit.app import utc_now  # noqa: PLC0415 - see above

    stores = _stores()
    try:
        report = asyncio.run(families.retention(stores, _broker(), utc_now(), dry_run=chosen.dry_run))
    except installation.InstallationError as error:
        raise UsageError(f"Nothing was erased, for NATS knows who asked to be: {error}.") from error
    done = "would be erased" if chosen.dry_run else "erased"
    for rule, ids in report.families.items():
        print(f"{len(ids)} {done} by the rule {rule}:", *ids, sep="\n  ")
    if not report.families:
        print("No family's time has come.")
    return 0


def _erase(chosen: argparse.Namespace) -> int:
    from booking.families.rules import StillBooked  # noqa: PLC0415 - see above
    from deploy import families  # noqa: PLC0415 - see above
    from kit.refusal import NotFound  # noqa: PLC0415 - see above

    try:
        asyncio.run(families.erase(_stores(), chosen.family))
    except (NotFound, StillBooked) as refusal:
        raise UsageError(". ".join(refusal.text("en"))) from refusal
    print(f"The family {chosen.family} is erased.")
    return 0


def _rotate(_: argparse.Namespace) -> int:
    from deploy import families  # noqa: PLC0415 - see above

    count = asyncio.run(families.rotate(_setting("VAULT_URL"), _masters()))
    print(f"{count} keys were wrapped anew: the first master key is the only one in use.")
    return 0


def _rebuild_figures(_: argparse.Namespace) -> int:
    from booking.figures import service  # noqa: PLC0415 - see above
    from kit import database  # noqa: PLC0415 - see above
    from kit.app import utc_now  # noqa: PLC0415 - see above

    async def rebuild(database_url: str) -> int:
        async with database.opened(database_url) as engine:
            return await service.rebuild(engine, utc_now(), lambda done: print(f"{done} facts …", file=sys.stderr))

    count = asyncio.run(rebuild(_setting("DATABASE_URL")))
    print(f"The figures are built anew from {count} facts.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
