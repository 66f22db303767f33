"""Notification: tells families about their bookings, by e-mail or SMS, and owns nothing that says who they are."""

import asyncio

from fastapi import FastAPI

from kit import app
from kit.app import Clock, Runtime, utc_now
from notification import contact, delivery, tables
from notification.handlers import READS
from notification.settings import Settings

__all__ = ["ASKS", "READS", "create_app"]

ASKS = (contact.SUBJECT, contact.CODE_SUBJECT)


def create_app(settings: Settings, clock: Clock = utc_now) -> FastAPI:
    """The notification service."""
    wake = asyncio.Event()

    async def deliver(runtime: Runtime) -> None:
        await delivery.run(runtime, wake)

    return app.create(
        "notification",
        settings,
        title="Samtid: notification",
        inbox=tables.inbox,
        reads=READS,
        jobs=(deliver,),
        measures=(delivery.messages,),
        handled=wake.set,
        clock=clock,
    )
