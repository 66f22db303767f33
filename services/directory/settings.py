"""Directory needs only what every service needs that staff sign in to."""

from kit.settings import StaffSettings as Settings

__all__ = ["Settings"]
