"""`samtid simulate`: a year of an agreement under several policies, compared."""

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from booking import charts
from booking.sharing import simulation_words
from booking.sharing.comparison import MOST, Outcome, Policy, Result, added, frontier, whole
from booking.sharing.simulation import Scenario, simulate
from deploy import scenarios
from deploy.scenarios import Loaded
from kit.app import utc_now

HEADS = ("", "asked", "p50", "p90", "third next", "used", "no time", "borrowed", "lent")
WIDTHS = (16, 7, 5, 5, 12, 7, 9, 10, 8)


def main(chosen: argparse.Namespace) -> int:
    """Run what was asked for. Raises ScenarioError for a scenario that cannot be run."""
    if chosen.scenario:
        loaded = scenarios.read(chosen.scenario)
    else:
        files = chosen.register or [scenarios.REGISTER]
        loaded = scenarios.of_pool(files, chosen.pool, utc_now().date())
    results = {policy: _run(loaded.scenario, policy, chosen.seeds) for policy in chosen.policies}
    if chosen.json:
        print(json.dumps(_document(loaded, results, chosen.seeds), indent=2, ensure_ascii=False))
    else:
        _tell(loaded, results, chosen.seeds)
        if chosen.recommend:
            _recommend(loaded, results)
    if chosen.picture:
        chosen.picture.write_bytes(charts.svg(simulation_words.picture(results, loaded.names, "en")))
    return 0


def _run(scenario: Scenario, policy: Policy, seeds: list[int]) -> Result:
    made = []
    for seed in seeds:

        def tell(done: int, weeks: int, seed: int = seed) -> None:
            end = "\n" if done == weeks else ""
            if sys.stderr.isatty() or end:
                print(f"\r{policy}, seed {seed}: week {done} of {weeks}", end=end, file=sys.stderr, flush=True)

        made.append(simulate(scenario, policy, seed, tell))
    return added(made)


def _cells(name: str, outcome: Outcome) -> tuple[str, ...]:
    used = outcome.utilisation
    return (
        name,
        str(outcome.asked),
        *("–" if days is None else f"{days} d" for days in (outcome.wait(0.5), outcome.wait(MOST), outcome.third)),
        "–" if used is None else f"{used:.0%}",
        str(outcome.unserved),
        f"{outcome.borrowed / 60:.0f} h",
        f"{outcome.lent / 60:.0f} h",
    )


def _line(cells: tuple[str, ...]) -> str:
    first, *others = zip(cells, WIDTHS, strict=True)
    return first[0].ljust(first[1]) + "".join(cell.rjust(width) for cell, width in others)


def _tell(loaded: Loaded, results: Mapping[Policy, Result], seeds: list[int]) -> None:
    scenario = loaded.scenario
    print(f"{scenario.first} to {scenario.last}, seeds {', '.join(map(str, seeds))}. Waits in days: half, nine of ten.")
    for policy, result in results.items():
        print(f"\n{simulation_words.policy_name(policy, 'en')}")
        print(_line(HEADS))
        for code, outcome in result.items():
            print(_line(_cells(loaded.names.get(code, code), outcome)))
        print(_line(_cells("all", whole(result))))


def _recommend(loaded: Loaded, results: Mapping[Policy, Result]) -> None:
    print("\nTo choose among, by the wait of nine families of ten:")
    for choice in simulation_words.recommended(results, loaded.names, "en"):
        print(f"\n{choice.name}", *choice.sentences, sep="\n  ")
    for sentence in simulation_words.left_out(results, "en"):
        print(f"\n{sentence}")


def _document(loaded: Loaded, results: Mapping[Policy, Result], seeds: list[int]) -> dict[str, Any]:
    """What the table says, for programs: waits are days, other numbers whole minutes or families."""
    best = frontier(results)

    def row(outcome: Outcome) -> dict[str, Any]:
        return {
            "asked": outcome.asked,
            "wait_p50_days": outcome.wait(0.5),
            "wait_p90_days": outcome.wait(MOST),
            "third_next_days": outcome.third,
            "utilisation": outcome.utilisation,
            "unserved": outcome.unserved,
            "cancelled": outcome.cancelled,
            "missed": outcome.missed,
            "entitled_minutes": outcome.entitled,
            "used_minutes": outcome.used,
            "borrowed_minutes": outcome.borrowed,
            "lent_minutes": outcome.lent,
        }

    return {
        "first": str(loaded.scenario.first),
        "last": str(loaded.scenario.last),
        "seeds": seeds,
        "policies": [
            {
                "policy": str(policy),
                "on_frontier": policy in best,
                "municipalities": {code: row(outcome) for code, outcome in result.items()},
                "all": row(whole(result)),
            }
            for policy, result in results.items()
        ],
    }
