from tests.booking.conftest import clock, secret_file

__all__ = ["clock", "secret_file"]
