"""What families are told where their details are asked for: article 13 of the GDPR, as the software does it."""

import html
import re
from datetime import datetime, timedelta

from booking.families import service as families
from booking.families.jobs import RETAIN_SECONDS
from directory import events as directory
from directory.events import Entity
from tests.booking import register
from tests.booking.test_families import book
from tests.booking.test_pages import booked, chosen
from tests.conftest import Running, until
from tests.infra import NatsServer

HORBY = "/personuppgifter/horby"
TOLD = directory.PersonalData(
    controller="Socialnämnden i Hörby",
    organisation_number="212000-1108",
    email="socialnamnden@horby.example",
    officer_email="dataskydd@horby.example",
    officer_phone="+46406280416",
    purpose=directory.Text(sv="För att ge stöd.", en="To give support."),
    ground=directory.Text(sv="Enligt artikel 6.1 e."),
    authority=directory.Text(sv="Klaga hos myndigheten.", en="Complain to the authority."),
)
# Offerings beside the small register's: their documentation, and the days that they say.
KEPT = {"kort": ("anonymous", 1), "vanlig": ("minimal", None), "lang": ("elsewhere", 800)}


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def offerings() -> list[Entity]:
    return [
        register.OFFERING.model_copy(
            update={
                "id": name,
                "name": directory.Text(sv=name.title()),
                "documentation": documentation,
                "retention_days": days,
            }
        )
        for name, (documentation, days) in KEPT.items()
    ]


async def informed(booking: Running, nats_url: str, *entities: Entity) -> None:
    """Hörby has written all that can be written, and booking has read it."""
    horby = register.MUNICIPALITIES[0].model_copy(update={"version": 2, "personal_data": TOLD})
    await register.publish(nats_url, [*entities, horby])

    async def known() -> bool:
        return "Socialnämnden i Hörby" in (await booking.http.get(HORBY)).text

    await until(known)


async def test_the_page_says_what_the_register_does(booking: Running, nats_server: NatsServer) -> None:
    await informed(booking, nats_server.url)
    sv = plain((await booking.http.get(HORBY)).text)
    assert "Socialnämnden i Hörby är personuppgiftsansvarig" in sv
    for each in (
        "212000-1108",
        "socialnamnden@horby.example",
        "dataskydd@horby.example",
        "040-628 04 16",
        "0415-37 80 00",
    ):
        assert each in sv
    assert "För att ge stöd. Enligt artikel 6.1 e." in sv
    assert "Klaga hos myndigheten." in sv
    assert "vem koden gick till, i kodad form, i högst två dygn" in sv
    assert "Att numret eller adressen har bekräftats med en kod" in sv
    assert "IMY" not in sv
    assert plain((await booking.http.get("/personuppgifter/1266")).text) == sv, "as programs know the municipality"
    assert "Familjestöd" in sv, "the unit that answers for families"
    page = (await booking.http.get(f"/en{HORBY}")).text
    assert '<span lang="sv">Socialnämnden i Hörby</span>' in page
    assert '<span lang="sv">Enligt artikel 6.1 e.</span>' in page
    en = plain(page)
    assert "To give support." in en
    assert "Complain to the authority." in en


async def test_what_the_register_does_not_say_is_told_truthfully(booking: Running) -> None:
    for prefix, words in (
        ("", ("Den nämnd i Höör som ger stödet är personuppgiftsansvarig", "artikel 6.1 e", "Box 8114")),
        ("/en", ("The board in Höör that gives the support is the controller", "article 6(1)(e)", "Box 8114")),
    ):
        page = (await booking.http.get(f"{prefix}/personuppgifter/hoor")).text
        for each in words:
            assert each in plain(page)
        officer = plain(page[page.index("skyddsombudet" if not prefix else "protection officer") :])
        assert ("0415-37 80 00" if not prefix else "+46 415 37 80 00") in officer[:200]
        assert "mailto:" not in page
    assert (await booking.http.get("/personuppgifter/ingenstans")).status_code == 404


async def test_days_on_the_page_are_those_after_which_identities_go(booking: Running, nats_server: NatsServer) -> None:
    await informed(booking, nats_server.url, *offerings())

    async def page() -> dict[str, str]:
        found = re.findall(r"<dt>([^<]*)</dt><dd>\s*([^<]*?)\s*</dd>", (await booking.http.get(HORBY)).text)
        return dict(found) if len(found) > len(KEPT) else {}

    said = await until(page)
    assert said == {"Föräldrasamtal": "30 dagar", "Kort": "1 dag", "Lang": "800 dagar", "Vanlig": "365 dagar"}
    assert "inom ett dygn" in plain((await booking.http.get(HORBY)).text)
    assert timedelta(days=1).total_seconds() == RETAIN_SECONDS
    assert "skriver om Lang hör till ett annat system" in plain((await booking.http.get(HORBY)).text)
    for name, words in said.items():
        days = timedelta(days=int(words.split()[0]))
        offering = name.lower() if name.lower() in KEPT else register.OFFERING.id
        query = {"offering": offering, "municipality": "1266"}
        slot = (await booking.http.get("/booking/v1/slots", params=query)).json()["items"][0]
        _, family = await book(booking, slot=slot)
        end = datetime.fromisoformat(slot["end"])
        engine = booking.runtime.engine
        before = await families.due(engine, end + days - timedelta(seconds=1))
        assert family not in [each for ids in before.families.values() for each in ids], name
        after = await families.due(engine, end + days)
        assert family in [each for ids in after.families.values() for each in ids], name


async def test_whoever_writes_is_told_before_who_is_responsible_why_and_for_how_long(
    booking: Running, nats_server: NatsServer
) -> None:
    hold, form = await chosen(booking)
    assert "Den nämnd i Hörby som ger stödet ansvarar" in plain((await booking.http.get(hold, params=form)).text)
    await informed(booking, nats_server.url)
    sv = (
        "Socialnämnden i Hörby ansvarar för det du skriver här, som vi behöver för att du ska kunna boka och möta "
        "en rådgivare. Ditt namn, ditt nummer och din e-postadress raderas 30 dagar efter ditt sista besök."
    )
    en = (
        "Socialnämnden i Hörby is responsible for what you write here, which we need so that you can book and meet "
        "an advisor. Your name, your number and your e-mail address are erased 30 days after your last visit."
    )
    for prefix, words, link in (("", sv, f'href="{HORBY}"'), ("/en", en, f'href="/en{HORBY}"')):
        page = (await booking.http.get(f"{prefix}{hold}", params=form)).text
        assert words in plain(page)
        assert page.count(link) == 2, "beside the sentences, and in the foot"


async def test_the_page_is_found_from_wherever_details_are_seen(booking: Running) -> None:
    path = await booked(booking)
    for page in (path, f"{path}/uppgifter", f"{path}/flytta", "/boka/horby", "/boka/horby/foraldrasamtal"):
        for prefix in ("", "/en"):
            assert f'href="{prefix}{HORBY}"' in (await booking.http.get(f"{prefix}{page}")).text, page
    kept = plain((await booking.http.get(f"{path}/uppgifter")).text)
    assert "Namn, nummer och e-postadress raderas 30 dagar efter besöket eller avbokningen" in kept
