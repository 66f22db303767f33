"""Directory needs only what every service needs that the public reaches."""

from kit.settings import PublicSettings as Settings

__all__ = ["Settings"]
