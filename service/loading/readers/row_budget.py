"""The maximum number of rows of one load, checked before a file is read if it declares its rows, and while it is read."""

from __future__ import annotations

from service.errors import LoadError

# A row of a report takes about 100 bytes. A file with a larger average is rejected before it is read.
MAX_MEAN_ROW_BYTES = 1000
# A few rows may be longer.
MIN_BYTES = 1 << 20


class RowBudget:
    """The rows that a load may still read: `max_rows` for all its files together."""

    def __init__(self, max_rows: int) -> None:
        self.max_rows = max_rows
        self.left = max_rows

    def check_rows(self, file_name: str, rows: int) -> None:
        """Raise LoadError when a file that declares this number of rows does not fit."""
        if rows > self.left:
            raise self.refuse(file_name, f"has {rows:,} rows")

    def check_bytes(self, file_name: str, content_bytes: int) -> None:
        """Raise LoadError when a file with this (decompressed) size is too large for the rows left."""
        limit = max(MIN_BYTES, MAX_MEAN_ROW_BYTES * self.left)
        if content_bytes > limit:
            size = f"{_write_bytes(content_bytes)} of content, more than {_write_bytes(limit)}"
            raise self.refuse(file_name, f"has {size} ({MAX_MEAN_ROW_BYTES:,} bytes a row)")

    def take(self, rows: int) -> None:
        """Subtract the rows of a file that was read."""
        self.left -= rows

    def refuse(self, file_name: str, problem: str) -> LoadError:
        """Return the error of a file that does not fit."""
        used = self.max_rows - self.left
        earlier = f", of which earlier files have {used:,}" if used else ""
        return LoadError(
            f"{file_name} {problem}; the limit of a load is {self.max_rows:,} rows{earlier}. "
            "Split the load, or raise the limit with --max-rows or A4P_LOAD_MAX_ROWS"
        )


def _write_bytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"
