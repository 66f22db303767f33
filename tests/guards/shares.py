"""What keeps each municipality within its share of an agreement."""

from tests.guards.guard import Guard

TABLES = "services/booking/sharing/tables.py"
RULES = "services/booking/sharing/rules.py"
SERVICE = "services/booking/sharing/service.py"
MIGRATION = "services/booking/migrations/versions/0009_sharing.py"
BARE = "tests/sharing/test_rules.py"
SHARES = "tests/sharing/test_shares.py"

GUARDS = (
    Guard(
        TABLES,
        "        and (:released or used + :charge <= minutes + credit)\n",
        "",
        f"{SHARES}::test_what_was_borrowed_counts_as_used_when_there_is_more_to_use",
        "Before the release what was borrowed counts as used.",
    ),
    Guard(
        RULES,
        "(-(minutes * shares[code] % whole), -shares[code], code)",
        "(-(minutes * shares[code] % whole), code)",
        f"{BARE}::test_where_remainders_are_the_same_the_larger_share_gets_it",
        "Of two with the same remainder the larger share gets the minute.",
    ),
    Guard(
        RULES,
        "return released or position.used + minutes <= position.limit",
        "return True",
        f"{BARE}::test_beyond_the_release_only_ones_own",
        "Before the release a municipality uses its own.",
    ),
    Guard(
        RULES,
        "return released or position.used + minutes <= position.limit",
        "return released or position.used + minutes < position.limit",
        f"{BARE}::test_beyond_the_release_only_ones_own",
        "A municipality uses all of its own.",
    ),
    Guard(
        RULES,
        "return release_days is not None and day - today <= DAY * release_days",
        "return release_days is not None and day - today < DAY * release_days",
        f"{BARE}::test_a_time_is_anybodys_so_many_days_before_its_day_whatever_the_hour",
        "A time is anybody's from the day on that is said.",
    ),
    Guard(
        RULES,
        "part = min(lacking, standing[lender].left)",
        "part = lacking",
        f"{BARE}::test_whoever_has_most_left_lends_first",
        "Nobody lends more than is left.",
    ),
    Guard(
        RULES,
        "lacking = minutes - min(minutes, max(0, standing[borrower].left))",
        "lacking = minutes - min(minutes, standing[borrower].left)",
        f"{BARE}::test_what_leave_took_away_is_nobodys_loan",
        "What leave took away is nobody's loan.",
    ),
    Guard(
        RULES,
        "min(unused, into.entitled * carry_over // PERCENT - into.credit)",
        "unused",
        f"{BARE}::test_credit_is_what_was_not_used_up_to_the_cap",
        "Credit has a cap.",
    ),
    Guard(
        RULES,
        "min(unused, into.entitled * carry_over // PERCENT - into.credit)",
        "min(unused, into.entitled * carry_over // PERCENT)",
        f"{BARE}::test_credit_is_what_was_not_used_up_to_the_cap",
        "Credit that is there already counts.",
    ),
    Guard(
        TABLES,
        "        and used + lent - borrowed + :charge <= minutes + credit\n",
        "",
        f"{SHARES}::test_within_the_release_anybody_books_and_the_others_lend",
        "What a municipality lacks is borrowed, and not taken.",
    ),
    Guard(
        SERVICE,
        "if position is None or not rules.may_take(position, wanted.minutes, released=wanted.released):",
        "if position is None:",
        f"{SHARES}::test_beyond_the_release_a_municipality_books_its_share",
        "The share decides at the moment of booking.",
    ),
    Guard(
        MIGRATION,
        "revoke update, delete, truncate on ledger from booking_owner;\n",
        "grant update on ledger to booking;\n",
        f"{SHARES}::test_nobody_changes_the_ledger",
        "The ledger is added to and never changed.",
    ),
    Guard(
        "services/booking/slots/tables.py",
        "else least(e.last, :today::date + e.release_days) end as until",
        "else e.last end as until",
        f"{SHARES}::test_search_lists_what_can_be_booked_and_says_when_more_opens",
        "Search lists what the share allows for.",
    ),
    Guard(
        "services/booking/bookings/holds.py",
        '    await sharing.give_back(connection, [row["id"] for row in held], now)\n',
        "",
        f"{SHARES}::test_a_hold_counts_and_returns_what_it_took",
        "A hold gives back what it was charged.",
    ),
    Guard(
        "services/booking/bookings/service.py",
        '    await sharing.give_back(connection, [row["id"]], now, then=start.charge)\n',
        "",
        f"{SHARES}::test_a_move_takes_its_charge_along",
        "A move takes its charge along.",
    ),
    Guard(
        "services/booking/bookings/service.py",
        '    await sharing.give_back(connection, [row["id"]], now)\n    await tables.cancel(',
        "    await tables.cancel(",
        f"{SHARES}::test_within_the_release_anybody_books_and_the_others_lend",
        "What is cancelled is given back.",
    ),
)
