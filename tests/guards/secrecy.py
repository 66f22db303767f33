"""Who sees whose families, what is written down of that, and when an identity ends."""

from tests.guards.guard import Guard

POLICIES = "services/booking/migrations/versions/0003_secrecy.py"
LOG = "services/booking/migrations/versions/0004_read_log.py"
REVIEWS = "services/booking/migrations/versions/0006_reviews.py"
PROTECTED = "services/booking/migrations/versions/0007_families.py"
ROWS = "tests/secrecy/test_rows.py"
READ_LOG = "tests/booking/test_read_log.py"
OF_PROTECTED = "tests/booking/test_protected.py"
TOLD = "services/booking/migrations/versions/0015_history.py"
HISTORY = "tests/agenda/test_history.py"
BY_REFERENCE = f"{HISTORY}::test_a_reference_tells_of_its_own_booking_and_names_nobody"
RETENTION = "tests/booking/test_retention_rules.py"
SERVICE = "services/booking/families/service.py"
FAMILIES = "tests/booking/test_families.py"
DAYS = "tests/agenda/test_days.py"
TAKEN = f"{DAYS}::test_time_of_a_unit_where_the_advisor_is_something_else_is_taken_without_more"
BY_NUMBER = "tests/agenda/test_phone.py::test_a_number_finds_its_families_also_those_of_which_one_byte_is_kept"

