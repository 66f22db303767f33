"""`python -m kit serve|migrate SERVICE`: run one service with nothing but `kit` and that service.

`migrate vault` is for the key store, which belongs to no service.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import uvicorn
from pydantic import ValidationError

from kit import migrations, startup, telemetry
from kit.server import config


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 on a normal end, 2 where settings are missing or wrong."""
    parser = argparse.ArgumentParser(prog="python -m kit", description=__doc__)
    parser.add_argument("what", choices=("serve", "migrate"))
    parser.add_argument("service")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    chosen = parser.parse_args(arguments)
    if chosen.what == "migrate":
        return migrate(chosen.service)
    try:
        settings = load_settings(chosen.service)
    except ValidationError as error:
        print(f"{chosen.service} cannot start: check {_wrong(error)}", file=sys.stderr)
        return 2
    return serve(chosen.service, settings, host=chosen.host, port=chosen.port)


def _wrong(error: ValidationError) -> str:
    """`A, B (not set); C (what is wrong with it)`: the settings by what is wrong with them, without their values."""
    by_reason: dict[str, list[str]] = {}
    for each in error.errors():
        reason = "not set" if each["type"] == "missing" else each["msg"].removeprefix("Value error, ")
        by_reason.setdefault(reason, []).append(str(each["loc"][0]).upper() if each["loc"] else "its settings")
    return "; ".join(f"{', '.join(sorted(names))} ({reason})" for reason, names in by_reason.items())


def migrate(service: str) -> int:
    """Migrate the database of a service; needs no other setting than DATABASE_URL."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        print(f"{service} cannot be migrated: DATABASE_URL is not set", file=sys.stderr)
        return 2
    try:
        startup.run(startup.database("DATABASE_URL", url))
    except startup.CannotStartError as error:
        print(f"{service} cannot be migrated: {error}", file=sys.stderr)
        return 1
    migrations.upgrade(service, url)
    return 0


def load_settings(service: str) -> Any:
    """The settings of a service, from the environment. Raises ValidationError."""
    return importlib.import_module(f"{service}.settings").Settings()


def serve(service: str, settings: Any, *, host: str, port: int) -> int:
    """Serve one service until SIGTERM or SIGINT; requests under way are finished. Exit status 1 where it cannot."""
    telemetry.start_logging()
    try:
        startup.run(startup.check(service, settings))
    except startup.CannotStartError as error:
        print(f"{service} cannot start: {error}", file=sys.stderr)
        return 1
    provider = telemetry.start(service)
    app = importlib.import_module(f"{service}.app").create_app(settings)
    server = uvicorn.Server(
        config(app, host=host, port=port, forwarded_allow_ips=settings.trusted_proxies, timeout_graceful_shutdown=10)
    )
    server.run()
    provider.shutdown()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
