"""HEAD shows nothing of a family, so nothing is noted of it either, and nothing is changed."""

from kit import database
from tests.agenda.conftest import Work
from tests.agenda.test_days import booked
from tests.signing import session_of

COUNTS = """
select (select count(*) from read_log) as reads, (select count(*) from booking) as bookings,
       (select count(*) from outbox) as facts
"""


async def test_head_of_what_is_logged_when_it_is_read(work: Work) -> None:
    booking = await booked(work)
    http, headers = work.booking.http, session_of(work.booking, "maria-ek")
    staff = (f"/arbetsdag/bokning/{booking}", "/arbetsdag", "/arbetsvecka")
    family = tuple(f"/bokning/{work.manage_token}{part}" for part in ("", "/kalender.ics", "/uppgifter", "/flytta"))
    family += (
        f"/booking/v1/bookings/{work.manage_token}",
        "/booking/v1/slots?offering=foraldrasamtal&municipality=1266",
    )
    before = await work.stored(COUNTS)
    searched = work.booking.app.state.searches.all.copy()
    heads = {path: await http.head(path, headers=headers) for path in (*family, *staff)}
    assert await work.stored(COUNTS) == before
    assert work.booking.app.state.searches.all == searched
    # What staff read is shown to the family: staff come last.
    for path, head in heads.items():
        shown = await http.get(path, headers=headers)
        assert (head.status_code, head.headers, head.content) == (200, shown.headers, b""), path
        assert int(head.headers["content-length"]) == len(shown.content)
    assert await work.stored(COUNTS) != before


async def test_what_keeps_nothing_ends_with_it(work: Work) -> None:
    with database.keeping_nothing():
        async with database.begin(work.booking.admin) as connection:
            await connection.exec_driver_sql("delete from directory_copy")
        async with database.transaction(work.booking.admin) as driver:
            await driver.execute("delete from directory_copy")
    assert not database.keeps_nothing()
    (row,) = await work.stored("select count(*) as n from directory_copy")
    assert row.n
