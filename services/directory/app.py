"""Directory: the register of municipalities, units, centres, advisors, pools, schedules, offerings and staff."""

from fastapi import FastAPI

from directory import (
    api,
    attention,
    epochs,
    file_pages,
    own_time,
    proposal_api,
    proposal_pages,
    register_pages,
    signin,
    tables,
)
from directory.settings import Settings
from kit import app
from kit.app import Clock, utc_now
from kit.limits import Limits
from kit.web import pages, static

READS = attention.READS


def create_app(settings: Settings, clock: Clock = utc_now) -> FastAPI:
    """The directory service."""
    # What has an address of its own comes before the register's `/katalog/{slug}/{entity_id}`.
    of_register = [file_pages.router, proposal_pages.router, own_time.router, register_pages.router]
    routers = [api.router, proposal_api.router, signin.router, *of_register, static.router]
    if signin.chooses(settings):
        routers.append(signin.demo_router)
    made = app.create(
        "directory",
        settings,
        title="Samtid: directory",
        routers=routers,
        inbox=tables.inbox_table,
        reads=READS,
        limits=Limits("directory", {"reads": settings.reads_per_minute, "writes": settings.writes_per_minute}),
        people=tables.find_staff,
        provider=settings.provider(clock, client_secret=settings.oidc_client_secret, scope=settings.oidc_scope),
        jobs=(epochs.keep_epoch,),
        clock=clock,
    )
    pages.install(made, signin.PAGES)
    return made
