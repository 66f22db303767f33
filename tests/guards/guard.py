"""What a guard is, for the lists of them beside this file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Guard:
    """A few words of the code that protect something, and the test that must notice when they are gone.

    `find` stands exactly once in `file`; with `put` in its place the code runs as before, without this guard. `test` is
    the narrowest one that notices: quickly, and for the reason that `why` gives.
    """

    file: str
    find: str
    put: str
    test: str
    why: str
