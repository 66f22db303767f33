"""The one table of the key store, a database of its own."""

from sqlalchemy import Column, DateTime, Index, LargeBinary, Table, Text, Uuid

from kit import database

metadata = database.metadata()

# `master` names the master key that wrapped the data key. `used_at` is noted late: see Vault.tidy.
data_key = Table(
    "data_key",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    Column("master", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
    Index("data_key_unused", "created_at", postgresql_where="used_at is null"),
)
