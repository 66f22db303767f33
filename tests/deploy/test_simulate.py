"""`samtid simulate`: scenarios from files, with clear refusals, and what it prints."""

import json
from pathlib import Path

import pytest

from deploy import cli, scenarios
from deploy.scenarios import ScenarioError

EXAMPLE = Path(scenarios.__file__).parent / "demo" / "simulation" / "sju-kommuner.yaml"
SMALL = """
first: 2027-01-04
last: 2027-03-28
names: {1285: Eslöv, 1266: Hörby}
agreement:
  shares: {1285: 60, 1266: 40}
offering: {duration: 45, buffer_after: 15, horizon_days: 28}
advisors:
  maria:
    weekly:
      - {weekday: monday, start: "09:00", end: "12:00"}
      - {weekday: thursday, start: "09:00", end: "12:00"}
    leave: [{first: 2027-02-15, last: 2027-02-21}]
demand:
  weekly: {1285: 4, 1266: 2}
  surges: [{municipality: 1285, first: 2027-02-01, last: 2027-02-28, factor: 2}]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "scenario.yaml"
    path.write_text(text)
    return path


def test_the_example_can_be_simulated() -> None:
    loaded = scenarios.read(EXAMPLE)
    assert set(loaded.names) == set(loaded.scenario.municipalities)
    assert len(loaded.scenario.schedules) == 5


def test_a_scenario_prints_its_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "waits.svg"
    path = written(tmp_path, SMALL)
    asked = ["simulate", "--scenario", str(path), "--policies", "hard-quota", "release-7", "--recommend"]
    assert cli.main([*asked, "--picture", str(picture)]) == 0
    said = capsys.readouterr()
    assert "Eslöv" in said.out
    assert "Compared with" in said.out
    assert "release-7, seed 1: week 18 of 18" in said.err
    assert picture.read_text().startswith("<?xml")


def test_json_is_the_same_for_the_same_seeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["simulate", "--scenario", str(written(tmp_path, SMALL)), "--seeds", "4", "5", "--json"]
    documents = []
    for _ in range(2):
        assert cli.main(asked) == 0
        documents.append(json.loads(capsys.readouterr().out))
    assert documents[0] == documents[1]
    assert [each["policy"] for each in documents[0]["policies"]][:2] == ["first-come", "hard-quota"]
    eslov = documents[0]["policies"][0]["municipalities"]["1285"]
    assert eslov["asked"] > 50
    assert eslov["wait_p90_days"] >= eslov["wait_p50_days"]


def test_an_agreement_of_the_demo_needs_no_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["simulate", "--pool", "hoor-horby-eslov", "--policies", "release-7"]) == 0
    assert "Hörby" in capsys.readouterr().out


def test_a_scenario_can_name_a_register_and_past_bookings(tmp_path: Path) -> None:
    (tmp_path / "past.csv").write_text("day,municipality\n2027-01-11,1266\n2027-01-12,1285\n")
    text = f"""
first: 2027-01-04
last: 2027-03-28
register: {{files: [{scenarios.REGISTER}], pool: hoor-horby-eslov}}
demand: {{replay: past.csv}}
"""
    loaded = scenarios.read(written(tmp_path, text))
    assert loaded.names["1266"] == "Hörby"
    assert len(loaded.scenario.demand.asked) == 2


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("last: 2027-03-28", "last: 2026-03-28", "3: last is before its beginning"),
        ("last: 2027-03-28", "last: 2037-03-28", "3: last is more than three years after first"),
        ("last: 2027-03-28", "last: soon", "3: last is soon: must be a day like 2026-08-31"),
        ("1285: 60, ", "1285: 0, ", "6: agreement.shares.1285 is 0: input should be greater than 0"),
        ("duration: 45", "duraton: 45", "7: offering.duraton is no field that a scenario has there"),
        ("duration: 45", "duration: long", "7: offering.duration is long: must be a whole number"),
        ("monday", "mondays", "11: advisors.maria.weekly[1].weekday is mondays: must be one of monday"),
        (
            '"12:00"}\n      - {weekday: t',
            '"08:00"}\n      - {weekday: t',
            "11: advisors.maria.weekly[1].end is before",
        ),
        ("1266: 2", "1267: 2", "15: demand.weekly.1267 has no share in the agreement"),
        ("municipality: 1285", "municipality: 1281", "16: demand.surges[1].municipality 1281 has no share"),
        ("agreement:\n  shares: {1285: 60, 1266: 40}\n", "", "1: agreement is missing: write it, or name a register"),
        ("names:", "names: [", "is not valid YAML"),
        ("demand:", "first: 2027-01-04\ndemand:", "14: first stands here a second time"),
    ],
)
def test_faults_are_told_at_their_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, fault: str
) -> None:
    assert old in SMALL
    path = written(tmp_path, SMALL.replace(old, new, 1))
    assert cli.main(["simulate", "--scenario", str(path)]) == 1
    said = capsys.readouterr().err
    assert f"{path}:" in said
    assert fault in said
    assert "nothing was simulated" in said


@pytest.mark.parametrize(
    ("past", "fault"),
    [
        ("when,where\n", "past.csv:1: the first line must be day,municipality"),
        ("day,municipality\n2027-01-11,1266\nyesterday,1266\n", "past.csv:3: write a day and a municipality"),
        ("day,municipality\n2027-01-11,1281\n", "past.csv:2: municipality 1281 has no share"),
        (None, "past.csv: cannot be read"),
    ],
)
def test_faults_of_past_bookings_are_told(tmp_path: Path, past: str | None, fault: str) -> None:
    if past is not None:
        (tmp_path / "past.csv").write_text(past)
    text = SMALL[: SMALL.index("demand:")] + "demand: {replay: past.csv}\n"
    with pytest.raises(ScenarioError) as refused:
        scenarios.read(written(tmp_path, text))
    assert fault in str(refused.value)


def test_unknown_pools_and_policies_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["simulate", "--pool", "eslov"]) == 1
    assert "there is no pool eslov, only hoor-horby-eslov, lund, staffanstorp-lomma-burlov" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["simulate", "--pool", "lund", "--policies", "release-40"])
    assert "release-40 is no policy: say first-come, hard-quota or release-0" in capsys.readouterr().err
    assert cli.main(["simulate", "--scenario", str(tmp_path / "none.yaml")]) == 1
    assert "none.yaml: cannot be read: No such file" in capsys.readouterr().err
