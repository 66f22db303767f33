"""The database roles of notification beside those that own and serve it."""

from kit import roles

SERVICE = "notification"
# Sends what is due.
DELIVERY = "notification_delivery"
NARROW = (roles.relay(SERVICE), roles.reader(SERVICE), DELIVERY)
