"""What came out of simulations, in words and as a picture, in Swedish and in English."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from booking.charts import Chart, Series
from booking.sharing.comparison import ALWAYS, MOST, Cost, Policy, Result, costs, frontier
from kit.language import Language
from kit.web.pages import Texts, filled

TEXTS: Texts = {
    "policy_first_come": ("Först till kvarn", "First come"),
    "policy_hard_quota": ("Fast kvot", "Hard quota"),
    "policy_release": ("Släpp {days} dagar före", "Release {days} days before"),
    "policy_release_one": ("Släpp 1 dag före", "Release 1 day before"),
    "policy_release_same": ("Släpp samma dag", "Release on the day"),
    "policy_carry": ("{policy}, spara {percent} %", "{policy}, carry {percent}% over"),
    "quoted": ("”{name}”", "“{name}”"),
    "and": ("och", "and"),
    "against": (
        "Jämfört med {others} väntar familjer {difference}.",
        "Compared with {others}, families wait {difference}.",
    ),
    "longer": ("{days} dagar längre i {names}", "{days} days longer in {names}"),
    "longer_one": ("1 dag längre i {names}", "1 day longer in {names}"),
    "shorter": ("{days} dagar kortare i {names}", "{days} days less in {names}"),
    "shorter_one": ("1 dag kortare i {names}", "1 day less in {names}"),
    "as_long": ("lika länge i {names}", "as long in {names}"),
    "all_as_long": ("lika länge överallt", "as long everywhere"),
    "more_unserved": ("{count} fler hittar ingen tid alls", "{count} more find no time at all"),
    "fewer_unserved": ("{count} färre hittar ingen tid alls", "{count} fewer find no time at all"),
    "beaten": (
        "”{policy}” är inte att välja: något annat sätt är minst lika bra för alla och bättre för någon.",
        "“{policy}” is not one to choose: another way is at least as good for all, and better for some.",
    ),
    "chart_title": ("Väntan", "Waits"),
    "chart_unit": (
        "Dagar inom vilka nio av tio familjer får träffa någon",
        "Days within which nine families of ten are met",
    ),
    "chart_none": ("ingen frågade", "nobody asked"),
}


@dataclass(frozen=True)
class Choice:
    """A policy on the frontier, and what it costs whom compared with each of the others."""

    policy: Policy
    name: str
    sentences: Sequence[str]


def policy_name(policy: Policy, language: Language) -> str:
    """What people call a policy."""
    days = policy.release_days
    if days == ALWAYS:
        name = filled(TEXTS, language, "policy_first_come")
    elif days is None:
        name = filled(TEXTS, language, "policy_hard_quota")
    else:
        key = {0: "policy_release_same", 1: "policy_release_one"}.get(days, "policy_release")
        name = filled(TEXTS, language, key, days=days)
    if policy.carry_over:
        name = filled(TEXTS, language, "policy_carry", policy=name, percent=policy.carry_over)
    return name


def recommended(results: Mapping[Policy, Result], names: Mapping[str, str], language: Language) -> list[Choice]:
    """The policies on the frontier, in the order in which they were asked for."""
    made = []
    for policy in frontier(results):
        # Where others come out alike, one sentence is for all of them.
        alike: dict[str, list[str]] = {}
        for cost in costs(results, policy):
            alike.setdefault(_difference(cost, names, language), []).append(
                filled(TEXTS, language, "quoted", name=policy_name(cost.other, language))
            )
        sentences = [
            filled(TEXTS, language, "against", others=_listed(others, language), difference=difference)
            for difference, others in alike.items()
        ]
        made.append(Choice(policy, policy_name(policy, language), sentences))
    return made


def left_out(results: Mapping[Policy, Result], language: Language) -> list[str]:
    """A sentence for each policy that is beaten."""
    chosen = frontier(results)
    return [
        filled(TEXTS, language, "beaten", policy=policy_name(policy, language))
        for policy in results
        if policy not in chosen
    ]


def _difference(cost: Cost, names: Mapping[str, str], language: Language) -> str:
    by_days: dict[int, list[str]] = {}
    for code, days in cost.days.items():
        by_days.setdefault(days, []).append(names.get(code, code))
    parts = []
    # Whoever pays comes first.
    for days in sorted(by_days, reverse=True):
        key = "as_long" if not days else "longer" if days > 0 else "shorter"
        key += "_one" if abs(days) == 1 else ""
        parts.append(filled(TEXTS, language, key, names=_listed(by_days[days], language), days=abs(days)))
    if list(by_days) == [0]:
        parts = [filled(TEXTS, language, "all_as_long")]
    if cost.unserved:
        key = "more_unserved" if cost.unserved > 0 else "fewer_unserved"
        parts.append(filled(TEXTS, language, key, count=abs(cost.unserved)))
    return "; ".join(parts)


def _listed(words: Sequence[str], language: Language) -> str:
    *first, last = words
    return f"{', '.join(first)} {filled(TEXTS, language, 'and')} {last}" if first else last


def picture(results: Mapping[Policy, Result], names: Mapping[str, str], language: Language) -> Chart:
    """How long nine families of ten wait in each municipality, under each policy."""
    codes = list(next(iter(results.values())))
    nobody = filled(TEXTS, language, "chart_none")

    def length(result: Result, code: str) -> float | str:
        days = result[code].wait(MOST)
        return nobody if days is None else days

    return Chart(
        filled(TEXTS, language, "chart_title"),
        filled(TEXTS, language, "chart_unit"),
        [names.get(code, code) for code in codes],
        [
            Series(policy_name(policy, language), [length(result, code) for code in codes])
            for policy, result in results.items()
        ],
    )
