from tests.agenda.conftest import work

__all__ = ["work"]
