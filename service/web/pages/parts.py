"""Long tables in parts: the requested part, and the links to the other parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import abort, request

T = TypeVar("T")
# The parameters of tables in parts.
PARTS = ("values", "periods", "totals", "breaches", "near", "current")
# Rows up to which parts can be requested.
MAX_ROWS = 10**9


@dataclass(frozen=True)
class Part:
    """A part of a table of `row_count` rows. `parameter` is its number in the query string, counted from 1."""

    parameter: str
    number: int
    size: int
    row_count: int = 0

    @property
    def rows(self) -> dict[str, int]:
        """The rows of this part as parameters of a query."""
        return {"skipped": (self.number - 1) * self.size, "max_rows": self.size}

    @property
    def is_whole(self) -> bool:
        """Whether the table has no other part."""
        return self.number == 1 and self.row_count <= self.size

    @property
    def part_count(self) -> int:
        """The number of parts of the table."""
        return max(1, -(-self.row_count // self.size))

    def link(self, number: int) -> str:
        """Return the link to another part of the table, with the other parameters of this page."""
        query = [(name, value) for name, value in request.args.items(multi=True) if name != self.parameter]
        if number > 1:
            query.append((self.parameter, str(number)))
        return f"{request.path}?{urlencode(query)}" if query else request.path


def read_part(parameter: str, size: int) -> Part:
    """Return the requested part of a table, the first one by default. Aborts with 400 if its number is invalid."""
    text = request.args.get(parameter, "")
    if not text:
        return Part(parameter, 1, size)
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:12]) <= MAX_ROWS // size):
        abort(400, f"{parameter}: {text!r} is not the number of a part of the table.")
    return Part(parameter, int(text), size)


def count_rows(part: Part, rows: Sequence[Mapping[str, Any]]) -> Part:
    """Return a part with the number of all rows of its table, from their column row_count. Aborts with 404 if it is empty."""
    if not rows and part.number > 1:
        abort(404, f"The table has no part {part.number}.")
    return replace(part, row_count=rows[0]["row_count"] if rows else 0)


def take_part(parameter: str, size: int, rows: Sequence[T]) -> tuple[Sequence[T], Part]:
    """Return the requested part of rows that are read as a whole. Aborts as read_part and count_rows."""
    part = read_part(parameter, size)
    first = part.rows["skipped"]
    if first and first >= len(rows):
        abort(404, f"The table has no part {part.number}.")
    return rows[first : first + size], replace(part, row_count=len(rows))
