"""Each fault of a file, told at its line; nothing is imported."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from directory import tables
from directory.importing import Rejected, import_files
from kit import database, roles

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SMALL = (Path(__file__).parent / "small.yaml").read_text(encoding="utf-8")
# A line that ends with this is where the fault must be told.
HERE = "  # HERE"

ADVISOR = """\
  - id: {id}
    name: Eva Berg
    profession: kurator
    unit: hoor-familjestod
    languages: [sv]
    modalities: [phone]
"""

Edit = tuple[str, str]


def amended(*amendments: str) -> Edit:
    """Amendments to the pool of small.yaml, which is valid in 2026; each a day, shares and what stands after them."""
    rows = [
        f"      - {{valid_from: {day}, posts: 1, shares: {{{shares}}}}}{more}"
        for day, shares, *rest in (amendment.split("|") for amendment in amendments)
        for more in (rest or [""])
    ]
    until = "    valid_until: 2026-12-31\n"
    return f"{until}schedules", "\n".join([f"{until}    amendments:", *rows, "schedules"])


BOTH = "1267: 50, 0182: 50"
# Name: (a part of the message, edits of small.yaml)
CASES: dict[str, tuple[str, *tuple[Edit, ...]]] = {
    "an unknown field": (
        "no field bord: did you mean board?",
        ("    board:", f"    bord: x{HERE}\n    board:"),
    ),
    "an unknown field within": (
        "no field weekly[1].begin, only weekday, start, end, modalities, place",
        ('        start: "09:00"', f'        start: "09:00"\n        begin: "09:00"{HERE}'),
    ),
    "an unknown list": (
        "no list pool: did you mean pools?",
        ("pools:", f"pool:{HERE}"),
        ("advisors: [maria-ek]\n    duration", "advisors: [maria-ek]\n    duration"),
    ),
    "a missing field": (
        "centre bvc-hoor: municipality is missing",
        ("  - id: bvc-hoor\n    municipality: 1267\n", f"  - id: bvc-hoor{HERE}\n"),
    ),
    "an empty field": (
        "centre bvc-hoor: name is empty",
        ("    name: BVC Höör\n", f"    name:{HERE}\n"),
    ),
    "a name on two lines": (
        "centre bvc-hoor: the text has several lines, or a tab in it: write it on one line",
        ("    name: BVC Höör\n", f'    name: "BVC\\nHöör"{HERE}\n'),
    ),
    "a name that breaks its line": (
        "centre bvc-hoor: the text has several lines, or a tab in it: write it on one line",
        ("    name: BVC Höör\n", f'    name: "BVC\\LHöör"{HERE}\n'),
    ),
    "a name that turns the order": (
        "centre bvc-hoor: the text has a control character in it, or one that turns the order: write it anew",
        ("    name: BVC Höör\n", f'    name: "BVC\\u202eHöör"{HERE}\n'),
    ),
    "an id that is an address": (
        "centre ny: the id cannot be ny, which is the address of the form for new ones: choose another",
        ("  - id: bvc-hoor\n", f"  - id: ny{HERE}\n"),
        ("        place: bvc-hoor\n", ""),
    ),
    "a missing id": (
        "id is missing",
        ("centres:\n  - id: bvc-hoor\n    municipality", f"centres:\n  - municipality: 1267{HERE}\n    #"),
        ("        place: bvc-hoor\n", ""),
    ),
    "a colour without quotes": (
        "accent is empty: a value that begins with # must stand in quotes",
        ('"#3d5a12"', f"#3d5a12{HERE}"),
    ),
    "a whole number that is none": (
        "duration is 45.5: must be a whole number",
        ("    duration: 45", f"    duration: 45.5{HERE}"),
    ),
    "a number that is none": ("must be a number", ("    posts: 1.0", f"    posts: one{HERE}")),
    "no end of posts": ("must be a number", ("    posts: 1.0", f"    posts: inf{HERE}")),
    "too many days": ("less than or equal to 28", ("    posts: 1.0", f"    posts: 1\n    release_days: 29{HERE}")),
    "truth that is neither": ("must be true or false", ("centre: false", f"centre: perhaps{HERE}")),
    "a day that is none": (
        "valid_until is soon: must be a day like",
        ("    valid_until: 2026-12-31\nschedules", f"    valid_until: soon{HERE}\nschedules"),
    ),
    "a time that is none": (
        'weekly[2].start is 13.00: must be a time like "09:00"',
        ('        start: "13:00"', f"        start: 13.00{HERE}"),
    ),
    "a time in a zone": ("must be a local time", ('        start: "13:00"', f'        start: "13:00Z"{HERE}')),
    "a weekday that is none": (
        "must be one of monday",
        ('      - weekday: monday\n        start: "13:00"', f'      - weekday: 1{HERE}\n        start: "13:00"'),
    ),
    "an identity kept for longer than anonymous means": (
        "retention_days is at most 30",
        ("    documentation: anonymous", f"    documentation: anonymous\n    retention_days: 31{HERE}"),
    ),
    "a list that is none": ("must be a list", ("    languages: [sv]\n", f"    languages: sv{HERE}\n")),
    "a mapping that is none": (
        "must be a mapping of fields",
        ("    summary: {sv: Prata med en rådgivare.}", f"    summary: Prata{HERE}"),
    ),
    "a text that is none": ("name: must be a text", ("    name: Maria Ek", f"    name: [Maria]{HERE}")),
    "an entry that is none": ("must be a mapping of fields", ("units:\n", f"units:\n  - hoor{HERE}\n")),
    "a list of entries that is none": (
        "offerings must be a list",
        ("offerings:\n  - id: samtal", f"offerings:{HERE}\n    id: samtal"),
    ),
    "an unknown modality": (
        "must be video, phone or visit",
        ("    modalities: [phone, visit]\n    ages", f"    modalities: [phone, fax]{HERE}\n    ages"),
    ),
    "a bad id": ("written after the pattern", ("  - id: ali-noori", f"  - id: Ali Noori{HERE}")),
    "a version": ("leave it out", ("    board:", f"    version: 3{HERE}\n    board:")),
    "an id twice": (
        "is here twice",
        ("pools:\n", ADVISOR.format(id="ali-noori" + HERE) + "pools:\n"),
    ),
    "a field twice": (
        "name stands here a second time",
        ("    board:", f"    name: Stöd{HERE}\n    board:"),
    ),
    "a list twice": (
        "units stands here a second time",
        ("offerings:\n", f"units:{HERE}\n  - id: x\nofferings:\n"),
    ),
    "a reference to nothing": (
        "there is no unit hoor-stod",
        ("    unit: hoor-familjestod\n    languages: [sv]\n", f"    unit: hoor-stod{HERE}\n    languages: [sv]\n"),
    ),
    "a place that is none": (
        "there is no centre bvc-horby",
        ("        place: bvc-hoor", f"        place: bvc-horby{HERE}"),
    ),
    "a reference to what has ended": (
        "refers to centre bvc-hoor, which has ended",
        ("  - id: bvc-hoor\n", "  - id: bvc-hoor\n    ended: true\n"),
        ("        place: bvc-hoor", f"        place: bvc-hoor{HERE}"),
    ),
    "shares below 100": (
        "add up to 90, not to 100",
        ("    shares:\n      1267: 60", f"    shares:{HERE}\n      1267: 50"),
    ),
    "a share of nothing": (
        "has a share of 0",
        ("      1267: 60\n      0182: 40", f"      1267: 100\n      0182: 0{HERE}"),
    ),
    "blocks that overlap": (
        "monday 12:00–16:00 in schedule maria-ek-vecka overlaps monday 09:00–12:30",
        ('      - weekday: monday\n        start: "13:00"', f'      - weekday: monday{HERE}\n        start: "12:00"'),
    ),
    "schedules that overlap": (
        "monday 15:00–17:00 in schedule maria-ek-vikarie overlaps monday 13:00–16:00 in schedule maria-ek-vecka",
        (
            "offerings:\n",
            (
                "  - id: maria-ek-vikarie\n    advisor: maria-ek\n    valid_from: 2026-12-28\n    weekly:\n"
                f'      - {{weekday: monday, start: "15:00", end: "17:00", modalities: [phone]}}{HERE}\nofferings:\n'
            ),
        ),
    ),
    "schedules of two zones": (
        "in different zones",
        (
            "offerings:\n",
            (
                "  - id: maria-ek-vikarie\n    advisor: maria-ek\n    valid_from: 2026-12-28\n    weekly: []\n"
                f"    zone: Europe/Helsinki{HERE}\nofferings:\n"
            ),
        ),
    ),
    "a block across midnight": (
        "write it as two blocks",
        ('        end: "16:00"', f'        end: "02:00"{HERE}'),
    ),
    "an empty block": ("the block is empty", ('        end: "16:00"', f'        end: "13:00"{HERE}')),
    "a block without modalities": (
        "no modalities",
        ('      - weekday: monday\n        start: "13:00"', f'      - weekday: monday{HERE}\n        start: "13:00"'),
        ("        modalities: [phone]\n", "        modalities: []\n"),
    ),
    "a modality that the advisor lacks": (
        "which advisor maria-ek does not offer (phone, visit)",
        ("        modalities: [phone]\n", f"        modalities: [video]{HERE}\n"),
    ),
    "a pool that ends before it begins": (
        "is before valid_from",
        ("    valid_until: 2026-12-31\nschedules", f"    valid_until: 2025-12-31{HERE}\nschedules"),
    ),
    "a schedule that ends before it begins": (
        "is before valid_from",
        ("    valid_until: 2026-12-31\n    weekly", f"    valid_until: 2025-12-31{HERE}\n    weekly"),
    ),
    "a zone that is none": (
        "there is no time zone Europe/Hoor",
        ("    advisor: maria-ek\n", f"    advisor: maria-ek\n    zone: Europe/Hoor{HERE}\n"),
    ),
    "an exception backwards": (
        "is before first",
        ("        last: 2026-07-31", f"        last: 2026-07-01{HERE}"),
    ),
    "half a time": (
        "give both start and end",
        ("      - kind: leave", f'      - kind: leave{HERE}\n        start: "10:00"'),
    ),
    "leave at a place": (
        "neither modalities nor place",
        ("      - kind: leave", f"      - kind: leave{HERE}\n        place: bvc-hoor"),
    ),
    "extra time without times": (
        "needs a start and an end",
        ("      - kind: leave", f"      - kind: extra{HERE}\n        modalities: [phone]"),
    ),
    "extra time across midnight": (
        "write it as two blocks",
        (
            "      - kind: leave",
            f'      - kind: extra\n        modalities: [phone]\n        start: "23:00"\n        end: "01:00"{HERE}',
        ),
    ),
    "a pale colour": (
        "has a contrast of 2.94 against white",
        ('    accent: "#3d5a12"', f'    accent: "#7aa33c"{HERE}'),
    ),
    "an intake that is no address": (
        "begins with https://",
        ("https://www.hoor.se/orosanmalan", f"www.hoor.se{HERE}"),
    ),
    "a telephone number as dialled at home": (
        "like +46415378000",
        ('    phone: "+46406280406"', f"    phone: 040-6280406{HERE}"),
    ),
    "a slug twice": (
        "both have the slug hoor",
        ("    slug: hoor", f"    slug: hoor{HERE}"),
        ("slug: nacka", "slug: hoor"),
    ),
    "a modality that nobody offers": (
        "no advisor of offering samtal offers video",
        ("    modalities: [phone, visit]\n    ages", f"    modalities: [phone, video]{HERE}\n    ages"),
    ),
    "an advisor who can do none of it": (
        "advisor ali-noori offers none of the modalities of offering samtal",
        ("    advisors: [maria-ek]\n    duration", f"    advisors: [maria-ek, ali-noori]{HERE}\n    duration"),
        ("    languages: [sv]\n    modalities: [phone, visit]", "    languages: [sv]\n    modalities: [video]"),
    ),
    "a language that nobody speaks": (
        "no advisor of offering samtal speaks fi",
        ("    languages: [sv, en]\n    self", f"    languages: [sv, fi]{HERE}\n    self"),
    ),
    "a municipality that nobody reaches": (
        "no advisor of offering samtal reaches 0182",
        ("    advisors: [maria-ek]\n    duration", "    advisors: [ali-noori]\n    duration"),
        (
            "    unit: hoor-familjestod\n    municipalities: [1267]",
            f"    unit: nacka\n    units: {{1267: hoor-familjestod}}\n    municipalities: [1267, 0182]{HERE}",
        ),
        ("centres:", "  - {id: nacka, municipality: 0182, name: N, board: B}\ncentres:"),
        ("    languages: [sv, en]\n    self", "    languages: [sv]\n    self"),
    ),
    "a joint visit that not all can make": (
        "not every advisor of offering samtal speaks en (ali-noori)",
        ("    kind: conversation", "    kind: joint_visit"),
        ("    advisors: [maria-ek]\n    duration", "    advisors: [maria-ek, ali-noori]\n    duration"),
        ("    languages: [sv, en]\n    self", f"    languages: [sv, en]{HERE}\n    self"),
    ),
    "a joint visit alone": (
        "at least two advisors",
        ("    kind: conversation", "    kind: joint_visit"),
        ("    advisors: [maria-ek]\n    duration", f"    advisors: [maria-ek]{HERE}\n    duration"),
    ),
    "nobody to book": (
        "advisors is empty",
        ("    advisors: [maria-ek]\n    duration", f"    advisors: []{HERE}\n    duration"),
    ),
    "somebody twice": (
        "advisors has maria-ek twice",
        ("    advisors: [maria-ek]\n    duration", f"    advisors: [maria-ek, maria-ek]{HERE}\n    duration"),
    ),
    "minutes off the five": ("choose a multiple of 5", ("    starts_every: 30", f"    starts_every: 31{HERE}")),
    "ages backwards": (
        "before they begin",
        ("    ages: {first: 0, last: 6, expecting: true}", f"    ages: {{first: 6, last: 0, expecting: true}}{HERE}"),
    ),
    "nothing that a parent can do": (
        "practical is missing",
        ("  - id: samtal\n", f"  - id: samtal{HERE}\n"),
        ("    self_booking: true", "    self_booking: false"),
    ),
    "two pools at a time": (
        "in the pools hoor and hoor-nacka at the same time",
        ("    advisors: [maria-ek]\n    posts", f"    advisors: [maria-ek]{HERE}\n    posts"),
        (
            "schedules:\n",
            (
                "  - id: hoor\n    name: Höör\n    advisors: [maria-ek]\n    posts: 1\n"
                "    shares: {1267: 100}\n    valid_from: 2026-12-31\nschedules:\n"
            ),
        ),
    ),
    "an amendment on the agreement's first day": (
        "the agreement holds from 2026-01-01, so an amendment holds from the day after at the earliest",
        amended(f"2026-01-01|{BOTH}|{HERE}"),
    ),
    "an amendment after the agreement": ("the agreement ends on 2026-12-31", amended(f"2027-01-01|{BOTH}|{HERE}")),
    "amendments out of order": (
        "an amendment holds from 2026-06-01 already",
        amended(f"2026-06-01|{BOTH}", f"2026-03-01|{BOTH}|{HERE}"),
    ),
    "two amendments of one day": (
        "an amendment holds from 2026-06-01 already",
        amended(f"2026-06-01|{BOTH}", f"2026-06-01|{BOTH}|{HERE}"),
    ),
    "amended shares below 100": ("shares add up to 90", amended(f"2026-06-01|1267: 50, 0182: 40|{HERE}")),
    "an amended share of nothing": ("has a share of 0", amended(f"2026-06-01|1267: 100, 0182: 0|{HERE}")),
    "an amendment with a stranger": ("there is no municipality 1266", amended(f"2026-06-01|1266: 100|{HERE}")),
    "an amendment that does not say all": (
        "amendments[1].posts is missing",
        (
            "    valid_until: 2026-12-31\nschedules",
            (
                "    valid_until: 2026-12-31\n    amendments:\n"
                f"      - {{valid_from: 2026-06-01, shares: {{1267: 100}}}}{HERE}\nschedules"
            ),
        ),
    ),
    "no time that can be booked": (
        "lead_time_hours is 48, and times can be booked 48 hours ahead, so that no time can be",
        (
            "    duration: 45",
            f"    horizon_days: 2\n    lead_time_hours: 48{HERE}\n    duration: 45",
        ),
    ),
    "more carried over than there was": (
        "less than or equal to 100",
        ("    posts: 1.0", f"    posts: 1\n    carry_over: 101{HERE}"),
    ),
    "children counted twice": (
        "the children are counted twice on 2025-12-31",
        (
            "    attached_to_family_centre: false",
            (
                "    attached_to_family_centre: false\n    denominators:\n"
                "      - {children: 900, source: SCB, as_of: 2025-12-31}\n"
                f"      - {{children: 950, source: SCB, as_of: 2025-12-31}}{HERE}"
            ),
        ),
    ),
    "no children": (
        "greater than or equal to 1",
        (
            '    phone: "+46406280406"',
            f'    phone: "+46406280406"\n    denominators: [{{children: 0, source: SCB, as_of: 2025-12-31}}]{HERE}',
        ),
    ),
    "a reference of YAML's own": ("references (*name)", ("    languages: [sv]\n", f"    languages: *all{HERE}\n")),
    "a unit of another municipality": (
        "unit hoor-familjestod belongs to municipality 1267 and cannot answer for 0182: name a unit of 0182",
        (
            "    municipalities: [1267]",
            f"    units: {{0182: hoor-familjestod}}{HERE}\n    municipalities: [1267, 0182]",
        ),
    ),
    "a unit for a municipality that is not served": (
        "units names 1231, which is not among the municipalities: take it away",
        (
            "    municipalities: [1267]",
            f"    units:\n      1231: hoor-familjestod{HERE}\n    municipalities: [1267]",
        ),
    ),
    "a municipality without a unit of its own": (
        "units does not say which unit answers for the families of 0182: name one of its own",
        ("    municipalities: [1267]", "    municipalities: [1267, 0182]"),
        ("  - id: samtal", f"  - id: samtal{HERE}"),
    ),
    "what is no YAML": ("is not valid YAML", ("    board: Socialnämnden", f"    board: a: b{HERE}")),
}


def written(folder: Path, *edits: Edit) -> Path:
    text = SMALL
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} is not in small.yaml exactly once"
        text = text.replace(old, new)
    path = folder / "small.yaml"
    path.write_text(text, encoding="utf-8")
    return path


async def rows(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        entities = await connection.scalar(select(func.count()).select_from(tables.entity))
    # Who serves adds events and cannot read them.
    async with database.begin(engine, role=roles.relay("directory")) as connection:
        events = await connection.scalar(select(func.count()).select_from(tables.outbox_table))
    return (entities or 0) + (events or 0)


@pytest.mark.parametrize("name", CASES)
async def test_a_fault_is_told_at_its_line_and_nothing_is_taken(name: str, tmp_path: Path, engine: AsyncEngine) -> None:
    message, *edits = CASES[name]
    path = written(tmp_path, *edits)
    expected = [n for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if line.endswith(HERE)]
    assert expected
    with pytest.raises(Rejected) as rejected:
        await import_files(engine, [path], NOW)
    told = rejected.value.faults
    assert [fault.line for fault in told] == expected, str(rejected.value)
    assert message in str(rejected.value)
    assert {fault.file for fault in told} == {str(path)}
    assert await rows(engine) == 0


@pytest.mark.parametrize("name", CASES)
async def test_no_fault_waits_until_another_of_its_entity_is_mended(
    name: str, tmp_path: Path, engine: AsyncEngine
) -> None:
    """Each of the cases again, where something of every entity cannot be read."""
    message, *edits = CASES[name]
    path = written(tmp_path, *edits)
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"^(  - )(id|municipality)", r"\1more: x\n    \2", text, flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")
    expected = [n for n, line in enumerate(text.splitlines(), 1) if line.endswith(HERE)]
    with pytest.raises(Rejected) as rejected:
        await import_files(engine, [path], NOW)
    found = {(fault.line, fault.message) for fault in rejected.value.faults}
    if len(found) == 1:
        assert message in str(rejected.value), "a file that is none has one fault"
        return
    others = {(line, told) for line, told in found if "there is no field more" not in told}
    assert len(others) < len(found)
    # A case that is about the first line of an entity has another one there now.
    assert {line for line, _ in others} <= {*expected, *(n - 1 for n in expected), *(n + 1 for n in expected)}
    assert message in str(rejected.value)


async def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path, engine: AsyncEngine) -> None:
    small = written(tmp_path, ("    posts: 1.0", "    posts: none"), ('"#3d5a12"', '"#eeeeee"'))
    other = tmp_path / "other.yaml"
    other.write_text(f"advisors:\n{ADVISOR.format(id='eva-berg')}{ADVISOR.format(id='ali-noori')}", encoding="utf-8")
    gone = tmp_path / "gone.yaml"
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("units: [Höör]".encode("latin-1"))
    empty = tmp_path / "empty.yaml"
    empty.touch()
    with pytest.raises(Rejected) as rejected:
        await import_files(engine, [small, other, gone, latin, empty], NOW)
    assert [(Path(fault.file).name, fault.line) for fault in rejected.value.faults] == [
        ("empty.yaml", 1),
        ("gone.yaml", 1),
        ("latin.yaml", 1),
        ("other.yaml", 8),
        ("small.yaml", 5),
        ("small.yaml", 43),
    ]
    assert await rows(engine) == 0


async def test_what_cannot_be_read_makes_no_second_fault(tmp_path: Path, engine: AsyncEngine) -> None:
    path = written(tmp_path, ("    board: Socialnämnden", "    board: [Socialnämnden]"))
    with pytest.raises(Rejected) as rejected:
        await import_files(engine, [path], NOW)
    assert len(rejected.value.faults) == 1, "two advisors and an offering refer to the unit"
