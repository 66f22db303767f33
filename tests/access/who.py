"""Who may use each route, route by route. A route that is not here fails the test."""

from dataclasses import dataclass, field

ROLES = ("advisor", "coordinator", "nurse", "reviewer", "operator")


@dataclass(frozen=True)
class Open:
    """Everybody may come; what the address or the form holds decides what there is to see."""

    because: str


@dataclass(frozen=True)
class Staff:
    """Only whoever holds one of these roles; `page` says that strangers are sent to sign in."""

    roles: tuple[str, ...]
    page: bool = True


@dataclass(frozen=True)
class Known:
    """Whoever is signed in, whatever the role: strangers are told so."""

    because: str = field(default="")


PUBLIC = Open("what is offered is for everybody")
LINK = Open("whoever has a booking's link may follow it; guesses are counted")
HOLD = Open("the id of a hold is known to whoever made it")
PROOF = Open("whoever has a number or an address may prove it; codes are bound, and tell nothing to others")
HEALTH = Open("for probes; says nothing but whether the service lives")
SIGN_IN = Open("where signing in begins and ends")
FEED = Open("whoever has the secret address may read it; titles say nothing")

COMMON = {"GET /healthz": HEALTH, "GET /readyz": HEALTH, "GET /v1/api-info": HEALTH, "GET /openapi.json": HEALTH}

BOOKING: dict[str, Open | Staff | Known] = {
    "GET /": PUBLIC,
    "GET /static/{name}": PUBLIC,
    "GET /favicon.ico": PUBLIC,
    "GET /orosanmalan": PUBLIC,
    "GET /tillganglighet": PUBLIC,
    "GET /personuppgifter/{slug}": PUBLIC,
    "GET /boka/{slug}": PUBLIC,
    "GET /boka/{slug}/{offering}": PUBLIC,
    "GET /boka/{slug}/{offering}/tider": PUBLIC,
    "POST /boka/{slug}/{offering}/tider": PUBLIC,
    "GET /booking/v1/slots": PUBLIC,
    "POST /booking/v1/holds": PUBLIC,
    "POST /booking/v1/bookings": PUBLIC,
    "POST /booking/v1/holds/{hold}/extend": HOLD,
    "DELETE /booking/v1/holds/{hold}": HOLD,
    **{
        f"{method} /boka/{{slug}}/{{offering}}/reservation/{{hold}}{page}": HOLD
        for method in ("GET", "POST")
        for page in ("", "/uppgifter", "/boka")
    },
    **dict.fromkeys(
        (
            "GET /mina-bokningar",
            "POST /mina-bokningar",
            "GET /mina-bokningar/kod",
            "POST /mina-bokningar/kod",
            "GET /mina-bokningar/byt",
            "POST /mina-bokningar/byt",
            "GET /mina-bokningar/byt/kod",
            "POST /mina-bokningar/byt/kod",
            "GET /mina-bokningar/avsluta",
            "POST /mina-bokningar/avsluta",
            "POST /booking/v1/proofs",
            "POST /booking/v1/proofs/{proof}/confirm",
            "GET /booking/v1/proofs/{token}/bookings",
            "DELETE /booking/v1/proofs/{token}",
        ),
        PROOF,
    ),
    "GET /booking/v1/bookings/{token}": LINK,
    "GET /booking/v1/bookings/{token}/export": LINK,
    "GET /booking/v1/bookings/{token}/slots": LINK,
    "POST /booking/v1/bookings/{token}/reschedule": LINK,
    "POST /booking/v1/bookings/{token}/cancel": LINK,
    "GET /bokning/{token}": LINK,
    "GET /bokning/{token}/kalender.ics": LINK,
    "GET /bokning/{token}/uppgifter": LINK,
    "GET /bokning/{token}/flytta": LINK,
    "POST /bokning/{token}/flytta": LINK,
    "GET /bokning/{token}/avboka": LINK,
    "POST /bokning/{token}/avboka": LINK,
    **dict.fromkeys(
        (
            "GET /arbetsdag",
            "GET /arbetsvecka",
            "GET /arbetsdag/bokning/{booking}",
            "POST /arbetsdag/bokning/{booking}/utfall",
            "POST /arbetsdag/bokning/{booking}/meddelanden",
            "GET /arbetsdag/bokning/{booking}/flytta",
            "POST /arbetsdag/bokning/{booking}/flytta",
            "GET /arbetsdag/bokning/{booking}/flytta-till-annan",
            "POST /arbetsdag/bokning/{booking}/flytta-till-annan",
            "GET /arbetsdag/bokning/{booking}/avboka",
            "POST /arbetsdag/bokning/{booking}/avboka",
            "GET /arbetsdag/bokning/{booking}/uppfoljning",
            "POST /arbetsdag/bokning/{booking}/uppfoljning",
            "GET /arbetsdag/bokning/{booking}/uppfoljning-hos-annan",
            "POST /arbetsdag/bokning/{booking}/uppfoljning-hos-annan",
            "GET /arbetsdag/franvaro",
            "POST /arbetsdag/franvaro",
            "GET /arbetsdag/kalender",
            "POST /arbetsdag/kalender",
        ),
        Staff(("advisor",)),
    ),
    **dict.fromkeys(
        (
            "GET /telefonbokning",
            "POST /telefonbokning",
            "GET /telefonbokning/klar/{booking}",
            "GET /telefonbokning/{slug}/{offering}",
            "POST /telefonbokning/{slug}/{offering}",
            "GET /telefonbokning/{slug}/{offering}/boka",
            "POST /telefonbokning/{slug}/{offering}/boka",
            "GET /ej-nadda",
            "POST /ej-nadda/{booking}/skicka-igen",
            "POST /ej-nadda/{attention}/ordnat",
        ),
        Staff(("advisor", "coordinator")),
    ),
    "GET /simulering": Staff(("coordinator",)),
    "GET /samverkan": Staff(("coordinator",)),
    "GET /samverkan/{pool}/{year}": Staff(("coordinator",)),
    "GET /samverkan/{pool}/{year}.svg": Staff(("coordinator",)),
    "GET /samverkan/{pool}/{year}.csv": Staff(("coordinator",)),
    "GET /varfor-inte": Staff(("advisor", "coordinator")),
    "GET /booking/v1/explanations": Staff(("advisor", "coordinator"), page=False),
    "GET /booking/v1/agreements": Staff(("coordinator",), page=False),
    "GET /booking/v1/agreements/{pool}/reports/{year}": Staff(("coordinator",), page=False),
    **{f"GET /siffror{page}": Staff(("coordinator",)) for page in ("", "/siffror.csv", "/diagram/{name}.svg")},
    "GET /kalender/{secret}.ics": FEED,
    "GET /booking/v1/agenda": Staff(("advisor",), page=False),
    "POST /booking/v1/agenda/{booking}/outcome": Staff(("advisor",), page=False),
    **{
        f"{method} /granskning{page}": Staff(("reviewer",))
        for method, page in (
            ("GET", ""),
            ("GET", "/urval"),
            ("POST", "/urval"),
            ("GET", "/gjorda"),
            ("GET", "/export.csv"),
        )
    },
}

