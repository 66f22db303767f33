"""What keeps the service, and the rest of it, when a server or a client does not do its part."""

from tests.guards.guard import Guard

DATABASE = "services/kit/database.py"
OUTAGE = "services/kit/outage.py"
FAULTS = "services/kit/faults.py"
SERVER = "services/kit/server.py"
HEALTH = "services/kit/health.py"
READERS = "services/kit/readers.py"
MESSAGING = "services/kit/messaging.py"
APP = "services/kit/app.py"
IN_TIME = "tests/kit/test_time_limits.py"
CONNECTIONS = "tests/kit/test_database.py"
TOLD = "tests/kit/test_faults_are_told.py"
READ = "tests/kit/test_messaging.py"
LEFT = "tests/kit/test_server.py::test_whoever_is_slow_or_says_too_much_is_left"
WITHOUT_NATS = "tests/flows/test_without_nats.py"
KEYS = "services/kit/vault/store.py"
WITHOUT_KEYS = "tests/booking/test_key_store.py"

GUARDS = (
    Guard(
        APP,
        "        await ending.finish(under_way)\n",
        "        pass\n",
        "tests/booking/test_key_store.py::test_a_question_that_is_being_answered_when_the_service_ends_is_answered",
        "A question that is being answered when the service ends is answered.",
    ),
    Guard(
        APP,
        "            while made.client.is_connected:\n",
        "            while True:\n",
        f"{WITHOUT_NATS}::test_all_works_again_however_the_connection_ended",
        "A connection to NATS that has ended is made anew.",
    ),
    Guard(
        DATABASE,
        '    event.listen(made.sync_engine, "handle_error", _say_as_the_driver)\n',
        "",
        f"{CONNECTIONS}::test_a_text_that_cannot_be_kept_is_told_as_one_whichever_way_it_takes",
        "A text that cannot be kept is refused, and no fault of ours.",
    ),
    Guard(
        MESSAGING,
        "    except BaseException:\n",
        "    except (nats.errors.Error, OSError):\n",
        f"{READ}::test_a_connection_that_is_given_up_while_it_is_made_is_closed",
        "A service that ends while it connects to NATS leaves no connection open.",
    ),
    Guard(
        MESSAGING,
        "            client._transport.close()  # type: ignore[no-untyped-call]  # noqa: SLF001\n",
        "            pass\n",
        f"{READ}::test_a_connection_is_closed_though_whoever_closes_it_is_told_to_end",
        "A connection to NATS is closed to the end, also by whoever is told to end meanwhile.",
    ),
    Guard(
        DATABASE,
        'event.listen(made.sync_engine, "checkout", _refuse_closed)',
        "pass",
        f"{CONNECTIONS}::test_connections_that_ended_while_nobody_used_them_go_to_nobody",
        "A connection that has ended goes to nobody.",
    ),
    Guard(
        DATABASE,
        "unfit = driver_connection.is_closed() or driver_connection.is_in_transaction()",
        "unfit = driver_connection.is_closed()",
        f"{CONNECTIONS}::test_a_transaction_that_was_left_open_goes_to_nobody",
        "A transaction that was left open goes to nobody.",
    ),
    Guard(
        DATABASE,
        '        "timezone": "UTC",\n',
        "",
        f"{IN_TIME}::test_a_session_is_in_utc_and_notices_a_way_that_was_cut",
        "Sessions reckon in UTC, whatever the server's zone.",
    ),
    Guard(
        DATABASE,
        '"command_timeout": may_take + _LATER_SECONDS,',
        "",
        f"{CONNECTIONS}::test_what_hangs_is_given_up_and_the_next_use_is_good",
        "The client gives a server up that says nothing.",
    ),
    Guard(
        DATABASE,
        '    "idle_in_transaction_session_timeout": "15s",\n',
        "",
        f"{IN_TIME}::test_each_role_that_serves_has_limits_and_an_owner_may_work_for_long",
        "A transaction whose process is frozen ends.",
    ),
    Guard(
        OUTAGE,
        "        return isinstance(error, DBAPIError) and _says_so(error.orig)",
        "        return isinstance(error, DBAPIError)",
        f"{CONNECTIONS}::test_a_fault_of_ours_and_another_ones_time_out_are_no_outage",
        "A fault of ours is not called an outage.",
    ),
    Guard(
        OUTAGE,
        '    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}  # noqa: RUF012 - never changed\n',
        "",
        f"{TOLD}::test_a_database_that_is_away_is_told_in_the_readers_language_and_in_one_line",
        "Who is turned away for now is told when to come again.",
    ),
    Guard(
        FAULTS,
        'log.error("fault", exc_info=error, extra=about)',
        'log.error("fault", exc_info=error)',
        f"{TOLD}::test_a_fault_is_one_line_with_trace_and_route_and_without_texts",
        "The line of a fault says where it was.",
    ),
    Guard(
        SERVER,
        "        if self._size > HEADER_BYTES or len(self.headers) > HEADERS:\n            self._refuse(431)\n",
        "",
        LEFT,
        "A header has a size.",
    ),
    Guard(
        SERVER,
        "            self._unread = self.loop.call_later(WRITE_SECONDS, self.transport.abort)\n",
        "            self._unread = None\n",
        "tests/kit/test_server.py::test_whoever_takes_nothing_of_an_answer_is_left",
        "An answer is taken within a time.",
    ),
    Guard(
        SERVER,
        "        super().on_headers_complete()\n        self._wait(BODY_SECONDS)\n",
        "        super().on_headers_complete()\n        self._stop()\n",
        LEFT,
        "A body arrives within a time.",
    ),
    Guard(
        HEALTH,
        "                    if await connection.scalar(text(TAKES_NO_WRITES)):\n"
        '                        return "the database takes no writes"\n',
        "",
        "tests/kit/test_health.py::test_a_database_that_takes_no_writes_is_not_ready",
        "No replica is ready that can take no booking.",
    ),
    Guard(
        HEALTH,
        "        await asyncio.wait({self._probing}, timeout=ANSWER_SECONDS)",
        "        await asyncio.wait({self._probing})",
        "tests/kit/test_health.py::test_a_database_that_says_nothing_is_not_ready_within_a_second",
        "Whoever asks for readiness is answered soon.",
    ),
    Guard(
        KEYS,
        "if self._lookup is None or not any(",
        "if not any(",
        f"{WITHOUT_KEYS}::test_who_is_ready_can_book_though_the_key_store_has_gone_since",
        "No replica is ready that has keys and cannot make fingerprints.",
    ),
    Guard(
        KEYS,
        "        if self._failures != failures:\n            raise KeysUnavailable\n",
        "        pass\n",
        f"{WITHOUT_KEYS}::test_a_frozen_key_store_holds_nobody_up_who_does_not_need_it",
        "Whoever waited behind one that the key store did not answer does not wait as long again.",
    ),
    Guard(
        "services/booking/bookings/entry.py",
        """            vault(runtime).reserve(runtime.clock()) as spare,
            database.driver(runtime.engine) as connection,
""",
        """            database.driver(runtime.engine) as connection,
            vault(runtime).reserve(runtime.clock()) as spare,
""",
        f"{WITHOUT_KEYS}::test_a_frozen_key_store_holds_nobody_up_who_does_not_need_it",
        "A booking holds no connection while it waits for a key.",
    ),
    Guard(
        READERS,
        "if not is_outage(error) or took_too_long(error):",
        "if True:",
        f"{READ}::test_while_the_database_is_away_an_event_is_tried_without_end",
        "No event is given up because the database is away.",
    ),
    Guard(
        READERS,
        "if not isinstance(error, UnreadableEventError | NeverEndedError) and tries < MAX_TRIES:",
        "if not isinstance(error, UnreadableEventError | NeverEndedError):",
        f"{READ}::test_after_the_last_try_it_is_a_dead_letter",
        "An event that always fails is a dead letter in the end.",
    ),
    Guard(
        READERS,
        "if not isinstance(error, UnreadableEventError | NeverEndedError) and tries < MAX_TRIES:",
        "if tries < MAX_TRIES:",
        f"{READ}::test_what_cannot_be_read_is_a_dead_letter_at_once_and_holds_nobody_up",
        "What cannot be read holds nobody up.",
    ),
    Guard(
        READERS,
        "        if message.metadata.num_delivered > MAX_DELIVERIES:\n            raise NeverEndedError\n",
        "",
        f"{READ}::test_an_event_that_everybody_dies_of_is_given_up_unread",
        "An event of which every process dies is given up.",
    ),
    Guard(
        READERS,
        "if not is_outage(error) or took_too_long(error):",
        "if not is_outage(error):",
        f"{READ}::test_a_handler_that_always_takes_too_long_is_a_dead_letter_in_the_end",
        "A handler that the database always gives up keeps no worker for ever.",
    ),
    Guard(
        READERS,
        "tries = min(self._failures[sequence], message.metadata.num_delivered)",
        "tries = message.metadata.num_delivered",
        f"{READ}::test_what_was_handed_out_and_put_back_has_not_failed",
        "No event is given up because it was handed out and put back.",
    ),
    Guard(
        MESSAGING,
        'return 1 if self.pause or self.stream == "STATE" else WORKERS',
        "return 1 if self.pause else WORKERS",
        f"{READ}::test_state_takes_one_connection_from_the_requests",
        "A register that is told anew leaves the connections to the requests.",
    ),
    Guard(
        READERS,
        "async with _held(message):",
        "if True:",
        f"{READ}::test_an_event_that_takes_long_is_given_to_nobody_else",
        "An event that takes long is handled by one.",
    ),
    Guard(
        READERS,
        "self._known = self.caught_up = bool(await connection.scalar(text(self.reads.known)))",
        "self._known = bool(await connection.scalar(text(self.reads.known)))",
        f"{WITHOUT_NATS}::test_a_replica_starts_and_takes_bookings_while_nats_is_away",
        "A replica that knows the register is ready without NATS.",
    ),
    Guard(
        "services/booking/agenda/entry.py",
        "person, found)\n        return await service.show_families",
        "person, found)\n            return await service.show_families",
        "tests/agenda/test_key_store.py::test_a_frozen_key_store_holds_no_connection_of_booking",
        "A day whose key store is frozen holds no connection of booking.",
    ),
    Guard(
        "services/kit/ending.py",
        "while tasks and (left := latest - time.monotonic()) > 0:",
        "if tasks and (left := latest - time.monotonic()) > 0:",
        f"{READ}::test_what_is_being_handled_when_the_service_ends_is_finished",
        "What is under way when a service ends is finished, however often its job is cancelled.",
    ),
    Guard(
        MESSAGING,
        "        # A relay may have several at once.\n        allow_atomic=True,\n",
        "",
        "tests/kit/test_outbox.py::test_streams_of_before_learn_to_take_several_dead_letters",
        "Several dead letters leave together.",
    ),
    Guard(
        "services/kit/events.py",
        "case int() if not -(2**31) <= value < 2**31:",
        "case int() if False:",
        f"{READ}::test_an_integer_that_no_column_holds_is_a_dead_letter_at_once",
        "An integer that no column holds is refused where it is read.",
    ),
    Guard(
        "services/booking/slots/reads.py",
        "starts_every: int = Field(gt=0, le=8 * 60)",
        "starts_every: int",
        "tests/booking/test_reads.py::test_an_offering_whose_starts_never_end_is_not_read",
        "What search cannot reckon with is refused where it is read.",
    ),
    Guard(
        "services/kit/days.py",
        "return FIRST_YEAR <= day.year <= LAST_YEAR",
        "return True",
        "tests/booking/test_refusals.py::test_times_at_the_ends_of_time_are_refused",
        "Nobody outside has a fault for asking about the ends of time.",
    ),
)
