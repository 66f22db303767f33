"""What a code proves, how often one is sent, and what a proved contact opens."""

from tests.guards.guard import Guard

MIGRATION = "services/booking/migrations/versions/0024_proof.py"
RULES = "services/booking/proofs/rules.py"
TABLES = "services/booking/proofs/tables.py"
SERVICE = "services/booking/proofs/service.py"
ENTRY = "services/booking/proofs/entry.py"
SENDING = "services/notification/codes.py"
PROOFS = "tests/proofs/test_proofs.py"
BARE = "tests/proofs/test_rules.py"
CODES = "tests/notification/test_codes.py"
RENEWED = "services/booking/migrations/versions/0027_renewed.py"
CHANGING = "tests/proofs/test_change.py"
PAGES = "services/booking/proofs/pages.py"
ON_PAGES = "tests/proofs/test_pages.py"
SHOWN = f"{PROOFS}::test_the_database_shows_who_proved_a_contact_its_bookings_and_no_others"
TRIED = f"{PROOFS}::test_five_tries_are_all_there_are_also_at_once"
NOBODY = f"{PROOFS}::test_the_code_of_a_contact_that_nobody_booked_with_proves_nothing"
SAME = f"{PROOFS}::test_a_contact_nobody_booked_with_is_sent_nothing_and_answered_the_same"
VOIDED = f"{PROOFS}::test_a_new_code_voids_the_former_and_the_same_request_sends_none"
OVER = f"{PROOFS}::test_a_code_is_over_after_ten_minutes"
KEPT = f"{PROOFS}::test_what_is_kept_of_proofs_goes_after_a_day_and_with_the_family"
HIDDEN = f"{PROOFS}::test_a_protected_or_erased_family_is_sent_nothing"

PRESSED = "tests/proofs/test_pressed.py"

