"""Directory: the register of municipalities, units, centres, advisors, pools, schedules and offerings."""

from fastapi import FastAPI

from directory import api
from directory.settings import Settings
from kit import app
from kit.app import Clock, utc_now
from kit.limits import Limits

READS = ()


def create_app(settings: Settings, clock: Clock = utc_now) -> FastAPI:
    """The directory service: what it knows comes by `samtid import`, not over HTTP."""
    limits = Limits({"reads": settings.reads_per_minute, "writes": settings.writes_per_minute})
    return app.create(
        "directory", settings, title="Samtid: directory", routers=[api.router], limits=limits, clock=clock
    )
