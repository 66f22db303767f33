"""The tables of consent: only the outbox, until there is a consent to keep."""

from kit import database, outbox

metadata = database.metadata()
outbox_table = outbox.table(metadata)