GUARDS = (
    Guard(
        ENTRY,
        """        if await service.fingerprint(keys, way, now) == proof["fingerprint"]:
            raise SameContact
""",
        "",
        f"{CHANGING}::test_a_contact_does_not_take_its_own_place",
        "Nobody is told that another took their place who kept it.",
    ),
    Guard(
        TABLES,
        "where id = $1 and tries < $2 and proved_at is null and expires_at > $3 and not tells\nreturning",
        "where id = $1 and tries < $2 and proved_at is null and expires_at > $3 - interval '1 hour'\nreturning",
        OVER,
        "A code is over when its ten minutes are.",
    ),
    Guard(
        SERVICE,
        "raise CodeGone if tried",
        "raise WrongCode if tried",
        TRIED,
        "The last wrong try says that the code is gone.",
    ),
    Guard(
        SERVICE,
        'if not (right and tried["family"]):',
        "if not right:",
        NOBODY,
        "A guess proves nothing where nobody was sent a code.",
    ),
    Guard(
        TABLES,
        "\nwhere id = $1 and proved_at is null and expires_at > $2 and family is not null\n",
        "\nwhere id = $1 and expires_at > $2 and family is not null\n",
        f"{PROOFS}::test_of_many_at_once_with_the_right_code_one_proves",
        "Of two who have the right code at once, one proves.",
    ),
    Guard(
        SERVICE,
        "    await tables.void(connection, fingerprint, now, to_book=to_book)\n",
        "",
        VOIDED,
        "A new code voids the former.",
    ),
    Guard(
        SERVICE,
        "    if await tables.is_asked(connection, proof):\n        return\n",
        "    if await tables.is_asked(connection, proof):\n        proof = UUID(int=proof.int ^ 1)\n",
        VOIDED,
        "A form that is sent twice sends one code.",
    ),
    Guard(
        SERVICE,
        "    await tables.lock(connection, fingerprint)\n",
        "",
        f"{PROOFS}::test_many_requests_at_once_for_a_number_are_bound_as_well",
        "Many requests at once send no more codes than one after the other.",
    ),
    Guard(
        SERVICE,
        "    if wait := rules.wait(await tables.asked(connection, fingerprint, to_book=to_book), now):\n",
        "    if (wait := rules.wait(await tables.asked(connection, fingerprint), now)) and whose:\n",
        SAME,
        "A number is asked for so often, be it known or not.",
    ),
    Guard(
        SERVICE,
        "counts = tables.count if whose else tables.has_room",
        "counts = tables.count",
        SAME,
        "Whoever makes numbers up does not use a country's codes.",
    ),
    Guard(
        SERVICE,
        "        if not await counts(connection, now.date(), country, most // 2 if to_book else most):",
        "        if not await counts(connection, now.date(), country, 2000):",
        f"{PROOFS}::test_a_country_gets_so_many_codes_a_day",
        "Nobody runs up a bill with codes abroad.",
    ),
    Guard(
        SERVICE,
        "    elif whose.sealed is None and not await tables.has_contact(connection, whose.family, fingerprint):\n"
        "        raise NotFound\n",
        "",
        f"{PROOFS}::test_a_family_that_is_known_proves_its_own_contact_alone",
        "A family proves the contact that is its own.",
    ),
    Guard(
        ENTRY,
        "    if not runtime.limits.admits(CODES, client, now):",
        "    if not runtime.limits.admits(CODES, client, now, number=0):",
        f"{PROOFS}::test_one_client_asks_for_so_many",
        "One client does not have codes sent to a whole town.",
    ),
    Guard(
        ENTRY,
        '    if way.channel == "sms" and not addresses.takes_sms(way.to):\n        raise NoSms("contact")\n',
        "",
        f"{PROOFS}::test_a_number_that_takes_no_sms_is_said_to",
        "Nobody waits for an SMS that cannot come.",
    ),
    Guard(
        RULES,
        "            waits.append(lately[most - 1] + within - now)",
        "            waits.append(lately[0] + within - now)",
        f"{BARE}::test_one_more_is_asked_exactly_when_no_limit_is_reached",
        "Nobody is made to wait longer than the limit.",
    ),
    Guard(
        MIGRATION,
        "using (protection = 'none' and id = (select family from proof where id = (select given_proof())));",
        "using (id = (select family from proof where id = (select given_proof())));",
        HIDDEN,
        "A family of protected identity is sent no code.",
    ),
    Guard(
        TABLES,
        "(f.sealed is not null and f.erased_at is null)",
        "f.sealed is not null",
        HIDDEN,
        "A family that is erased is sent no code.",
    ),
    Guard(
        RENEWED,
        " and ends_at > (select given_before())",
        "",
        SHOWN,
        "What a proof opens is closed after half an hour.",
    ),
    Guard(
        RENEWED,
        "and (booking.by_email or f.phone_fingerprint in (select fingerprint from proof))",
        "and true",
        SHOWN,
        "Whoever proves an address sees nothing of what may not be told to it.",
    ),
    Guard(
        RENEWED,
        "alter policy of_proved on family using (\n    protection = 'none' and erased_at",
        "alter policy of_proved on family using (\n    erased_at",
        SHOWN,
        "A proof shows no family of protected identity.",
    ),
    Guard(
        "services/booking/families/service.py",
        "            await proofs.forget(connection, now - KEPT, some)\n",
        "",
        KEPT,
        "Proofs go with the family.",
    ),
    Guard(
        "services/booking/families/service.py",
        "        await proofs.forget(connection, now - KEPT)\n",
        "",
        KEPT,
        "Proofs are kept for a day.",
    ),
    Guard(
        PAGES,
        "        await entry.end(running, token)\n",
        "        pass\n",
        f"{ON_PAGES}::test_whoever_has_the_contact_comes_to_the_bookings",
        "Whoever stops showing bookings leaves no cookie that shows them.",
    ),
    Guard(
        PAGES,
        'return "__Host-samtid-mina" if _is_safe(running) else "samtid-mina"',
        'return "samtid-mina"',
        f"{ON_PAGES}::test_with_https_no_other_host_can_set_the_cookie",
        "No other host of the domain sets the cookie of a proof.",
    ),
    Guard(
        PAGES,
        "proof=_proof_of(running, sent),\n        )\n    except Invalid as refusal:",
        ")\n    except Invalid as refusal:",
        f"{ON_PAGES}::test_a_form_sent_twice_and_a_page_in_the_other_language_send_one_code",
        "Two clicks send one code, which is the one that the page asks for.",
    ),
    Guard(
        RENEWED,
        "    phone_fingerprint in (select fingerprint from proof where token_hash = (select given_renewed()))\n    or",
        "    true or",
        f"{CHANGING}::test_the_database_puts_nothing_in_place_that_was_not_proved",
        "A family gets no contact that nobody proved.",
    ),
    Guard(
        ENTRY,
        '        if proof["channel"] != way.channel:\n            raise OtherKind\n',
        "",
        f"{CHANGING}::test_an_address_is_changed_for_an_address_alone",
        "Whoever proves an address does not change the number, which may be another's.",
    ),
    Guard(
        ENTRY,
        'if mine is None or found["sealed"] is None or found',
        "if mine is None or found",
        f"{CHANGING}::test_the_code_of_another_proof_changes_nothing",
        "A code that was asked for something else changes nothing.",
    ),
    Guard(
        TABLES,
        ' where id = $1 and sealed = $2",',
        ' where id = $1 and $2::bytea is not null",',
        f"{CHANGING}::test_what_was_changed_meanwhile_is_not_overwritten",
        "A number that a family gave meanwhile is not lost.",
    ),
    Guard(
        TABLES,
        '        " and not tells and (language is not null) = $3",\n',
        '        " and (language is not null) = $3",\n',
        f"{CHANGING}::test_a_new_number_is_all_bookings_and_the_old_one_is_told",
        "Nobody keeps a contact from being told by asking for a code.",
    ),
    Guard(
        SENDING,
        "        if code is not None and runtime.clock() < due.expires_at:",
        "        if code is not None:",
        f"{CODES}::test_nothing_is_sent_that_is_over_used_or_of_nobody",
        "A code that is over is not sent.",
    ),
    Guard(
        "services/notification/delivery.py",
        "            senders[0] = (codes.send_one,)\n",
        "            pass\n",
        f"{CODES}::test_a_code_does_not_wait_behind_messages",
        "A code does not wait behind a server that hangs.",
    ),
    Guard(
        "services/notification/rules.py",
        "    return again if again < expires else None",
        "    return again",
        f"{CODES}::test_a_code_is_tried_again_within_its_time_alone",
        "A code is given up when it is over.",
    ),
    Guard(
        "services/notification/render.py",
        "        if gsm.parts(text) == 1 or len(town) <= SHORT:",
        "        if True:",
        f"{CODES}::test_a_code_is_one_part_whatever_the_name",
        "No name makes a code cost more than one part.",
    ),
    Guard(
        "services/booking/bookings/tables.py",
        '    if row["pressed"]:\n        return "not proved"\n',
        "",
        f"{PRESSED}::test_whoever_has_proved_the_contact_books_once_with_it",
        "Who is asked for a proof is told so, and not that the time is taken.",
    ),
    Guard(
        "services/booking/bookings/tables.py",
        "select single and within and not pressed as alone",
        "select single and within as alone",
        "tests/booking/test_attack.py::test_bookings_in_made_up_names_leave_nine_tenths_of_a_pool",
        "Made-up names take no pool.",
    ),
    Guard(
        "services/booking/bookings/tables.py",
        ', "family_pkey": "not proved"',
        "",
        f"{PRESSED}::test_whoever_has_proved_the_contact_books_once_with_it",
        "One proof is for one booking.",
    ),
    Guard(
        "services/booking/proofs/pressed.py",
        """    if not _is_for(runtime, contact, proof):
        return None
""",
        "",
        f"{PRESSED}::test_whoever_has_proved_the_contact_books_once_with_it",
        "A proof is for the contact that a code was sent to.",
    ),
    Guard(
        "services/booking/proofs/tables.py",
        "where id = $1 and language is not null and proved_at > $2",
        "where id = $1 and language is not null",
        f"{PRESSED}::test_whoever_has_proved_the_contact_books_once_with_it",
        "A code is confirmed before it counts.",
    ),
    Guard(
        "services/booking/migrations/versions/0026_pressed.py",
        "    if lately < 4 * usual then\n        return false;\n    end if;\n",
        "",
        f"{PRESSED}::test_what_is_usual_is_no_pressure",
        "What is usual asks nobody for a code.",
    ),
    Guard(
        "services/booking/migrations/versions/0026_pressed.py",
        "f.phone_proved_at is null and f.email_proved_at is null",
        "true",
        f"{PRESSED}::test_what_is_proved_or_cancelled_or_booked_by_staff_presses_nobody",
        "Who has proved a contact presses nobody.",
    ),
    Guard(
        "services/booking/bookings/entry.py",
        "            runtime.limits.give_back(BOOKINGS, client, runtime.clock())\n",
        "            pass\n",
        f"{PRESSED}::test_who_is_asked_for_a_proof_has_not_booked",
        "Being asked for a code uses up nobody's bookings.",
    ),
    Guard(
        "services/booking/migrations/versions/0026_pressed.py",
        " and b.status <> 'cancelled'",
        "",
        f"{PRESSED}::test_what_was_booked_and_cancelled_makes_no_day_usual",
        "What was cancelled makes no day usual.",
    ),
    Guard(
        TABLES,
        '        " and not tells and (language is not null) = $3",\n',
        '        " and not tells and $3 is not null",\n',
        f"{PRESSED}::test_a_stranger_voids_no_code_and_uses_up_none",
        "Whoever asks to see bookings voids no code to book with.",
    ),
    Guard(
        SERVICE,
        "most // 2 if to_book else most",
        "most",
        f"{PRESSED}::test_codes_to_book_leave_half_of_the_days_to_those_who_have_booked",
        "Who books leaves codes for those who have booked.",
    ),
    Guard(
        "services/booking/bookings/pages.py",
        "            await _is_of(running, wish, hold)\n",
        "",
        f"{PRESSED}::test_a_page_of_before_books_the_time_that_it_shows",
        "A page books the time that it shows.",
    ),
    Guard(
        "services/booking/families/service.py",
        '        if known and known.renewed and row["phone_fingerprint"] != known.given:\n',
        "        if False:\n",
        "tests/agenda/test_numbers.py::test_of_two_numbers_that_are_given_at_once_the_second_is_not_dropped_in_silence",
        "Of two numbers given at once none is dropped in silence.",
    ),
)
