"""The database roles of directory beside those that own and serve it."""

from kit import roles

SERVICE = "directory"
NARROW = (roles.relay(SERVICE), roles.reader(SERVICE), roles.limits(SERVICE))
