from tests.booking.conftest import booking

__all__ = ["booking"]
