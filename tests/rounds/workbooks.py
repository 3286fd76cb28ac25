"""Templates that are filled in and changed, as people and programs do."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.cell import Cell
from openpyxl.worksheet.worksheet import Worksheet

from service.application import Application
from service.rounds.template import make_template
from service.rounds.template_format import IDENTITY_SHEET, INSTRUCTIONS


def write_template_of(application: Application, mission: str = "UNMISS", cycle: int = 6) -> bytes:
    """Return the template of a round of the published report."""
    assert application.read_copy is not None
    with application.read_copy.open_session() as session:
        return make_template(session, cycle, mission)


class Filled:
    """A template in openpyxl: its cells are found by title, breakdown and column."""

    def __init__(self, body: bytes) -> None:
        self.book = openpyxl.load_workbook(io.BytesIO(body))

    @property
    def sheets(self) -> list[Worksheet]:
        """The sheets of the priorities."""
        return [sheet for sheet in self.book.worksheets if sheet.title not in (INSTRUCTIONS, IDENTITY_SHEET)]

    def find_row(self, title: str, breakdown: str = "") -> tuple[Worksheet, int]:
        """Return sheet and row of a value to report."""
        for sheet in self.sheets:
            columns = list_columns(sheet)
            for row in range(2, sheet.max_row + 1):
                shown = sheet.cell(row, columns["breakdown"]).value if "breakdown" in columns else None
                if sheet.cell(row, columns["indicator"]).value == title and (shown or "") == breakdown:
                    return sheet, row
        raise LookupError(title)

    def find_cell(self, title: str, column: str = "value", breakdown: str = "") -> Cell:
        """Return a cell of a value to report."""
        sheet, row = self.find_row(title, breakdown)
        found: Any = sheet.cell(row, list_columns(sheet)[column])
        return found

    def fill(
        self, title: str, value: object = None, status: str | None = None, note: object = None, breakdown: str = ""
    ) -> Cell:
        """Fill in a row. Return the cell of the value."""
        for column, content in (("value", value), ("status", status), ("note", note)):
            if content is not None:
                self.find_cell(title, column, breakdown).value = content  # type: ignore[assignment]
        return self.find_cell(title, "value", breakdown)

    def save(self, file: Path) -> Path:
        """Write the workbook."""
        self.book.save(file)
        return file


Change = Callable[[Filled], object]


def list_columns(sheet: Worksheet) -> dict[str, int]:
    """Return the position of each column, from 1."""
    return {str(cell.value): cell.column for cell in sheet[1] if cell.value is not None}


def edit_archive(file: Path, edit: Callable[[str, bytes], bytes | None], **further: bytes) -> None:
    """Replace the entries of an archive by what `edit` returns, without those for which it returns None; add further ones."""
    with zipfile.ZipFile(file) as archive:
        entries = {entry: archive.read(entry) for entry in archive.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in entries.items():
            edited = edit(entry, content)
            if edited is not None:
                archive.writestr(entry, edited)
        for entry, content in further.items():
            archive.writestr(entry, content)


def store_formula_result(file: Path, formula: str, result: str) -> None:
    """Give the formula of a workbook the stored result that Excel would write."""
    before = f"<f>{formula}</f><v></v>".encode()
    after = f"<f>{formula}</f><v>{result}</v>".encode()
    found = []

    def edit(name: str, content: bytes) -> bytes:
        for form in (before, before.replace(b"<v></v>", b"<v />"), before.replace(b"<v></v>", b"<v/>")):
            if form in content:
                found.append(name)
                return content.replace(form, after)
        return content

    edit_archive(file, edit)
    assert len(found) == 1, found
