"""Signing in, for tests: a member of staff in the register, and the cookie of a session of theirs."""

from typing import Any

from kit.session import COOKIE
from tests.conftest import Running


def session_of(running: Running, person: str, **headers: str) -> dict[str, str]:
    """The headers of a request in a new session of this member of staff, as signing in at directory gives one."""
    sessions = running.runtime.sessions
    session = sessions.begin(person, None, running.runtime.clock())
    cookie = sessions.cookie(session).split(";")[0]
    assert cookie.startswith(COOKIE)
    return {"Cookie": cookie, **headers}


def form_token(running: Running, headers: dict[str, str]) -> str:
    """What a form of this session carries as `_csrf`."""
    sessions = running.runtime.sessions
    session = sessions.read(headers["Cookie"], running.runtime.clock())
    return str(sessions.form_token(session))


def staff(person: str, *grants: dict[str, str], **more: Any) -> dict[str, Any]:
    """A member of staff as an import file has one."""
    return {"id": person, "name": person.title(), "identity": f"SE-{person}", "grants": list(grants), **more}
