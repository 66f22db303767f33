"""What sends each family what is true, once, and nothing else."""

from tests.guards.guard import Guard

RULES = "services/notification/rules.py"
TABLES = "services/notification/tables.py"
CHANNELS = "services/notification/channels.py"
CONTACT = "services/notification/contact.py"
BARE = "tests/notification/test_rules.py"
FACTS = "tests/notification/test_facts.py"
FINAL = "tests/notification/test_delivery.py::test_a_final_refusal_is_dead_at_once_and_a_passing_one_is_tried_again"
SENT = "tests/notification/test_delivery.py"
SAID = "tests/notification/test_channels.py"
RESENT = "tests/deploy/test_messages.py"
WAIT = '        return "wait"\n'
OLDER = '    if sequence < current:\n        return "superseded"\n'

GUARDS = (
    Guard(
        "services/notification/render.py",
        "if gsm.parts(text) <= MOST_PARTS:",
        "if True:",
        "tests/notification/test_sms.py::test_no_name_makes_it_longer_than_two_parts",
        "No name makes a text cost more than two parts.",
    ),
    Guard(
        "services/notification/gsm.py",
        "        if size > left:",
        "        if left <= 0:",
        "tests/notification/test_sms.py::test_parts_are_counted_as_they_are_sent",
        "A part that cannot hold the whole of an extended character is counted so.",
    ),
    Guard(
        "services/notification/delivery.py",
        "channel = rules.way(ways, message.attempts)",
        "channel = ways[0]",
        f"{SENT}::test_where_mail_is_always_put_off_the_ways_take_turns_until_one_takes_it",
        "A server that always says later does not cost a family its message.",
    ),
    Guard(
        RULES,
        "if moment >= at + QUIET_AFTER_FACT:",
        "if moment >= at:",
        f"{BARE}::test_reminders_only_where_their_moment_is_well_ahead",
        "Who has just booked needs no reminder.",
    ),
    Guard(
        RULES,
        'if fact != "cancelled":',
        "if fact:",
        f"{BARE}::test_a_change_renews_reminders_and_a_cancellation_has_none",
        "A cancelled time has no reminder.",
    ),
    Guard(
        RULES,
        "return again if again < due + LONGEST else None",
        "return again",
        f"{BARE}::test_delays_grow_and_go_on_while_a_message_is_of_use",
        "A message is given up in the end.",
    ),
    Guard(
        RULES,
        f'drop the message.\n    """\n    if sequence > current:\n{WAIT}',
        'drop the message.\n    """\n',
        f"{BARE}::test_verdict",
        "An answer that is older than the fact is waited for.",
    ),
    Guard(
        RULES,
        f"{OLDER}    match kind:",
        "    match kind:",
        f"{BARE}::test_verdict",
        "What a later fact replaced is not told.",
    ),
    Guard(
        RULES,
        'return "send" if now < end else "too_late"',
        'return "send"',
        f"{BARE}::test_verdict",
        "A cancellation is not told once the time is over.",
    ),
    Guard(
        RULES,
        "latest = start - REMINDERS[kind].until",
        "latest = start",
        f"{BARE}::test_verdict",
        "A reminder is not sent when the next one is near.",
    ),
    Guard(
        RULES,
        '    if status != "confirmed":\n        return "not_confirmed"\n    return "send" if now < latest',
        '    return "send" if now < latest',
        f"{BARE}::test_verdict",
        "Only of what is confirmed is anybody reminded.",
    ),
    Guard(
        RULES,
        'return "send" if now < latest else "too_late"',
        'return "send"',
        f"{BARE}::test_verdict",
        "A confirmation is not sent once the time has begun.",
    ),
    Guard(
        RULES,
        f'`over`."""\n    if sequence > current:\n{WAIT}',
        '`over`."""\n',
        f"{BARE}::test_verdict_on_notice",
        "Of a protected family too, an older answer is waited for.",
    ),
    Guard(
        RULES,
        f'{OLDER}    if kind != "cancellation"',
        '    if kind != "cancellation"',
        f"{BARE}::test_verdict_on_notice",
        "Of a protected family too, what a later fact replaced is not told.",
    ),
    Guard(
        RULES,
        'if kind != "cancellation" and status != "confirmed":',
        "if False:",
        f"{BARE}::test_verdict_on_notice",
        "Of a protected family too, only what is confirmed is told.",
    ),
    Guard(
        RULES,
        'return "too_late" if over else "send"',
        'return "send"',
        f"{BARE}::test_verdict_on_notice",
        "A protected family is told nothing of what is over.",
    ),
    Guard(
        TABLES,
        "        where=booking_table.c.sequence < statement.excluded.sequence,\n",
        "",
        f"{FACTS}::test_any_order_plans_the_same",
        "An older fact that comes late plans nothing.",
    ),
    Guard(
        TABLES,
        'dropped.values(status="dropped", last_error="superseded", **_ONE_MORE)',
        'dropped.values(last_error="superseded", **_ONE_MORE)',
        f"{FACTS}::test_any_order_plans_the_same",
        "What older facts planned is dropped.",
    ),
    Guard(
        TABLES,
        ".order_by(message_table.c.next_attempt_at)\n        .limit(1)\n        .with_for_update(skip_locked=True)\n",
        ".order_by(message_table.c.next_attempt_at)\n        .limit(1)\n",
        f"{SENT}::test_two_processes_send_each_message_once",
        "Two processes send each message once.",
    ),
    Guard(
        TABLES,
        'message_table.c.status == "pending", message_table.c.next_attempt_at <= now',
        'message_table.c.status == "pending"',
        f"{SENT}::test_reminders_go_when_their_moment_comes",
        "A reminder goes when its moment has come.",
    ),
    Guard(
        CONTACT,
        '        raise NotKnown("no_answer") from error\n',
        "        return None\n",
        f"{SENT}::test_without_an_answer_it_waits_and_does_not_guess",
        "Without an answer a message waits, and is not taken for an erased family's.",
    ),
    Guard(
        CONTACT,
        '        raise NotKnown("no_answer")\n    headers',
        '        raise TryLater("no_answer")\n    headers',
        f"{SENT}::test_a_broker_that_is_away_is_no_failure_of_a_server",
        "Nobody to ask is no failure of a server: the message does not wait for hours.",
    ),
    Guard(
        CONTACT,
        'could not be read, and that is personal.\n        raise TryLater("unreadable_answer") from None\n',
        "could not be read, and that is personal.\n        return None\n",
        f"{SENT}::test_without_an_answer_it_waits_and_does_not_guess",
        "An answer that cannot be read is no answer.",
    ),
    Guard(
        CHANNELS,
        "    except aiosmtplib.SMTPResponseException as error:\n        raise TryLater(",
        "    except aiosmtplib.SMTPResponseException as error:\n        raise Refused(",
        "tests/notification/test_password.py::test_a_wrong_password_costs_no_family_its_message",
        "A password of ours that is wrong costs no family its message.",
    ),
    Guard(
        CHANNELS,
        "raise _refusal(error, frozenset()) from None",
        "raise _refusal(error, frozenset(PERMANENT)) from None",
        f"{FINAL}[250 OK-554 not this-pending-smtp_554]",
        "A refusal of what was said is not final.",
    ),
    Guard(
        CHANNELS,
        "    if found := ENHANCED.match(error.message):",
        "    if (found := ENHANCED.match(error.message)) and int(found[1]) in (ADDRESS, MAILBOX):",
        f"{SAID}::test_only_a_refused_recipient_is_final",
        "A refusal of us, whatever its number, is not final.",
    ),
    Guard(
        CHANNELS,
        ' and not MAIL_OF_US.search(REPEATED.sub("", error.message))',
        "",
        f"{SAID}::test_only_a_refused_recipient_is_final",
        "A refusal of us in words alone is not final.",
    ),
    Guard(
        CHANNELS,
        "    if error.code not in PERMANENT:\n        return TryLater(code)\n",
        "    if error.code not in PERMANENT:\n        return Refused(code)\n",
        f"{FINAL}[451 greylisted-250 OK-pending-smtp_451]",
        "What a server takes later is tried later.",
    ),
    Guard(
        CHANNELS,
        "of_number = answer.status_code in SMS_REFUSED and",
        "of_number = answer.is_client_error and",
        f"{SENT}::test_a_provider_that_refuses_a_number_is_final",
        "An account without money costs no family its message.",
    ),
    Guard(
        CHANNELS,
        "        async with asyncio.timeout(TIMEOUT_SECONDS):\n",
        "        if True:\n",
        f"{SAID}::test_a_provider_that_drips_is_given_up",
        "A provider that drips does not hold a claim until it is lost, and the family has it twice.",
    ),
    Guard(
        CHANNELS,
        " and OF_NUMBER.search(said)",
        "",
        f"{SAID}::test_only_a_refused_number_is_final",
        "A provider that does not speak of the number has not refused it.",
    ),
    Guard(
        CHANNELS,
        " and not SMS_OF_US.search(said)",
        "",
        f"{SAID}::test_only_a_refused_number_is_final",
        "A provider that speaks of us has not refused the number.",
    ),
    Guard(
        "services/notification/delivery.py",
        "late = message.attempts + 1 >= WARNED_FROM if",
        "late = False if",
        "tests/notification/test_delivery.py"
        "::test_nobody_there_delays_grow_until_it_is_of_no_use_and_then_it_is_a_dead_letter",
        "What fails for the third time is a warning, with the booking's id.",
    ),
    Guard(
        TABLES,
        'where(message_table.c.status == "dead", *conditions)\n    if version',
        "where(*conditions)\n    if version",
        f"{RESENT}::test_what_reached_somebody_is_not_sent_again",
        "What a family has is not sent again.",
    ),
    Guard(
        "deploy/messages.py",
        "send_again(connection, utc_now(), *_wanted(chosen))",
        "send_again(connection, utc_now())",
        f"{RESENT}::test_what_reached_nobody_is_listed_and_sent_again",
        "The messages that were named are sent again, and no others.",
    ),
)
