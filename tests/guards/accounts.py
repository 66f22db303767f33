"""What keeps whoever has one key of NATS from what is another's."""

from tests.guards.guard import Guard

PERMISSIONS = "deploy/permissions.py"
MESSAGING = "services/kit/messaging.py"
ACROSS = "tests/deploy/test_accounts.py"
CROSSED = f"{ACROSS}::test_no_foreign_subject_is_reached_in_any_way"
MOVED = f"{ACROSS}::test_streams_of_before_there_were_accounts_are_kept"
PERMITTED = "tests/deploy/test_permissions.py"

GUARDS = (
    Guard(
        PERMISSIONS,
        'f"$JS.API.CONSUMER.MSG.NEXT.{consumer}",',
        'f"$JS.API.CONSUMER.MSG.NEXT.{read.stream}.*",',
        f"{PERMITTED}::test_nobody_reaches_the_readers_of_another",
        "A service takes messages of its own readers alone.",
    ),
    Guard(
        PERMISSIONS,
        'f"$JS.ACK.{consumer}.>",',
        'f"$JS.ACK.{read.stream}.>",',
        f"{PERMITTED}::test_nobody_reaches_the_readers_of_another",
        "Nobody acknowledges what another is busy with.",
    ),
    Guard(
        PERMISSIONS,
        '            subjects += [f"$JS.API.CONSUMER.RESET.{consumer}"]\n',
        '            subjects += [f"$JS.API.CONSUMER.RESET.{consumer}", f"$JS.API.CONSUMER.CREATE.{consumer}.>"]\n',
        f"{PERMITTED}::test_each_reads_what_it_declares_and_nothing_else",
        "No service says how its consumer is made, and where it delivers.",
    ),
    Guard(
        PERMISSIONS,
        '        imported.append((CORE, NOTHING, "$JS.API.INFO"))\n',
        "        pass\n",
        f"{PERMITTED}::test_each_reads_what_it_declares_and_nothing_else",
        "An account without JetStream is answered by the one that has it.",
    ),
    Guard(
        PERMISSIONS,
        '    "STREAM.MSG.DELETE.DEAD",\n',
        '    "STREAM.MSG.DELETE.DEAD",\n    "STREAM.PURGE.*",\n',
        "tests/deploy/test_dead.py::test_the_operator_publishes_what_services_do_and_nothing_else",
        "The operator's key does what provisioning and dead letters need.",
    ),
    Guard(
        PERMISSIONS,
        "    if of_all.is_dir() and not of_core.exists():\n        of_all.rename(of_core)\n",
        "    pass\n",
        f"{MOVED}[move_streams]",
        "Streams of before there were accounts are not lost.",
    ),
    Guard(
        "docker-compose.yml",
        "          mv '/data/jetstream/$$G' /data/jetstream/core\n",
        "          true\n",
        f"{MOVED}[compose_moves]",
        "Streams of before there were accounts are not lost in containers either.",
    ),
    Guard(
        "deploy/demo.py",
        '        permissions.move_streams(state.folder / "nats" / "jetstream")\n',
        "",
        "tests/deploy/test_demo.py::test_a_booking_is_told_in_one_trace_and_the_next_start_finds_it",
        "A demo of before there were accounts keeps its streams.",
    ),
    Guard(
        MESSAGING,
        "    await manager.consumer_info(reads.stream, reads.durable)\n",
        "",
        f"{ACROSS}::test_a_service_reads_acknowledges_and_begins_anew_across_accounts[with permissions]",
        "A replay without a consumer says at once that there is none.",
    ),
    Guard(
        "services/kit/outbox.py",
        "USUAL = (10201, 10176, 10210)",
        "USUAL = (10201,)",
        "tests/kit/test_outbox.py::test_another_service_that_leaves_its_batches_open_holds_nobody_up",
        "What another service does with its batches is no warning of ours.",
    ),
)
