"""The database roles of consent beside those that own and serve it."""

from kit import roles

SERVICE = "consent"
NARROW = (roles.relay(SERVICE),)