GUARDS = (
    Guard(
        "services/booking/agenda/entry.py",
        'person.units("advisor")',
        'person.units("advisor", "coordinator")',
        f"{TAKEN}[coordinator]",
        "Who only answers for a unit does not see its families in a working day.",
    ),
    Guard(
        "services/booking/agenda/entry.py",
        'person.units("advisor")',
        'person.units("advisor", "reviewer")',
        f"{TAKEN}[reviewer]",
        "Who only reviews a unit does not see its families in a working day.",
    ),
    Guard(
        "services/booking/agenda/entry.py",
        'if opened.unit not in person.units("reviewer"):',
        'if not person.units("reviewer"):',
        f"{HISTORY}::test_who_read_of_the_family_is_shown_to_reviewers_of_the_unit_alone",
        "Who reviews another unit is not led to who read of a family of this one.",
    ),
    Guard(
        TOLD,
        "using (reference = (select given_reference()) and not protected);",
        "using (reference = (select given_reference()));",
        f"{HISTORY}::test_of_a_protected_family_nothing_is_told_by_reference",
        "Of a protected family's booking an operator is told nothing.",
    ),
    Guard(
        TOLD,
        "using (reference = (select given_reference()) and not protected);",
        "using ((select given_reference()) <> '' and not protected);",
        BY_REFERENCE,
        "A reference tells of its own booking.",
    ),
    Guard(
        TOLD,
        "using (exists (select from booking b where b.id = booking_change.booking));",
        "using ((select given_reference()) <> '');",
        BY_REFERENCE,
        "A reference tells what was done to its own booking.",
    ),
    Guard(
        TOLD,
        "using (exists (select from booking b where b.id = message.booking));",
        "using ((select given_reference()) <> '');",
        BY_REFERENCE,
        "A reference tells of its own booking's messages.",
    ),
    Guard(
        TOLD,
        "using (exists (select from booking b where b.id = attention.booking));",
        "using ((select given_reference()) <> '');",
        BY_REFERENCE,
        "A reference tells whether its own family was reached.",
    ),
    Guard(
        TOLD,
        "    booking = (select id from booking) or booking is null and family = (select family from booking)\n",
        "    (select given_reference()) <> ''\n",
        BY_REFERENCE,
        "A reference tells that its own booking was read.",
    ),
    Guard(
        SERVICE,
        "                found = await _due(connection, [family for family, _ in found], now)\n",
        "",
        f"{FAMILIES}::test_who_is_booked_for_between_the_first_look_and_the_lock_stays_known",
        "Retention asks again once it has the family's row.",
    ),
    Guard(
        SERVICE,
        "                await tables.lock(connection, [family for family, _ in found])\n",
        "",
        f"{FAMILIES}::test_who_is_booked_for_between_the_first_look_and_the_lock_stays_known",
        "Retention waits for whoever books for the family.",
    ),
    Guard(
        POLICIES,
        "create policy held on booking to booking, booking_sweep using (status = 'held');",
        "create policy held on booking to booking, booking_sweep using (true);",
        f"{ROWS}::test_without_a_right_no_family_is_found[booking]",
        "Without a right only holds are found.",
    ),
    Guard(
        PROTECTED,
        "create policy of_units on booking for select to booking using (\n"
        "    unit = any ((select given_units())::text[])\n    and (not protected",
        "create policy of_units on booking for select to booking using (\n    (not protected",
        f"{ROWS}::test_staff_find_what_is_of_their_unit_and_nothing_else",
        "Staff find the bookings of their units alone.",
    ),
    Guard(
        PROTECTED,
        "create policy of_units on family for select to booking using (\n"
        "    unit = any ((select given_units())::text[])\n    and (protection",
        "create policy of_units on family for select to booking using (\n    (protection",
        f"{ROWS}::test_staff_find_what_is_of_their_unit_and_nothing_else",
        "Staff find the families of their units alone.",
    ),
    Guard(
        POLICIES,
        "create policy of_token on booking for select to booking using (token_hash = (select given_token()));",
        "create policy of_token on booking for select to booking using ((select given_token()) is not null);",
        f"{ROWS}::test_a_link_opens_its_own_booking",
        "A link opens its own booking.",
    ),
    Guard(
        POLICIES,
        "using (id = (select family from booking where token_hash = (select given_token())));",
        "using ((select given_token()) is not null);",
        f"{ROWS}::test_a_link_opens_its_own_booking",
        "A link shows its own family.",
    ),
    Guard(
        POLICIES,
        "to booking, booking_answer using (id = (select given_booking()));",
        "to booking, booking_answer using ((select given_booking()) is not null);",
        f"{ROWS}::test_the_answer_is_of_one_booking",
        "Who answers about a booking sees that one.",
    ),
    Guard(
        POLICIES,
        "using (id = (select family from booking where id = (select given_booking())));",
        "using ((select given_booking()) is not null);",
        f"{ROWS}::test_the_answer_is_of_one_booking",
        "Who answers about a booking sees its family.",
    ),
    Guard(
        POLICIES,
        "for select to booking using (key = (select given_key()));",
        "for select to booking using ((select given_key()) is not null);",
        f"{ROWS}::test_a_key_opens_its_own_answer",
        "A key opens its own answer.",
    ),
    Guard(
        POLICIES,
        "create policy old on idempotency to booking_sweep using (created_at < (select given_before()));",
        "create policy old on idempotency to booking_sweep using (true);",
        f"{ROWS}::test_the_sweep_sees_how_old_keys_are_and_nothing_else_of_them",
        "The sweeper forgets keys that are old, and no others.",
    ),
    Guard(
        POLICIES,
        "alter table booking enable row level security, force row level security;",
        "alter table booking enable row level security;",
        "tests/secrecy/test_catalogue.py::test_a_table_has_policies_or_a_reason_to_need_none",
        "Policies hold for the owner of the table too.",
    ),
    Guard(
        LOG,
        "create policy of_units on read_log for select to booking_review using (unit = any",
        "create policy of_units on read_log for select to booking_review using (true or unit = any",
        f"{READ_LOG}::test_a_reviewer_sees_what_was_read_of_own_units_and_no_family",
        "A reviewer sees what was read of the own units.",
    ),
    Guard(
        LOG,
        "    if staff is null then\n",
        "    if false then\n",
        f"{READ_LOG}::test_a_transaction_that_does_not_say_who_reads_cannot_write",
        "What is read is written with who read it.",
    ),
    Guard(
        LOG,
        "check (why ~ '^[a-z][a-z -]*( > [a-z][a-z -]*)*$' and length(why) <= 80)",
        "check (length(why) <= 80)",
        f"{READ_LOG}::test_a_way_is_told_in_plain_words_alone",
        "The way to what was read is told in plain words, with nobody's name among them.",
    ),
    Guard(
        LOG,
        "into strict head from public.read_log_head h for update;",
        "into strict head from public.read_log_head h;",
        f"{READ_LOG}::test_sixteen_who_read_at_once_leave_one_chain_without_gaps",
        "Those who read at once write one after the other.",
    ),
    Guard(
        "services/booking/reviews/rules.py",
        "    if entry.hash != digest(entry, last.hash):\n",
        "    if False:\n",
        f"{READ_LOG}::test_any_change_of_one_value_is_found_at_its_row",
        "A row of the log that was changed is found.",
    ),
    Guard(
        "services/booking/reviews/rules.py",
        "    if entry.id > last.id + 1:\n",
        "    if False:\n",
        f"{READ_LOG}::test_a_row_that_is_gone_is_found",
        "A row of the log that is gone is found where it stood.",
    ),
    Guard(
        "services/booking/reviews/rules.py",
        "    if last.id < written.id:\n",
        "    if False:\n",
        f"{READ_LOG}::test_a_row_that_is_gone_is_found",
        "The end of the log that was cut off is found.",
    ),
    Guard(
        "services/booking/reviews/service.py",
        "    if role is None:\n        raise NotAllowed\n",
        "    role = role or 'advisor'\n",
        f"{READ_LOG}::test_whoever_holds_no_role_for_the_unit_is_refused_and_nothing_is_written",
        "Whoever holds no role for the unit is shown nothing.",
    ),
    Guard(
        "services/booking/reviews/service.py",
        'if not drawn.rows or [str(row["id"]) for row in drawn.rows] != list(seen):',
        "if not drawn.rows:",
        "tests/booking/test_review_pages.py::test_only_the_rows_that_were_seen_are_signed_off",
        "A reviewer signs off what was shown.",
    ),
    Guard(
        REVIEWS,
        " and l.staff <> reviewer\n",
        "\n",
        "tests/booking/test_review_pages.py::test_what_one_read_oneself_is_left_to_others",
        "Nobody signs off what they read themselves.",
    ),
    Guard(
        PROTECTED,
        "    and (protection = 'none' or exists (select from family_access a where a.family = family.id))\n",
        "",
        f"{OF_PROTECTED}::test_only_named_staff_see_the_family_and_its_booking",
        "A protected family is seen by named staff alone.",
    ),
    Guard(
        PROTECTED,
        "create policy of_units on booking for select to booking using (\n"
        "    unit = any ((select given_units())::text[])\n"
        "    and (not protected or exists (select from family_access a where a.family = booking.family))\n",
        "create policy of_units on booking for select to booking using (\n"
        "    unit = any ((select given_units())::text[])\n",
        f"{OF_PROTECTED}::test_only_named_staff_see_the_family_and_its_booking",
        "A protected family's booking is seen by named staff alone.",
    ),
    Guard(
        PROTECTED,
        "create policy own on family_access for select to booking using (staff = (select given_staff()));",
        "create policy own on family_access for select to booking using (true);",
        f"{OF_PROTECTED}::test_only_named_staff_see_the_family_and_its_booking",
        "To be named is to be named oneself.",
    ),
    Guard(
        PROTECTED,
        "create policy of_units on family_access for insert to booking with check "
        "(unit = any ((select given_units())::text[]));",
        "create policy of_units on family_access for insert to booking with check (true);",
        f"{OF_PROTECTED}::test_staff_cannot_name_somebody_for_a_family_of_another_unit",
        "Staff name who sees a family of their own unit.",
    ),
    Guard(
        PROTECTED,
        "grant select (id, unit, protection, created_at, erased_at, erasing),",
        "grant select,",
        f"{FAMILIES}::test_what_ends_identities_reads_none",
        "What ends identities reads none.",
    ),
    Guard(
        "services/booking/bookings/service.py",
        "secrets.token_bytes(32) if protected else token_hash(links.token(booking))",
        "token_hash(links.token(booking))",
        f"{OF_PROTECTED}::test_there_is_no_manage_link",
        "No link opens a protected family's booking, not even one that can be made.",
    ),
    Guard(
        "services/booking/bookings/service.py",
        "    shown = not is_protected(whose.protection)\n",
        "    shown = True\n",
        f"{OF_PROTECTED}::test_there_is_no_manage_link",
        "No link is given for a protected family's booking.",
    ),
    Guard(
        "services/booking/bookings/service.py",
        '    if is_protected(row["protection"]):\n',
        "    if False:\n",
        f"{OF_PROTECTED}::test_notification_is_told_how_to_reach_the_family_and_whom_it_may_call",
        "Of a protected family's booking no message tells anything.",
    ),
    Guard(
        "services/booking/bookings/service.py",
        'if row is None or row["sealed"] is None or row["erased_at"]:',
        'if row is None or row["sealed"] is None:',
        f"{FAMILIES}::test_whoever_dies_in_between_leaves_what_the_next_run_finishes",
        "A family is told nothing more once it is decided that its identity goes.",
    ),
    Guard(
        "services/booking/bookings/service.py",
        "        raise FamilyErased\n",
        "        pass\n",
        f"{FAMILIES}::test_who_books_for_a_family_that_is_just_being_erased_finds_it_erased",
        "Nobody books for a family that is erased meanwhile.",
    ),
    Guard(
        "services/booking/agenda/phone_pages.py",
        "if contact and contact.phone == number}",
        "if contact}",
        BY_NUMBER,
        "A telephone number finds its own families, not those whose fingerprint begins alike.",
    ),
    Guard(
        "services/booking/families/tables.py",
        "        [fingerprint, fingerprint[:1]],\n",
        "        [fingerprint],\n",
        BY_NUMBER,
        "Families that were known before fingerprints were whole are found all the same.",
    ),
    Guard(
        SERVICE,
        "                raise StillBooked\n",
        "                pass\n",
        f"{FAMILIES}::test_who_asks_is_erased_but_not_while_a_time_is_to_come",
        "Nobody is erased while a time is to come.",
    ),
    Guard(
        SERVICE,
        "        await vault.destroy(some)\n",
        "",
        f"{FAMILIES}::test_who_asks_is_erased_but_not_while_a_time_is_to_come",
        "The key of who is erased is destroyed.",
    ),
    Guard(
        SERVICE,
        "    await vault.destroy(lately)\n",
        "",
        f"{FAMILIES}::test_identities_end_by_their_rule_and_nothing_else_does",
        "Keys that a restored backup brings back go again.",
    ),
    Guard(
        "services/booking/families/tables.py",
        "sealed = null, phone_fingerprint = null, email_fingerprint = null, erasing = false",
        "phone_fingerprint = null, email_fingerprint = null, erasing = false",
        f"{FAMILIES}::test_identities_end_by_their_rule_and_nothing_else_does",
        "What was sealed is cleared away.",
    ),
    Guard(
        "services/booking/families/tables.py",
        "sealed = null, phone_fingerprint = null, email_fingerprint = null, erasing = false",
        "sealed = null, email_fingerprint = null, erasing = false",
        f"{FAMILIES}::test_identities_end_by_their_rule_and_nothing_else_does",
        "So is the fingerprint of the number.",
    ),
    Guard(
        "services/booking/families/rules.py",
        "days = min(offering.retention_days or ANONYMOUS_DAYS, ANONYMOUS_DAYS)",
        "days = offering.retention_days or ANONYMOUS_DAYS",
        f"{RETENTION}::test_the_rule_of_an_offering",
        "Anonymous is thirty days at most.",
    ),
    Guard(
        "services/booking/families/rules.py",
        "return rule if now >= last else None",
        "return rule if now > last else None",
        f"{RETENTION}::test_the_rule_of_an_offering",
        "An identity ends at the instant that the rule names.",
    ),
    Guard(
        "services/booking/agenda/service.py",
        'if row is None or row["advisor"] != own(person):',
        "if row is None:",
        f"{DAYS}::test_nobody_sees_another_advisors_days",
        "Nobody opens another advisor's booking.",
    ),
    Guard(
        "services/booking/agenda/service.py",
        'if item.family and item.view and item.view.status != "cancelled"]',
        "if item.family and item.view]",
        f"{DAYS}::test_a_hold_and_a_cancelled_booking_show_nobody",
        "A cancelled booking shows nobody.",
    ),
    Guard(
        "services/booking/agenda/tables.py",
        '{answering("o", "m.id")} = any($1)',
        "cardinality($1::text[]) > 0",
        "tests/agenda/test_phone.py::test_nobody_books_for_a_unit_without_a_role_there",
        "Nobody books for a unit without a role there.",
    ),
    Guard(
        "services/booking/agenda/phone.py",
        'if booking is None or (family and booking["unit"] != await tables.unit_of_family(connection, family)):',
        "if booking is None:",
        "tests/agenda/test_phone.py::test_a_family_of_another_unit_cannot_be_booked_for_by_its_id",
        "A family stays with the unit that knows it.",
    ),
    Guard(
        "services/kit/vault/sealing.py",
        "return AESGCM(key).decrypt(nonce, text, _FORMAT + owner.bytes)",
        "return AESGCM(key).decrypt(nonce, text, _FORMAT + sealed[:0] + owner.bytes[:0])",
        "tests/kit/test_vault.py::test_what_is_sealed_opens_as_it_was_and_for_its_owner_alone",
        "What is sealed for one family opens for no other.",
    ),
    Guard(
        "services/kit/vault/store.py",
        'hmac.digest(key, f"{kind}',
        'hmac.digest(b"", f"{kind}',
        "tests/kit/test_vault.py::test_a_fingerprint_is_the_same_for_the_same_text_wherever_the_same_store_makes_it",
        "A fingerprint says nothing to whoever lacks the key of the store.",
    ),
    Guard(
        "services/kit/vault/store.py",
        "if (made := self._ready.popleft()).created_at > now - FRESH:",
        "if made := self._ready.popleft():",
        "tests/kit/test_vault.py::test_a_process_gives_no_key_out_that_could_be_tidied_away",
        "No key is given out that could be destroyed as unused.",
    ),
    Guard(
        "services/kit/vault/store.py",
        "if id_ not in theirs]",
        "]",
        "tests/kit/test_vault.py::test_keys_that_no_family_got_are_destroyed_after_a_day_and_used_ones_are_asked_for_once",
        "Keys that families have are not tidied away.",
    ),
    Guard(
        "services/booking/bookings/links.py",
        "return hashlib.sha256(token.encode()).digest()",
        "return token.encode()[:32]",
        "tests/booking/test_booking_rules.py::test_what_is_kept_of_a_link_does_not_lead_back_to_it",
        "Of a link only the hash is stored.",
    ),
)
