"""The database roles of booking beside those that own and serve it."""

from kit import roles

SERVICE = "booking"
# Logs in for what families ask: it sees holds, and what a manage link opens. SERVICE is for staff and for jobs.
PUBLIC = "booking_public"
# Gives the time of expired holds back, forgets idempotency keys, keeps the calendar.
SWEEP = "booking_sweep"
# Tells notification whom a booking is for: of one booking at a time.
ANSWER = "booking_answer"
# Looks at the log of reads: what was read by whom, and nothing of the families.
REVIEW = "booking_review"
# Ends families' identities: sees when they were booked for, and no contact.
RETENTION = "booking_retention"
# Measures each day how soon families could have a time: searches as they do.
MEASURE = "booking_measure"
# Keeps how messages stand, and weighs whom nobody reached: of one booking at a time, and never of which family.
MESSAGES = "booking_messages"
# Tells what happened to one booking, asked for by its reference: no contact, and nothing of protected families.
HISTORY = "booking_history"
# Asks for codes and confirms them: sees who has one contact, and of bookings no time.
PROOF = "booking_proof"
# Shows whoever has proved a contact the bookings that were made with it.
PROVED = "booking_proved"
NARROW = (
    roles.relay(SERVICE),
    roles.reader(SERVICE),
    roles.limits(SERVICE),
    SWEEP,
    ANSWER,
    REVIEW,
    RETENTION,
    MEASURE,
    MESSAGES,
    HISTORY,
)
# Who logs in besides, and the narrow roles that each may take.
LOGINS: dict[str, tuple[str, ...]] = {PUBLIC: (PROOF, PROVED)}
# Owns the function that writes the log of reads. Whoever serves may call that, and cannot take this role.
LOG = "booking_log"
# Owns the function that counts a contact's bookings to come, likewise.
AHEAD = "booking_ahead"
DEFINERS = (LOG, AHEAD)
