from tests.booking.conftest import booking
from tests.notification.conftest import outside

__all__ = ["booking", "outside"]
