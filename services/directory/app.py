"""Directory: the register of municipalities, units, centres, advisors, pools, schedules and offerings."""

from fastapi import FastAPI

from directory import api
from directory.settings import Settings
from kit import app
from kit.app import Clock, utc_now

READS = ()


def create_app(settings: Settings, clock: Clock = utc_now) -> FastAPI:
    """The directory service: what it knows comes by `samtid import`, not over HTTP."""
    return app.create("directory", settings, title="Samtid: directory", routers=[api.router], clock=clock)
