"""What keeps single families out of the figures."""

from tests.guards.guard import Guard

RULES = "services/booking/figures/rules.py"
HIDING = "tests/figures/test_hiding.py"
BARE = "tests/figures/test_rules.py"
PAGE = "tests/figures/test_page.py"
DIFFERENCING = "tests/figures/test_differencing.py"

GUARDS = (
    Guard(
        RULES,
        "for key, count in counts.items() if 0 < count < FEW}",
        "for key, count in counts.items() if 0 < count < FEW - 1}",
        f"{HIDING}::test_every_small_count_is_hidden_and_has_another_value_it_could_be",
        "Fewer than five are hidden.",
    ),
    Guard(
        RULES,
        "    gone |= {total for total, parts in sums.items() "
        "if counts[total] == sum(counts[part] > 0 for part in parts) > 0}\n",
        "",
        f"{HIDING}::test_who_knows_the_rule_cannot_turn_it_round[five parts]",
        "A total whose parts are all one is hidden with them.",
    ),
    Guard(
        RULES,
        "            gone.update(parts)\n            continue\n",
        "            continue\n",
        f"{HIDING}::test_who_knows_the_rule_cannot_turn_it_round[one centre]",
        "Nothing is shown of the parts of a total that is hidden.",
    ),
    Guard(
        RULES,
        "if few and (len(few) == 1 or sum(",
        "if few and (sum(",
        f"{HIDING}::test_a_single_small_part_takes_another_with_it",
        "A single hidden part takes another one with it.",
    ),
    Guard(
        RULES,
        "telling = (len(few), len(few) + 1, (FEW - 1) * len(few))",
        "telling = (len(few),)",
        f"{HIDING}::test_who_knows_the_rule_cannot_turn_it_round[three parts]",
        "Parts whose sum would tell them take another one with them.",
    ),
    Guard(
        RULES,
        "if part not in gone and counts[part]][:1]",
        "if part not in gone][:1]",
        f"{HIDING}::test_who_knows_the_rule_cannot_turn_it_round[three parts]",
        "What is hidden beside a small part is no zero, which everybody would guess.",
    ),
    Guard(
        RULES,
        "    if len(values) < few:\n        return Missing.HIDDEN\n",
        "",
        f"{BARE}::test_waits_of_few_are_hidden_and_of_none_there_is_nothing",
        "The waits of few are hidden.",
    ),
    Guard(
        RULES,
        "round(getattr(account, name) / STEP_MINUTES) * STEP_MINUTES / 60",
        "getattr(account, name) / 60",
        f"{BARE}::test_accounts_are_told_in_steps",
        "An agreement's accounts are told in steps of five hours.",
    ),
    Guard(
        RULES,
        "    if 0 < account.used < STEP_MINUTES:\n        return Missing.HIDDEN\n",
        "",
        f"{HIDING}::test_no_few_meetings_can_be_counted_from_a_share",
        "Of few meetings no share is told.",
    ),
    Guard(
        RULES,
        '"met_90": quantile(waits, 0.9, FEW_WAITS)',
        '"met_90": quantile(waits, 0.9, FEW)',
        f"{BARE}::test_the_longest_waits_of_few_are_hidden_for_longer",
        "The longest wait of fewer than ten is hidden.",
    ),
    Guard(
        RULES,
        "key in self.gone or (key not in self.counts and key[:-1] in self.gone)",
        "key in self.gone",
        f"{BARE}::test_a_place_without_anything_tells_no_more_than_what_it_is_part_of",
        "No zero is told of a place whose sum is hidden.",
    ),
    Guard(
        RULES,
        "return begins and (after.day, months) == (1, 3) and now",
        "return now",
        f"{DIFFERENCING}::test_no_two_answers_differ_by_a_few_families",
        "Of others no days are told that are not a quarter.",
    ),
    Guard(
        RULES,
        " and now >= last + SETTLE_DAYS",
        "",
        f"{PAGE}::test_a_quarter_is_told_of_others_two_weeks_after_it_ended",
        "Of others nothing is told while outcomes are still noted.",
    ),
    Guard(
        "services/booking/figures/report.py",
        "seen = own.union(*map(_members, pools)) if others else own",
        "seen = own.union(*map(_members, pools))",
        f"{PAGE}::test_others_are_told_of_in_whole_quarters_alone",
        "A period that is no quarter shows one's own municipalities alone.",
    ),
    Guard(
        "services/booking/figures/report.py",
        "        found = await tables.settled(connection, towns, first)\n    return",
        "        found |= now\n"
        "    for town in towns:\n"
        "        found[town] = _written(await _count(connection, [town], first, last))\n"
        "    return",
        f"{PAGE}::test_what_others_were_told_of_a_quarter_does_not_change",
        "What was told of others' quarter stays as it was.",
    ),
)
