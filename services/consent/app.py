"""Consent: requests, signatures and withdrawals. For now it only says that it is alive."""

from fastapi import FastAPI

from consent.settings import Settings
from kit import app
from kit.app import Clock, utc_now


def create_app(settings: Settings, clock: Clock = utc_now) -> FastAPI:
    """The consent service."""
    return app.create("consent", settings, title="Samtid: consent", clock=clock)
