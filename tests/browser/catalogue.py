"""A register with all that pages show: two advisors, an offering with one way to meet, what is not booked by time."""

from datetime import time

from directory import events as directory
from directory.events import Entity
from tests.booking import register

VIDEO = register.OFFERING.model_copy(
    update={
        "id": "videosamtal",
        "name": directory.Text(sv="Kvällssamtal på video"),
        "summary": directory.Text(sv="Prata med en rådgivare på kvällen."),
        "modalities": ["video"],
        "ages": directory.Ages(first=0, last=20, expecting=False),
    }
)
COURSE = register.OFFERING.model_copy(
    update={
        "id": "kurs",
        "name": directory.Text(sv="Föräldrakurs", en="Parent course"),
        "kind": "course",
        "self_booking": False,
        "practical": directory.Text(sv="Ring och anmäl intresse.", en="Call to say that you are interested."),
    }
)
JOINT = register.OFFERING.model_copy(
    update={
        "id": "hembesok",
        "name": directory.Text(sv="Gemensamt hembesök", en="Joint home visit"),
        "kind": "joint_visit",
        "self_booking": False,
    }
)

# What Hörby says of how it handles details; the others say nothing.
TOLD = directory.PersonalData(
    controller="Socialnämnden i Hörby kommun",
    email="socialnamnden-med-ett-langt-namn@horby.example",
    officer_email="dataskydd@horby.example",
    officer_phone="+46406280416",
    ground=directory.Text(sv="Enligt artikel 6.1 e i dataskyddsförordningen."),
)


def entities() -> list[Entity]:
    """Maria Ek works as in the small register; Rådgivare 1 works on Monday evenings, by phone and video."""
    evenings = [directory.WeeklyBlock(weekday=1, start=time(17), end=time(20), modalities=["video", "phone"])]
    offering = register.OFFERING.model_copy(update={"advisors": ["maria-ek", "advisor-1"]})
    return [
        register.MUNICIPALITIES[0].model_copy(update={"personal_data": TOLD}),
        *register.MUNICIPALITIES[1:],
        register.UNIT,
        register.CENTRE,
        offering,
        VIDEO.model_copy(update={"advisors": ["advisor-1"]}),
        COURSE,
        JOINT,
        register.advisor(),
        register.advisor(1),
        register.pool("maria-ek", "advisor-1"),
        register.schedule(),
        register.schedule("advisor-1", weekly=evenings),
    ]
