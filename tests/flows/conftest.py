from tests.notification.conftest import outside

__all__ = ["outside"]