DIRECTORY: dict[str, Open | Staff | Known] = {
    "GET /static/{name}": PUBLIC,
    "GET /favicon.ico": PUBLIC,
    "GET /logga-in": SIGN_IN,
    "GET /logga-in/svar": SIGN_IN,
    "POST /logga-in/demo": SIGN_IN,
    "GET /logga-ut": SIGN_IN,
    "POST /logga-ut": SIGN_IN,
    **{
        f"GET /directory/v1/{kind}{one}": PUBLIC
        for kind in ("municipalities", "units", "centres", "advisors", "pools", "schedules", "offerings")
        for one in ("", "/{entity_id}")
    },
    **{
        route: Staff(("coordinator", "operator"))
        for route in (
            "GET /katalog",
            "GET /katalog/historik",
            "GET /katalog/fil",
            "POST /katalog/fil",
            "GET /katalog/fil/katalog.yaml",
            "GET /katalog/forslag",
            "GET /katalog/forslag/{proposal}",
            "POST /katalog/forslag/{proposal}",
            "GET /katalog/{slug}",
            "GET /katalog/{slug}/ny",
            "POST /katalog/{slug}/ny",
            "GET /katalog/{slug}/{entity_id}",
            "POST /katalog/{slug}/{entity_id}",
            "GET /katalog/{slug}/{entity_id}/historik",
        )
    },
    "POST /katalog/egen-tid": Staff(("advisor",)),
    **{
        route: Staff(("coordinator", "operator"), page=False)
        for route in (
            "GET /directory/v1/proposals",
            "GET /directory/v1/proposals/{proposal}",
            "POST /directory/v1/proposals/{proposal}/confirm",
            "POST /directory/v1/proposals/{proposal}/refuse",
            "POST /directory/v1/proposals/{proposal}/withdraw",
        )
    },
    "GET /directory/v1/export": Staff(("coordinator", "operator"), page=False),
    "POST /directory/v1/import": Staff(("coordinator", "operator"), page=False),
    "GET /directory/v1/staff": Staff(("coordinator", "operator"), page=False),
    "GET /directory/v1/staff/{entity_id}": Staff(("coordinator", "operator"), page=False),
}

WHO: dict[str, dict[str, Open | Staff | Known]] = {
    "booking": BOOKING,
    "directory": DIRECTORY,
    "consent": {},
    "notification": {},
}
