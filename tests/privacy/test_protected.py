"""A family of protected identity is sent through the whole system, and looked for in everything that leaves it."""

from booking import secrecy
from booking.bookings import entry, service
from booking.bookings.service import Wanted
from booking.families.contacts import Contact
from booking.slots.service import SlotId
from tests import infra
from tests.booking.granted import grant
from tests.booking.test_journey import QUERY
from tests.conftest import Clock, Running, until
from tests.notification.conftest import Notification, Outside
from tests.privacy.test_nothing_personal import Canary, Haystack, everything_on_the_streams, everything_stored

FAMILY = Canary(31)
SAID = "Du har ett meddelande. Ring 0415-37 80 00."


async def test_of_a_protected_family_nothing_leaves_but_that_there_is_a_message(
    booking: Running, notification: Notification, outside: Outside, clock: Clock, nats_server: infra.NatsServer
) -> None:
    runtime = booking.runtime
    found = (await booking.http.get("/booking/v1/slots", params={**QUERY, "limit": 500})).json()["items"]
    slot = next(slot for slot in found if slot["start"] > "2026-03-18")
    await grant(booking.admin, "maria", ["familjestod"])
    haystack = Haystack()
    async with notification(clock=clock) as notifying:
        async with (
            runtime.vault.reserve(clock.now) as spare,
            secrecy.of(runtime.engine, "maria", ["familjestod"]) as connection,
        ):
            await service.book_by_staff(
                connection,
                entry.links(runtime),
                runtime.vault,
                Wanted(
                    hold=None,
                    slot=SlotId.parse(slot["id"]),
                    municipality="1266",
                    modality="video",
                    contact=Contact(FAMILY.name, None, FAMILY.email, "sv"),
                    child_age=2,
                    expecting=False,
                ),
                staff="maria",
                protection="skyddad_folkbokforing",
                spare=spare,
                key=None,
                now=clock.now,
                language="sv",
            )
        runtime.relay.wake()

        async def told() -> bool:
            return len(outside.caught) == 1

        await until(told)
        # Five days before and no less: the reminder of the last day comes later.
        clock.move(days=13)

        async def reminded() -> bool:
            # A question that a busy machine answers too late is asked again after a second.
            clock.move(seconds=1)
            return len(outside.caught) == 2

        await until(reminded)
        await everything_on_the_streams(haystack, nats_server.url)
        await everything_stored(haystack, "booking", booking.admin_url)
        await everything_stored(haystack, "notification", notifying.admin_url)
    for message in outside.caught:
        assert (message.to, message.subject, message.text.strip()) == (FAMILY.email, "Du har ett meddelande", SAID)
        assert message.attachments == []
    assert haystack.size("table booking.family") == 2, "the family, sealed, and who may see it"
    assert haystack.holding(FAMILY.needles()) == []
