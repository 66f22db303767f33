"""Booking: free times, holds and bookings."""

from fastapi import FastAPI

from booking.agenda import api as agenda_api
from booking.agenda import feed_pages, follow_up_pages, leave_pages, phone_pages
from booking.agenda import pages as agenda_pages
from booking.bookings import api as bookings_api
from booking.bookings import entry, jobs, manage_pages
from booking.bookings import pages as booking_pages
from booking.bookings.answers import Contact, ContactQuestion, NoContact, ProtectedContact
from booking.explaining import api as explaining_api
from booking.explaining import pages as explaining_pages
from booking.families import jobs as families
from booking.families import notice_pages
from booking.figures import handlers as figure_handlers
from booking.figures import jobs as figures
from booking.figures import pages as figure_pages
from booking.figures.searches import Searches
from booking.messages import handlers as message_handlers
from booking.messages import jobs as messages
from booking.messages import pages as message_pages
from booking.proofs import api as proofs_api
from booking.proofs import entry as proofs
from booking.proofs import pages as proof_pages
from booking.proofs.answers import Changed, Code, CodeQuestion, NoCode
from booking.reviews import pages as review_pages
from booking.settings import Settings
from booking.sharing import api as sharing_api
from booking.sharing import report_pages, simulation_pages
from booking.slots import api as slots_api
from booking.slots import handlers
from booking.slots import pages as slot_pages
from booking.slots.tables import find_staff
from booking.tables import inbox_table
from kit import app
from kit.app import Answer, Clock, utc_now
from kit.limits import Limits
from kit.vault.store import Vault
from kit.web import pages, static

READS = (handlers.READS, figure_handlers.READS, message_handlers.READS)
ANSWERS = {
    "query.booking.contact": Answer(ContactQuestion, (Contact, ProtectedContact, NoContact), jobs.answer_contact),
    "query.booking.code": Answer(CodeQuestion, (Code, Changed, NoCode), proofs.answer_code),
}


def create_app(settings: Settings, clock: Clock = utc_now) -> FastAPI:
    """The booking service."""
    searches = Searches()
    made = app.create(
        "booking",
        settings,
        title="Samtid: booking",
        routers=(
            slots_api.router,
            bookings_api.router,
            proofs_api.router,
            agenda_api.router,
            sharing_api.router,
            explaining_api.router,
            slot_pages.router,
            booking_pages.router,
            manage_pages.router,
            proof_pages.router,
            notice_pages.router,
            agenda_pages.router,
            follow_up_pages.router,
            leave_pages.router,
            phone_pages.router,
            message_pages.router,
            feed_pages.router,
            feed_pages.feed_router,
            review_pages.router,
            figure_pages.router,
            report_pages.router,
            explaining_pages.router,
            simulation_pages.router,
            static.router,
        ),
        inbox=inbox_table,
        reads=READS,
        answers=ANSWERS,
        jobs=(
            jobs.sweep,
            jobs.keep_calendar,
            messages.attend,
            families.keep_keys,
            families.retain,
            figures.measure,
            searches.count_searches,
        ),
        vault=lambda: Vault.at(settings.vault_url, settings.masters),
        limits=Limits(
            "booking",
            {
                "reads": settings.reads_per_minute,
                "writes": settings.writes_per_minute,
                bookings_api.GUESSES: settings.guesses_per_minute,
            },
            {entry.BOOKINGS: settings.bookings_per_hour, proofs.CODES: settings.codes_per_hour},
        ),
        people=find_staff,
        provider=settings.provider(clock),
        clock=clock,
    )
    made.state.searches = searches
    bookings_api.install(made)
    pages.install(made, booking_pages.PAGES)
    slot_pages.install(made)
    return made
