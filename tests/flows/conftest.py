from tests.booking.conftest import clock, secret_file
from tests.notification.conftest import outside

__all__ = ["clock", "outside", "secret_file"]
