"""Who may change what in the register, and what a register must be."""

from tests.guards.guard import Guard

RIGHTS = "services/directory/rights.py"
SUBMITTING = "services/directory/submitting.py"
IMPORTING = "services/directory/importing.py"
OWN_TIME = "services/directory/own_time.py"
RULES = "services/directory/rules"
HELD = "tests/directory/test_rights.py"
FAULTS = "tests/directory/test_faults.py::test_a_fault_is_told_at_its_line_and_nothing_is_taken"
PAGES = "tests/directory/test_register_pages.py"
TOLD = "tests/directory/test_personal_data.py"

GUARDS = (
    Guard(
        "services/directory/outlook.py",
        "if municipality.id in asked and not (told.controller and officer):",
        "if municipality.id in asked and not told.controller:",
        f"{TOLD}::test_the_coordinators_of_a_municipality_are_told_what_families_are_not",
        "What families are not told of how their details are handled stands on the coordinators' list.",
    ),
    Guard(
        "services/directory/outlook.py",
        "mine.everything or each.about.id in mine.municipalities",
        "True",
        f"{TOLD}::test_the_coordinators_of_a_municipality_are_told_what_families_are_not",
        "Each coordinator is told of the own municipalities.",
    ),
    Guard(
        f"{RULES}/places.py",
        '            addresses.email(getattr(told, name) or "any@example.org", utf8=True)\n',
        "            pass\n",
        f"{TOLD}::test_families_can_write_and_call_where_they_are_told_to",
        "Families can write to where they are told to.",
    ),
    Guard(
        RIGHTS,
        "grants = staff.grants if staff and not staff.ended else []",
        "grants = staff.grants if staff else []",
        f"{HELD}::test_whoever_has_left_may_change_nothing",
        "Whoever has left may change nothing.",
    ),
    Guard(
        RIGHTS,
        'if g.role == "coordinator" and (u :=',
        "if (u :=",
        f"{HELD}::test_only_what_was_theirs_and_stays_theirs_is_changed",
        "A coordinator answers for units, not who only works there.",
    ),
    Guard(
        RIGHTS,
        "elif (before and not concerns(known, mine, before)) or not concerns(wanted, mine, after):",
        "elif not concerns(wanted, mine, after):",
        f"{HELD}::test_nothing_is_taken_from_others_and_nothing_handed_to_them",
        "Nothing is taken from others.",
    ),
    Guard(
        RIGHTS,
        "elif (before and not concerns(known, mine, before)) or not concerns(wanted, mine, after):",
        "elif before and not concerns(known, mine, before):",
        f"{HELD}::test_nothing_is_taken_from_others_and_nothing_handed_to_them",
        "Nothing is handed to others.",
    ),
    Guard(
        RIGHTS,
        "            here = entity.municipality in mine.municipalities\n",
        "            here = True\n",
        f"{HELD}::test_only_what_was_theirs_and_stays_theirs_is_changed",
        "A centre is changed in its own municipality.",
    ),
    Guard(
        RIGHTS,
        "            here = not mine.municipalities.isdisjoint(members(entity))\n",
        "            here = True\n",
        f"{HELD}::test_only_what_was_theirs_and_stays_theirs_is_changed",
        "An agreement is changed by those who take part in it.",
    ),
    Guard(
        RIGHTS,
        "            here = advisor is not None and advisor.unit in mine.units\n",
        "            here = advisor is not None\n",
        f"{HELD}::test_only_what_was_theirs_and_stays_theirs_is_changed",
        "A schedule is changed where its advisor is employed.",
    ),
    Guard(
        RIGHTS,
        '    if grant.role == "operator":\n        return False\n',
        '    if grant.role == "operator":\n        return True\n',
        f"{HELD}::test_only_own_roles_are_given_and_taken",
        "Nobody makes an operator but an operator.",
    ),
    Guard(
        RIGHTS,
        "        return centre is not None and centre.municipality in mine.municipalities\n",
        "        return centre is not None\n",
        f"{HELD}::test_only_own_roles_are_given_and_taken",
        "A nurse's role is given in the centre's own municipality.",
    ),
    Guard(
        RIGHTS,
        "        if grant not in after.grants and not may_grant(known, mine, grant):\n",
        "        if False:\n",
        f"{HELD}::test_only_own_roles_are_given_and_taken",
        "No role of others is taken away.",
    ),
    Guard(
        RIGHTS,
        "    if before and changed and not owns(known, mine, before):\n",
        "    if False:\n",
        f"{HELD}::test_a_colleague_of_several_units_is_changed_by_who_answers_for_all",
        "A colleague of several units is changed by who answers for all of them.",
    ),
    Guard(
        RIGHTS,
        "        if not all(advisor is None or concerns(known, mine, advisor) for advisor in advisors):\n",
        "        if False:\n",
        f"{HELD}::test_whose_days_are_ones_own_is_decided_where_the_advisor_is_employed",
        "Whose days somebody sees is decided where the advisor is employed.",
    ),
    Guard(
        RIGHTS,
        "        if had and (not has or after.ended):\n",
        "        if False:\n",
        f"{HELD}::test_nobody_takes_the_own_last_role_that_gives_roles",
        "Nobody takes the own last role that gives roles.",
    ),
    Guard(
        SUBMITTING,
        "    if before and (version := _version(sent)) < before.version:\n",
        "    if before and (version := before.version) < before.version:\n",
        f"{PAGES}::test_of_two_who_save_at_once_one_is_told",
        "Of two who save at once the second is told.",
    ),
    Guard(
        SUBMITTING,
        "if outcome.later or entity is None or outcome.wrong:",
        "if outcome.later or entity is None:",
        f"{PAGES}::test_what_is_anothers_cannot_be_changed_whatever_is_sent",
        "What is another's is not changed, whatever is sent.",
    ),
    Guard(
        IMPORTING,
        "    if who != history.IMPORT:\n",
        "    if False:\n",
        "tests/directory/test_files.py::test_a_file_is_refused_with_its_lines_in_the_readers_language",
        "Who sends a file changes what they answer for.",
    ),
    Guard(
        IMPORTING,
        "        raise Rejected(faults)\n    return planned",
        "        pass\n    return planned",
        f"{FAULTS}[shares below 100]",
        "Of a file with a fault nothing is taken.",
    ),
    Guard(
        "services/directory/tables.py",
        "    await connection.execute(select(func.pg_advisory_xact_lock(LOCK)))\n",
        "",
        "tests/directory/test_importing.py::test_two_imports_at_once_take_turns",
        "Those who change the register take turns.",
    ),
    Guard(
        OWN_TIME,
        "if person.advisor and s.advisor == person.advisor]",
        "]",
        "tests/directory/test_own_time.py::test_whoever_has_no_days_of_their_own_changes_nobodys",
        "Leave is written into one's own days.",
    ),
    Guard(
        f"{RULES}/offerings.py",
        'if entity.documentation == "anonymous" and (entity.retention_days or 0) > ANONYMOUS_DAYS:',
        "if False:",
        f"{FAULTS}[an identity kept for longer than anonymous means]",
        "What is anonymous keeps an identity for thirty days at most.",
    ),
    Guard(
        f"{RULES}/offerings.py",
        "        if unit is not None and unit.municipality != code:\n",
        "        if False:\n",
        f"{FAULTS}[a unit of another municipality]",
        "A municipality's families are answered for by a unit of its own.",
    ),
    Guard(
        "services/directory/epochs.py",
        "same = row is not None and row.identity == await connection.scalar(text(IDENTITY))",
        "same = row is not None",
        "tests/flows/test_epochs.py::test_an_older_copy_of_the_register_is_followed_and_so_are_its_next_changes",
        "A restored database begins an epoch by itself.",
    ),
    Guard(
        "services/directory/epochs.py",
        " || '/' || 'epoch'::regclass::oid\n",
        "\n",
        "tests/directory/test_epochs.py::test_tables_that_were_read_back_from_a_dump_begin_an_epoch",
        "Tables that were read back into the same database begin an epoch.",
    ),
    Guard(
        "services/directory/epochs.py",
        "max(now, last + timedelta(microseconds=1)) if last else now",
        "now",
        "tests/directory/test_epochs.py::test_each_epoch_is_later_than_the_one_before_whatever_the_clock_says",
        "A clock that goes back begins no epoch of the past.",
    ),
    Guard(
        "services/directory/epochs.py",
        "        rows.append(outbox.row(REGISTER, entity_id=kind, data=there, now=now, epoch=began))\n",
        "        assert there\n",
        "tests/flows/test_epochs.py::test_what_was_forged_is_gone_after_a_resync",
        "What was never in the register ends with a resync.",
    ),
)
