"""What protects something, by area: each guard is taken away by `make guards`, and a test must notice."""

from collections.abc import Mapping
from pathlib import Path

from tests.guards import (
    accounts,
    booking,
    directory,
    figures,
    kit,
    notification,
    outages,
    proofs,
    secrecy,
    shares,
    signing_in,
)
from tests.guards.guard import Guard

ROOT = Path(__file__).parents[2]
AREAS: Mapping[str, tuple[Guard, ...]] = {
    "booking": booking.GUARDS,
    "shares": shares.GUARDS,
    "figures": figures.GUARDS,
    "signing in": signing_in.GUARDS,
    "directory": directory.GUARDS,
    "secrecy": secrecy.GUARDS,
    "proofs": proofs.GUARDS,
    "notification": notification.GUARDS,
    "kit": kit.GUARDS,
    "outages": outages.GUARDS,
    "accounts": accounts.GUARDS,
}
