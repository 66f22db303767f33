"""What every service stands on: outbox, door, sessions, pages."""

from tests.guards.guard import Guard

OUTBOX = "services/kit/outbox.py"
RELAYED = "tests/kit/test_outbox.py"
DOOR = "services/kit/door.py"
LIMITS = "services/kit/limits.py"
SETTINGS = "services/kit/settings.py"
SESSION = "services/kit/session.py"
PAGES = "services/kit/web/pages.py"
AT_THE_DOOR = "tests/kit/test_door.py"
SET = "tests/kit/test_settings.py"
UNSAFE = f"{SET}::test_unsafe_settings_start_in_demo_and_test_only"
ESCAPING = "tests/agenda/test_escaping.py"
TEMPLATES = "services/booking/agenda/templates"

GUARDS = (
    Guard(
        SESSION,
        "return dict(value) if sealed_for == purpose else None",
        "return dict(value)",
        "tests/kit/test_session.py::test_what_is_sealed_for_one_purpose_is_nothing_for_another",
        "What is sealed for one purpose opens nothing else.",
    ),
    Guard(
        PAGES,
        "            autoescape=True,\n",
        "",
        f"{ESCAPING}::test_what_an_advisor_is_shown",
        "What was typed is text on every page.",
    ),
    Guard(
        f"{TEMPLATES}/phone_contact.html",
        "<dd>{{ typed.namn }}</dd>",
        "<dd>{{ typed.namn|safe }}</dd>",
        f"{ESCAPING}::test_what_is_typed_while_a_family_calls",
        "A name that was told by telephone is text.",
    ),
    Guard(
        "services/booking/bookings/templates/check.html",
        "<dd>{{ typed.namn }}</dd>",
        "<dd>{{ typed.namn|safe }}</dd>",
        f"{ESCAPING}::test_what_a_parent_typed_is_shown_for_a_last_look_and_kept",
        "A name is text at the last look.",
    ),
    Guard(
        f"{TEMPLATES}/opened.html",
        "<dd>{{ contact.name }}</dd>",
        "<dd>{{ contact.name|safe }}</dd>",
        "tests/boundaries/test_escaping.py::test_templates_trust_constant_attributes_alone",
        "No template says that a name is HTML already.",
    ),
    Guard(
        OUTBOX,
        'while not await connection.fetchval("select pg_try_advisory_lock($1)", RELAY_LOCK):',
        "while False:",
        f"{RELAYED}::test_while_the_leader_is_held_up_the_other_publishes_nothing",
        "One relay publishes, so that events keep their order.",
    ),
    Guard(
        OUTBOX,
        '            for _, group in groupby(rows, key=lambda r: r["subject"].split(".", 1)[0]):\n',
        '            await connection.execute(PUBLISHED, [r["id"] for r in rows])\n'
        '            for _, group in groupby(rows, key=lambda r: r["subject"].split(".", 1)[0]):\n',
        f"{RELAYED}::test_what_nats_does_not_take_is_not_marked",
        "A row is marked once NATS has taken it, not before.",
    ),
    Guard(
        OUTBOX,
        " and subject like 'events.%'",
        "",
        f"{RELAYED}::test_facts_are_kept_for_a_month_and_state_for_ever",
        "State is kept for ever, so that a lost JetStream can be filled again.",
    ),
    Guard(
        OUTBOX,
        "KEEP_DAYS = 30",
        "KEEP_DAYS = 29",
        f"{RELAYED}::test_facts_are_kept_for_a_month_and_state_for_ever",
        "Published facts are kept for thirty days.",
    ),
    Guard(
        OUTBOX,
        "delete from outbox where published_at < $1",
        "delete from outbox where created_at < $1",
        f"{RELAYED}::test_facts_are_kept_for_a_month_and_state_for_ever",
        "What is not published is kept, however old.",
    ),
    Guard(
        OUTBOX,
        '            done = [r for r in rows if r["id"] not in self._refused]\n',
        "            done = list(rows)\n",
        f"{RELAYED}::test_an_event_that_the_stream_refuses_holds_nobody_up_and_follows_when_it_is_taken",
        "What NATS refuses waits, and is not marked with the others.",
    ),
    Guard(
        OUTBOX,
        "number < last.get(subject, 0)]",
        "number < 0]",
        f"{RELAYED}::test_a_state_that_was_refused_does_not_overwrite_a_later_one",
        "A state that was refused does not overwrite a later one.",
    ),
    Guard(
        OUTBOX,
        'return {**r["headers"], "Nats-Msg-Id": r["event_id"].hex}',
        'return {**r["headers"], "Nats-Msg-Id": uuid4().hex}',
        f"{RELAYED}::test_a_crash_between_publishing_and_marking_publishes_nothing_twice",
        "JetStream knows an event again that is published once more.",
    ),
    Guard(
        OUTBOX,
        "where published_at is null and id <> all($2::bigint[]) order by id limit $1",
        "where published_at is null and id <> all($2::bigint[]) order by id desc limit $1",
        f"{RELAYED}::test_rows_are_published_in_order_and_kept",
        "Events are published in the order in which they were written.",
    ),
    Guard(
        OUTBOX,
        "set idle_session_timeout = '{LEASE_SECONDS}s'; ",
        "",
        f"{RELAYED}::test_a_relay_that_stands_still_loses_its_lead_and_does_not_publish_when_it_goes_on",
        "A relay that stands still loses its lead.",
    ),
    Guard(
        "services/kit/inbox.py",
        "return (await connection.execute(statement)).first() is not None",
        "await connection.execute(statement)\n    return True",
        "tests/kit/test_messaging.py::test_an_event_that_comes_twice_takes_effect_once_and_an_unknown_one_is_passed_over",
        "An event that comes twice takes effect once.",
    ),
    Guard(
        DOOR,
        'self.limits.take("reads" if scope["method"] in _READING else "writes", address_of(scope), self.clock())',
        "pass",
        f"{AT_THE_DOOR}::test_a_refusal_is_a_problem_document_or_a_page",
        "A client has so many requests a minute.",
    ),
    Guard(
        DOOR,
        'elif name == b"content-length" and int(value) > BODY_BYTES:',
        'elif name == b"content-length" and int(value) < 0:',
        f"{AT_THE_DOOR}::test_a_body_has_a_largest_size",
        "A body that is said to be too large is not read.",
    ),
    Guard(
        DOOR,
        "        if len(body) > BODY_BYTES:\n            raise TooLarge\n",
        "",
        f"{AT_THE_DOOR}::test_a_body_has_a_largest_size",
        "A body that comes in pieces has a largest size too.",
    ),
    Guard(
        DOOR,
        "*[h for h in _RAW if h[0] not in given]]",
        "]",
        f"{AT_THE_DOOR}::test_every_answer_has_the_headers_that_keep_it_safe",
        "Every answer has the headers that keep it safe.",
    ),
    Guard(
        LIMITS,
        "return str(whole.ipv4_mapped or ip_network((whole, 64), strict=False))",
        "return str(whole.ipv4_mapped or whole)",
        f"{AT_THE_DOOR}::test_a_client_is_an_address_or_a_network_of_one_subscriber",
        "Whoever has a network of IPv6 is one client.",
    ),
    Guard(
        LIMITS,
        "if self._known[counted] >= self.per_minute[kind]:",
        "if self._known[counted] > self.per_minute[kind]:",
        f"{AT_THE_DOOR}::test_a_client_has_so_many_a_minute_of_each_kind",
        "A limit is the number that it says.",
    ),
    Guard(
        LIMITS,
        'self._known[counted] = row["n"] + self._untold[counted]',
        "pass",
        f"{AT_THE_DOOR}::test_processes_keep_a_limit_together",
        "Processes keep a limit together.",
    ),
    Guard(
        LIMITS,
        'return hmac.digest(key, client.encode(), "sha256")',
        "return client.encode()",
        f"{AT_THE_DOOR}::test_addresses_are_hashed_with_a_key",
        "Of an address a keyed hash is stored.",
    ),
    Guard(
        LIMITS,
        "                self._untold.update(told)\n",
        "                pass\n",
        f"{AT_THE_DOOR}::test_what_the_store_did_not_take_is_told_later",
        "What the store did not take is told later.",
    ),
    Guard(
        "services/booking/bookings/api.py",
        "        limits.take(GUESSES, client, running.clock())\n        raise\n",
        "        raise\n",
        f"{AT_THE_DOOR}::test_whoever_guesses_manage_links_is_soon_refused",
        "Whoever guesses links is soon refused.",
    ),
    Guard(
        SESSION,
        "now - session.seen < self.idle and ",
        "",
        "tests/kit/test_session.py::test_a_session_lives_within_both_its_limits",
        "A session that is not used ends.",
    ),
    Guard(
        SESSION,
        " and now - session.begun < self.longest",
        "",
        "tests/kit/test_session.py::test_a_session_lives_within_both_its_limits",
        "A session has an end, however much it is used.",
    ),
    Guard(
        SESSION,
        "session.begun <= early and ",
        "",
        "tests/kit/test_session.py::test_a_session_of_the_future_is_none",
        "A session has begun.",
    ),
    Guard(
        SESSION,
        "return hmac.compare_digest(self.form_token(session).encode(), given.encode())",
        "return bool(given)",
        "tests/kit/test_session.py::test_a_form_belongs_to_its_session",
        "A form belongs to its session.",
    ),
    Guard(
        SESSION,
        'Secure; HttpOnly; SameSite=Lax"\n\n    def read',
        'Secure; SameSite=Lax"\n\n    def read',
        "tests/kit/test_session.py::test_the_cookie_is_for_this_host_alone_and_out_of_reach_of_scripts",
        "No script reads the cookie of a session.",
    ),
    Guard(
        PAGES,
        'if request.method == "POST" and not from_here(request):',
        "if False:",
        "tests/booking/test_pages.py::test_a_form_from_another_site_is_refused",
        "A form that another site sends is refused.",
    ),
    Guard(
        PAGES,
        """return f"'{text}" if begins and not _NUMBER.fullmatch(text) else text""",
        "return text",
        "tests/kit/test_spreadsheet.py::test_no_cell_but_a_number_can_be_a_formula",
        "No cell of a file is a formula.",
    ),
    Guard(
        PAGES,
        '"no-store" if private else "no-cache"',
        '"no-cache"',
        "tests/booking/test_pages.py::test_every_page_has_the_headers_and_keeps_its_language",
        "A page with something private is stored nowhere.",
    ),
    Guard(
        SETTINGS,
        "    if len(secret) < 32:",
        "    if len(secret) < 1:",
        f"{SET}::test_what_cannot_work_starts_nowhere",
        "A secret has 32 bytes.",
    ),
    Guard(
        SETTINGS,
        "if is_real(given) and (len(set(secret)) < _DIFFERENT or any(word in secret.lower() for word in _WORDS)):",
        "if False:",
        UNSAFE,
        "A secret is made by chance.",
    ),
    Guard(
        SETTINGS,
        'if is_real(given) and not url.startswith("https://"):',
        "if False:",
        UNSAFE,
        "In real use the site is spoken to in secret.",
    ),
    Guard(
        SETTINGS,
        '        if proxies == "*":\n            if is_real(given):\n',
        '        if proxies == "*":\n            if False:\n',
        UNSAFE,
        "Not everybody says whom a request is from.",
    ),
    Guard(
        SETTINGS,
        'if is_real(given) and not (issuer or "").startswith("https://"):',
        "if False:",
        UNSAFE,
        "In real use staff sign in at an issuer.",
    ),
    Guard(
        SETTINGS,
        'if audience and audience == given.data.get("oidc_client_id"):',
        "if False:",
        f"{SET}::test_what_cannot_work_starts_nowhere",
        "No ID token passes for an access token.",
    ),
    Guard(
        "services/kit/telemetry.py",
        "        lines.append(type(error).__name__)\n",
        "        lines.append(repr(error))\n",
        "tests/kit/test_faults_are_told.py::test_a_fault_is_one_line_with_trace_and_route_and_without_texts",
        "No exception's text is logged.",
    ),
    Guard(
        "services/kit/messaging.py",
        "if event.epoch and event.epoch > now + AHEAD:",
        "if False:",
        "tests/flows/test_epochs.py::test_an_epoch_of_the_future_is_not_read",
        "Nobody outdates the register until a day of the future.",
    ),
)
