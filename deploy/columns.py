"""What commands print in columns."""

from collections.abc import Sequence


def show(rows: Sequence[Sequence[str]]) -> None:
    """Print rows, the first of which is the heading, each column as wide as it must be."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
