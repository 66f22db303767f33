"""What a comparison says in words, in both languages, and draws."""

from collections import Counter

from booking.sharing import simulation_words as words
from booking.sharing.comparison import FIRST_COME, HARD_QUOTA, Outcome, Policy, Result

NAMES = {"1266": "Hörby", "1267": "Höör", "1285": "Eslöv"}
RELEASE = Policy(7, 50)


def result(*days: int, unserved: int = 0) -> Result:
    outcomes = [Outcome(waits=Counter({n: 10})) for n in days]
    outcomes[0].unserved = unserved
    return dict(zip(NAMES, outcomes, strict=True))


def test_a_choice_says_who_pays_and_who_gains() -> None:
    results = {HARD_QUOTA: result(5, 5, 30, unserved=2), RELEASE: result(9, 9, 29), FIRST_COME: result(9, 9, 29)}
    hard, *_ = words.recommended(results, NAMES, "sv")
    assert hard.name == "Fast kvot"
    assert hard.sentences == [
        (
            "Jämfört med ”Släpp 7 dagar före, spara 50 %” och ”Först till kvarn” väntar familjer 1 dag längre i Eslöv; "
            "4 dagar kortare i Hörby och Höör; 2 fler hittar ingen tid alls."
        )
    ]
    release = words.recommended(results, NAMES, "en")[1]
    assert release.sentences == [
        (
            "Compared with “Hard quota”, families wait 4 days longer in Hörby and Höör; 1 day less in Eslöv; "
            "2 fewer find no time at all."
        ),
        "Compared with “First come”, families wait as long everywhere.",
    ]
    assert words.left_out(results, "sv") == []


def test_what_is_beaten_is_said_to_be() -> None:
    results = {HARD_QUOTA: result(5, 5, 5), Policy(1): result(5, 6, 5)}
    assert [choice.policy for choice in words.recommended(results, NAMES, "sv")] == [HARD_QUOTA]
    (sentence,) = words.left_out(results, "sv")
    assert sentence.startswith("”Släpp 1 dag före” är inte att välja")


def test_the_picture_has_a_bar_for_each_policy_and_town() -> None:
    nobody = {**result(5, 6, 7), "1285": Outcome()}
    chart = words.picture({HARD_QUOTA: result(1, 2, 3), FIRST_COME: nobody}, NAMES, "sv")
    assert chart.groups == ["Hörby", "Höör", "Eslöv"]
    assert [(series.name, list(series.values)) for series in chart.series] == [
        ("Fast kvot", [1, 2, 3]),
        ("Först till kvarn", [5, 6, "ingen frågade"]),
    ]
