"""Entries of the audit as CSV, for `a4p audit` and the page of the audit."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from service.access.audit import COLUMNS

# A spreadsheet would read such a cell as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def render_audit_csv(entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a header line and a line per entry. A text that a spreadsheet would read as a formula begins with an apostrophe."""
    names = ("id", *COLUMNS, "hash")
    yield _write_line(names)
    for entry in entries:
        yield _write_line([_protect(entry[name]) for name in names])


def _protect(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _write_line(cells: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
