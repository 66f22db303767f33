"""Sessions: sealed, bound to a purpose and to time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kit.session import COOKIE, Sealer, Sessions

NOW = datetime(2026, 3, 2, 7, tzinfo=UTC)
IDLE, LONGEST = timedelta(minutes=30), timedelta(hours=10)


def made(*secrets: str) -> Sessions:
    return Sessions(Sealer(secrets or ("one secret",)), idle=IDLE, longest=LONGEST)


def sent(cookie: str) -> str:
    """What a browser sends back of a Set-Cookie."""
    return cookie.split(";", maxsplit=1)[0]


def test_a_session_comes_back_as_it_was() -> None:
    sessions = made()
    session = sessions.begin("maria-ek", "loa3", NOW)
    assert sessions.read(sent(sessions.cookie(session)), NOW) == session


def test_the_cookie_is_for_this_host_alone_and_out_of_reach_of_scripts() -> None:
    name, *attributes = made().cookie(made().begin("maria-ek", None, NOW)).split("; ")
    assert name.startswith("__Host-")
    assert set(attributes) == {"Path=/", "Max-Age=36000", "Secure", "HttpOnly", "SameSite=Lax"}
    assert "maria" not in name


@given(idle=st.timedeltas(timedelta(0), timedelta(hours=2)), since=st.timedeltas(timedelta(0), timedelta(hours=12)))
@example(idle=timedelta(minutes=1), since=LONGEST - timedelta(seconds=1))
@example(idle=IDLE, since=timedelta(0))
def test_a_session_lives_within_both_its_limits(idle: timedelta, since: timedelta) -> None:
    sessions = made()
    session = sessions.begin("maria-ek", None, NOW)
    seen = sessions.renewed(session, NOW + since) or session
    at = NOW + since + idle
    live = sessions.read(sent(sessions.cookie(seen)), at) is not None
    assert live == (at - seen.seen < IDLE and at - NOW < LONGEST)


def test_a_session_of_the_future_is_none() -> None:
    sessions = made()
    session = sessions.begin("maria-ek", None, NOW + timedelta(minutes=2))
    assert sessions.read(sent(sessions.cookie(session)), NOW) is None


@pytest.mark.parametrize(
    "cookie", ["", f"{COOKIE}=", f"{COOKIE}=x", f"{COOKIE}=å", "other=1"], ids=["none", "empty", "x", "umlaut", "other"]
)
def test_what_is_not_ours_is_no_session(cookie: str) -> None:
    assert made().read(cookie, NOW) is None


@pytest.mark.parametrize("beside", ['x={"a": 1}', "a b=c d", "[x]=1", "b,c=2", "a@b=1", "naïve=1"])
def test_a_strangers_cookie_ends_no_session(beside: str) -> None:
    """One that a banner or a portal of the same domain set, in words that no RFC knows."""
    sessions = made()
    session = sessions.begin("maria-ek", None, NOW)
    assert sessions.read(f"{beside}; {sent(sessions.cookie(session))}", NOW) == session
    assert sessions.read(beside, NOW) is None


def test_another_key_or_purpose_opens_nothing() -> None:
    session = made().begin("maria-ek", None, NOW)
    assert made("another secret").read(sent(made().cookie(session)), NOW) is None
    other = made().sealer.seal("sign-in", {"id": "x", "person": "maria-ek", "acr": None, "begun": 0, "seen": 0})
    assert made().read(f"{COOKIE}={other}", NOW) is None


@pytest.mark.parametrize(("sealed_for", "opened_for"), [("session", "__Host-x"), ("__Host-x", "session")])
def test_what_is_sealed_for_one_purpose_is_nothing_for_another(sealed_for: str, opened_for: str) -> None:
    sealer = made().sealer
    sealed = sealer.seal(sealed_for, {"who": "maria-ek"})
    assert sealer.open(sealed_for, sealed) == {"who": "maria-ek"}
    assert sealer.open(opened_for, sealed) is None


def test_an_older_secret_still_opens_while_it_is_replaced() -> None:
    session = made("old").begin("maria-ek", None, NOW)
    assert made("new", "old").read(sent(made("old").cookie(session)), NOW) == session


def test_a_form_belongs_to_its_session() -> None:
    sessions = made()
    one, other = (sessions.begin("maria-ek", None, NOW) for _ in range(2))
    assert sessions.is_form_token(one, sessions.form_token(one))
    assert not sessions.is_form_token(other, sessions.form_token(one))
    assert not sessions.is_form_token(one, "å")
