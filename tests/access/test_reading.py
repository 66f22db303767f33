"""To open an address changes nothing: previews of links, browsers that fetch ahead and robots do it unasked."""

import re
from typing import Any

import pytest

from kit import database
from tests.access.test_routes import PATHS, PEOPLE, filled, routes, service
from tests.booking.test_journey import request_for
from tests.conftest import Clock, Running, until
from tests.signing import form_token, session_of

__all__ = ["service"]

# What a look may leave behind: that somebody looked.
LOOKS = ("request_count", "request_key", "read_log", "read_log_head")
# Requests change what they change as the role that serves; jobs of the service go on meanwhile, each as its own.
WATCH = """
create table changed (what text, by_role text);
create function note_change() returns trigger language plpgsql security definer as $$
begin
    insert into changed values (tg_op || ' ' || tg_table_name, current_setting('role'));
    return null;
end $$;
do $$
declare each text;
begin
    for each in select relname from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> all('{LOOKS,changed}')
    loop
        execute format('create trigger noted after insert or update or delete on %I'
                       ' for each row execute function note_change()', each);
    end loop;
end $$;
""".replace("LOOKS", ",".join(LOOKS))


async def watch(running: Running) -> None:
    async with database.driver(running.admin) as connection:
        await connection.execute(WATCH)


async def changes(running: Running) -> set[str]:
    """What requests have changed since it was last asked."""
    async with database.driver(running.admin) as connection:
        rows = await connection.fetch("delete from changed returning what, by_role")
    return {row["what"] for row in rows if row["by_role"] == "none"}


async def met(running: Running, clock: Clock) -> dict[str, str]:
    """Ids of what there is to be read in booking, by their names in paths. The hold has run out a moment ago."""
    query = {"offering": "foraldrasamtal", "municipality": "1267", "limit": 9}

    async def listed() -> list[Any]:
        return list((await running.http.get("/booking/v1/slots", params=query)).json().get("items", ()))

    # Ready is whoever has read the register; free times follow from it a moment later.
    slots = await until(listed)
    body = {"slot": slots[6]["id"], "municipality": "1267", "modality": "video"}
    held = await running.http.post("/booking/v1/holds", json=body)
    clock.move(minutes=11)
    booked = await running.http.post("/booking/v1/bookings", json=request_for(slots[8], municipality="1267"))
    headers = session_of(running, "advisor")
    sent = {"_csrf": form_token(running, headers), "namn": "telefon"}
    feed = await running.http.post("/arbetsdag/kalender", data=sent, headers=headers)
    secret = re.search(r"/kalender/([\w-]+)\.ics", feed.text)
    assert secret, feed.text
    async with database.driver(running.admin) as connection:
        booking = await connection.fetchrow("select id, family from booking where status = 'confirmed'")
    return {
        "slug": "hoor",
        "hold": held.json()["id"],
        "tid": slots[6]["id"],
        "token": booked.json()["manage_token"],
        "booking": str(booking["id"]),
        "familj": str(booking["family"]),
        "secret": secret[1],
    }


async def test_to_open_an_address_changes_nothing(
    service: tuple[str, Running], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, running = service
    known: dict[str, Any] = {"slug": "insatser", "entity_id": "foraldrasamtal"}
    if name == "booking":
        known = await met(running, clock)
    for part, value in known.items():
        monkeypatch.setitem(PATHS, part, value)
    await watch(running)
    query = {"satt": "video", "tid": known.get("tid", ""), "familj": known.get("familj", ""), "nasta": "/arbetsdag"}
    reached, changed = set(), {}
    for route, (method, path, _) in routes(running, name).items():
        for person in (None, *PEOPLE) if method == "GET" else ():
            headers = session_of(running, person) if person and running.runtime.sessions else {}
            answer = await running.http.get(filled(path), params=query, headers=headers)
            if answer.is_success:
                reached.add(route)
            if found := await changes(running):
                changed[route] = found
    assert changed == {}
    # What is not there to be read cannot be changed by reading it.
    wanted = {
        "booking": {
            "GET /boka/{slug}/{offering}/reservation/{hold}",
            "GET /bokning/{token}",
            "GET /kalender/{secret}.ics",
        },
        "directory": {"GET /katalog/{slug}/{entity_id}", "GET /logga-ut"},
    }
    assert wanted.get(name, set()) <= reached
    # And a change is seen, or the test could pass by looking at nothing.
    if name == "booking":
        await running.http.post(f"/booking/v1/bookings/{known['token']}/cancel")
        assert "UPDATE booking" in await changes(running)
    if name == "directory":
        headers = session_of(running, "operator")
        await running.http.post("/logga-ut", headers=headers, data={"_csrf": form_token(running, headers)})
        assert "UPDATE entity" in await changes(running)
