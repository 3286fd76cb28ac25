"""Writes a workbook again with a comment on each faulty cell, in the process that reads workbooks."""

from __future__ import annotations

import io
import json
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl  # type: ignore[import-untyped]
from openpyxl.comments import Comment  # type: ignore[import-untyped]
from openpyxl.drawing.spreadsheet_drawing import SpreadsheetDrawing  # type: ignore[import-untyped]
from openpyxl.styles import PatternFill  # type: ignore[import-untyped]
from openpyxl.worksheet._writer import WorksheetWriter  # type: ignore[import-untyped]
from openpyxl.writer.excel import ExcelWriter  # type: ignore[import-untyped]

from service.queries.sandbox.workbook import Refused, check_archive
from service.rounds.template_format import INPUT_COLOR

# The whole workbook is held in memory. A sheet of 90,000 rows and five columns, 20 MB, takes half a minute.
MAX_UNPACKED_BYTES = 10 << 20
AUTHOR = "A4P+"
RED = PatternFill("solid", fgColor="FFC7CE")
# The fill of an unlocked cell of a template.
INPUT = PatternFill("solid", fgColor=INPUT_COLOR)
COMMENT_WIDTH, COMMENT_HEIGHT = 340, 130


def annotate(stream: IO[bytes], target: IO[bytes]) -> dict[str, object]:
    """Write the workbook with comments. Before it, a line of JSON has a list of [sheet, cell, text]. Return their number."""
    errors = json.loads(stream.readline())
    workbook = io.BytesIO(stream.read())
    try:
        check_archive(workbook, MAX_UNPACKED_BYTES)
    except Refused as refused:
        if "unpacks to" in str(refused):
            raise Refused("is too large for comments on its cells; correct the cells in the list of errors") from None
        raise
    book = openpyxl.load_workbook(workbook)
    texts: dict[tuple[str, str], list[str]] = {}
    for sheet, cell, text in errors:
        if sheet in book.sheetnames:
            texts.setdefault((sheet, cell), []).append(text)
    for sheet in book.worksheets:
        _remove_marks(sheet)
    for (sheet, cell), lines in texts.items():
        _mark(book[sheet], cell, lines)
    first = next((sheet for sheet, _ in texts), None)
    if first is not None:
        book.active = book.sheetnames.index(first)
        for sheet in book.worksheets:
            sheet.sheet_view.tabSelected = sheet.title == first
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        _Writer(book, archive).save()
    return {"comments": len(texts)}


class _Writer(ExcelWriter):  # type: ignore[misc]
    """Writes each sheet in memory. openpyxl writes a temporary file, which this process may not."""

    def write_worksheet(self, ws: Any) -> None:
        ws._drawing = SpreadsheetDrawing()
        ws._drawing.charts = ws._charts
        ws._drawing.images = ws._images
        writer = WorksheetWriter(ws, io.BytesIO())
        writer.write()
        ws._rels = writer._rels
        self._archive.writestr(ws.path[1:], writer.out.getvalue())
        self.manifest.append(ws)


def _remove_marks(sheet: Any) -> None:
    """Remove the marks of an earlier upload."""
    for row in sheet.iter_rows():
        for cell in row:
            if cell.comment is not None and cell.comment.author == AUTHOR:
                cell.comment = None
                cell.fill = PatternFill() if cell.protection.locked else INPUT


def _mark(sheet: Any, cell: str, lines: list[str]) -> None:
    # A merged range has its comment on its first cell.
    found = next((merged.coord.split(":")[0] for merged in sheet.merged_cells.ranges if cell in merged), cell)
    marked = sheet[found]
    marked.fill = RED
    marked.comment = Comment("\n".join(lines), AUTHOR, height=COMMENT_HEIGHT, width=COMMENT_WIDTH)
