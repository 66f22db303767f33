"""What commands print: columns, for as long as somebody reads."""

import os
import select
import sys
from collections.abc import Sequence


def show(rows: Sequence[Sequence[str]]) -> None:
    """Print rows, the first of which is the heading, each column as wide as it must be."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def nobody_reads(error: BaseException) -> bool:
    """Whether an error is that what reads our output has ended, as `head` does, and no server's connection."""
    if not isinstance(error, BrokenPipeError):
        return False
    output = select.poll()
    output.register(sys.stdout, 0)
    return any(state & (select.POLLERR | select.POLLHUP) for _, state in output.poll(0))


def give_up_output() -> None:
    """Let what is not written yet go nowhere, for Python tries again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
