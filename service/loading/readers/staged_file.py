"""How a file was read, and the place of a row in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.errors import RowError
from service.rounds.template_format import TemplateIdentity


@dataclass(frozen=True)
class StagedFile:
    """How a file was read: its name in errors, notes for the report, and for a workbook the letters of each sheet's columns.

    `has_sdmx_codes`: the statuses of the file are known to be codes of SDMX, so that M means not applicable. `template` is the
    round of a template. `columns` are the names of its columns where they differ from those of the checks.
    """

    name: str
    notes: tuple[str, ...] = ()
    sheets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    has_sdmx_codes: bool = False
    template: TemplateIdentity | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    def blame(self, row: int, column: str, value: str | None, problem: str, fix: str, sheet: str | None = None) -> RowError:
        """Return the error of one cell. `sheet` is the sheet of the row if the file has several."""
        column = self.columns.get(column, column)
        if sheet is None:
            sheet = next(iter(self.sheets), "")
        letters = self.sheets.get(sheet, {})
        # A column of a template that is not shown has the cell that identifies the row.
        letter = letters.get(column) or letters.get("id", "")
        cell = f"{letter}{row}" if letter else ""
        place = f"{column} (cell {cell})" if cell else column
        name = name_sheet(self.name, sheet) if sheet else self.name
        return RowError(name, row, place, value, problem, fix, sheet, cell)


def name_sheet(file_name: str, sheet_name: str) -> str:
    """Return the name of a sheet in errors and batches."""
    return f"{file_name}, sheet {sheet_name!r}"
