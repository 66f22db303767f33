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

AGREEMENT = f"{RULES}/agreement.py"
AGREEING = "services/directory/agreeing.py"
CROSSED = "tests/directory/test_agreement.py"
ASKED = f"{CROSSED}::test_a_reference_to_others_needs_their_yes"
SHARED = f"{CROSSED}::test_what_is_shared_is_changed_by_none_alone"
LEFT = f"{CROSSED}::test_a_municipality_leaves_an_agreement_with_its_notice"
PROPOSED = "tests/directory/test_proposals.py"
CONCERNED = f"{PROPOSED}::test_whom_it_does_not_concern_sees_nothing_and_answers_nothing"

GUARDS = (
    Guard(
        AGREEMENT,
        'yield ("families", code), Held(terms, owner | families, families)',
        'yield ("families", code), Held(terms, owner, families)',
        SHARED,
        "What a municipality's families are offered is agreed with it, not only kept apart.",
    ),
    Guard(
        AGREEMENT,
        'yield ("families", code), Held(terms, owner | families, families)',
        'yield ("families", code), Held(None, owner | families, families)',
        SHARED,
        "What a municipality's families read and are held to is changed with its yes.",
    ),
    Guard(
        AGREEMENT,
        "            both = _employer(register, advisor) | families\n",
        "            both = _employer(register, advisor)\n",
        SHARED,
        "Who meets a municipality's families is theirs to say too.",
    ),
    Guard(
        AGREEMENT,
        "        both = _employer(register, advisor) | owner\n",
        "        both = owner\n",
        f"{CROSSED}::test_an_advisor_of_others_is_lent_by_the_employer_whoever_it_is_for",
        "An advisor is lent by the employer, whatever for.",
    ),
    Guard(
        AGREEMENT,
        'answering = families | ({Party("unit", named)} if named else frozenset())',
        "answering = families",
        ASKED,
        "No unit answers for families without its yes.",
    ),
    Guard(
        AGREEMENT,
        'yield ("member", code), Held((own, common if stays else None), frozenset({_town(code)}))',
        'yield ("member", code), Held((own, common if stays else None), frozenset())',
        ASKED,
        "The terms of an agreement are all its members'.",
    ),
    Guard(
        AGREEMENT,
        "Held((own, common if stays else None)",
        "Held((own, None)",
        SHARED,
        "What an agreement says beside its terms is all its members' too.",
    ),
    Guard(
        AGREEMENT,
        "both = employer | ({_town(centre.municipality)} if centre else frozenset())",
        "both = employer",
        ASKED,
        "Nobody is at a municipality's place without its yes.",
    ),
    Guard(
        AGREEMENT,
        'yield ("at", place, name, part), Held(None, employer, both)',
        'yield ("at", place, name, part), Held(None, both, both)',
        f"{CROSSED}::test_more_hours_where_an_advisor_is_already_need_nobodys_yes",
        "When an advisor works is the employer's.",
    ),
    Guard(
        AGREEMENT,
        "frozenset(parties))\n    if staff.advisor:",
        "frozenset())\n    if staff.advisor:",
        f"{HELD}::test_a_colleague_of_several_units_is_changed_by_who_answers_for_all",
        "A colleague of several units is changed by who answers for all of them.",
    ),
    Guard(
        AGREEMENT,
        'yield ("advisor", staff.advisor), Held(None, employer, employer)',
        'yield ("advisor", staff.advisor), Held(None, frozenset())',
        f"{HELD}::test_whose_days_are_ones_own_is_decided_where_the_advisor_is_employed",
        "Whose days somebody sees is decided where the advisor is employed.",
    ),
    Guard(
        AGREEMENT,
        "        if becomes is None and was is not None and any(map(mine.covers, was.free)):\n",
        "        if becomes is None:\n",
        f"{CROSSED}::test_what_is_ones_own_is_taken_back_without_others",
        "What is taken back is one's own.",
    ),
    Guard(
        AGREEMENT,
        "and last.valid_from >= today + timedelta(days=before.notice_days)",
        "and last.valid_from >= today",
        LEFT,
        "An agreement is left with its notice.",
    ),
    Guard(
        AGREEMENT,
        "and all(share >= terms.shares[code] for code, share in last.shares.items())",
        "and True",
        LEFT,
        "Nobody who stays has a smaller share.",
    ),
    Guard(
        AGREEMENT,
        "and gone <= mine.municipalities",
        "and True",
        LEFT,
        "Who leaves, leaves for themselves.",
    ),
    Guard(
        f"{RULES}/offerings.py",
        "if code not in entity.units and owner is not None and owner.municipality != code:",
        "if False:",
        f"{FAULTS}[a municipality without a unit of its own]",
        "For each municipality of an offering a unit of its own answers.",
    ),
    Guard(
        AGREEING,
        "return stands.proposal.by == person or any(map(mine.covers, parties | answered))",
        "return True",
        CONCERNED,
        "A proposal is seen by those whom it concerns.",
    ),
    Guard(
        AGREEING,
        "    if not yours:\n        raise NotYoursToAnswer\n",
        "",
        CONCERNED,
        "Who proposes answers for nobody else.",
    ),
    Guard(
        AGREEING,
        "return frozenset(party for party in self.missing if not coordinated(known, party))",
        "return self.missing",
        CONCERNED,
        "An operator answers where nobody coordinates, and nowhere else.",
    ),
    Guard(
        AGREEING,
        "    if mine.everything and not reason:\n        raise ReasonNeeded\n",
        "",
        f"{PROPOSED}::test_an_agreement_is_changed_by_all_its_parties",
        "Who answers in another's place says why.",
    ),
    Guard(
        AGREEING,
        "    in_force = not stands.missing - yours\n",
        "    in_force = True\n",
        f"{PROPOSED}::test_an_agreement_is_changed_by_all_its_parties",
        "It needs every yes.",
    ),
    Guard(
        AGREEING,
        "    if in_force and (wrong := unfit(known, found)):\n        return wrong\n",
        "",
        f"{PROPOSED}::test_a_proposal_that_no_longer_fits_is_not_in_force",
        "The register's rules hold when a proposal comes into force.",
    ),
    Guard(
        AGREEING,
        "    if found.by != person:\n        raise NotFound\n",
        "",
        CONCERNED,
        "A proposal is taken back by who made it.",
    ),
    Guard(
        "services/directory/editing.py",
        '            await proposals.end(connection, one.id, "overtaken", now)\n',
        "            pass\n",
        f"{PROPOSED}::test_what_was_changed_meanwhile_is_not_overwritten",
        "What somebody changed meanwhile is not overwritten.",
    ),
    Guard(
        "services/directory/editing.py",
        '            await proposals.end(connection, one.id, "fallen", now)\n',
        "            pass\n",
        f"{PROPOSED}::test_a_proposal_falls_with_the_role_of_who_made_it",
        "A proposal falls with the role of who made it.",
    ),
    Guard(
        "services/directory/editing.py",
        "            await proposals.tell(",
        "            0 and await proposals.tell(",
        f"{PROPOSED}::test_ones_own_families_are_taken_out_at_once_and_the_others_are_told",
        "What is taken back is told to the others.",
    ),
    Guard(
        IMPORTING,
        "        waiting = [step for step in steps if agreement.needs(known, wanted, *step, mine, today)]\n",
        "",
        f"{PROPOSED}::test_nobody_takes_over_another_municipalitys_families",
        "A file takes nothing of others.",
    ),
    Guard(
        SUBMITTING,
        "    if agreement.needs(known, wanted, before, entity, rights.remit(known, person), editing.day_of(now)):\n",
        "    if False:\n",
        f"{PROPOSED}::test_an_agreement_is_changed_by_all_its_parties",
        "A form takes nothing of others.",
    ),
    Guard(
        RIGHTS,
        "        if held_by[0] != held_by[1]:\n",
        "        if False:\n",
        f"{HELD}::test_only_own_roles_are_given_and_taken",
        "Nobody makes an operator but an operator, nor unmakes one.",
    ),
    Guard(
        OWN_TIME,
        "        if agreement.needs(known, wanted, before, schedule, employer, editing.day_of(now)):\n",
        "        if False:\n",
        "tests/directory/test_own_time.py::test_no_extra_hours_at_a_place_of_others_without_their_yes",
        "Advisors put themselves nowhere where their employer's neighbours have not agreed to it.",
    ),
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
        "        raise Rejected(faults)\n    if not dry",
        "        pass\n    if not dry",
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
