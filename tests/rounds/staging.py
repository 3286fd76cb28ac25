"""Workbooks that are staged only: what was read, and how an error names its cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.rounds.workbook_changes import (
    SHEET,
)

COPY = "copy the value into the row of its indicator in the template of UNMISS, and delete this row"


@dataclass
class Staged:
    """What a file was read as: value, status and note by indicator and dimension value."""

    values: dict[tuple[str, str], tuple[float | None, str, str | None]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


Stage = Callable[..., Staged]


def place(cell: str, column: str = "value", sheet: str = SHEET) -> str:
    row = cell.lstrip("ABCDEFGHIJKL")
    return f"t.xlsx, sheet '{sheet}', row {row}, column {column} (cell {cell}):"
