"""Lanes: tests that need what a machine may lack (a browser, a container engine)."""

import os
from typing import NoReturn

import pytest


def skip_lane(name: str, reason: str) -> NoReturn:
    """Skip, loudly; or fail where SAMTID_REQUIRE_ALL is set, so that nothing is left out without anybody noticing."""
    said = f"lane {name}: {reason}"
    if os.environ.get("SAMTID_REQUIRE_ALL"):
        pytest.fail(f"{said} (SAMTID_REQUIRE_ALL is set)")
    pytest.skip(said)
