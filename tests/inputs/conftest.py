from tests.access.test_routes import service
from tests.agenda.conftest import work
from tests.booking.conftest import booking
from tests.directory.conftest import directory

__all__ = ["booking", "directory", "service", "work"]
