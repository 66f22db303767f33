from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from kit.app import utc_now
from kit.oidc import Provider
from tests.oidc import provider
from tests.oidc.provider import API, SECRET, OpenId


@pytest.fixture(scope="session")
def _openid(folder: Path) -> Iterator[OpenId]:
    with provider.openid(provider.new_keys("first"), folder / "openid.log") as running:
        yield running


@pytest.fixture
def openid(_openid: OpenId) -> Iterator[OpenId]:
    """The real provider, with its first keys and nobody's hand in what it says."""
    first = list(_openid.keys)
    yield _openid
    _openid.change = None
    if _openid.keys != first:
        _openid.rotate(first)


class Ahead:
    """Our clock: the provider's, which is the machine's, and as far ahead of it as a test says."""

    def __init__(self) -> None:
        self.by = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.by


@pytest.fixture
def ahead() -> Ahead:
    return Ahead()


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    """A person's browser, which keeps the provider's cookies."""
    async with httpx.AsyncClient(trust_env=False) as made:
        yield made


def samtid(openid: OpenId, ahead: Ahead, **settings: Any) -> Provider:
    """Us, as a client of the provider."""
    known = {"client_id": "samtid", "client_secret": SECRET, "audience": API}
    return Provider(issuer=openid.issuer, clock=ahead, **{**known, **settings})
