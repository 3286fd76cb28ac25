"""A workbook being written: formats, tables and print setup that its sheets share."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, date

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from metrics.codes import write_code
from metrics.languages import gettext
from service.documents.drawings import SEVERITY_SYMBOLS
from service.documents.report import CycleReport

NUMBER_FORMATS = {
    "ratio": "0.0%",
    "count": "#,##0",
    "meters": '#,##0" m"',
    "square_meters": '#,##0" m²"',
}
SEVERITY_FILLS = {"critical": "#F9DEDE", "warning": "#FDF0E0", "info": "#E6F0F8"}
# The maximum length of the name of a sheet.
MAX_NAME = 31
A4 = 9
NAVY, LINE, GREY = "#173A5C", "#DDE3E8", "#4C5A66"
COLUMNS = {
    "Indicator": 30, "Dimension": 14, "Mission": 11, "Value": 11, "Status": 13, "Window": 13, "From": 10.5, "To": 10.5,
    "Before": 10, "Window before": 12, "Change": 10, "Better or worse": 9, "Unit": 8, "Source": 14, "Page": 6, "Note": 38,
    "Name": 32, "Priority": 24, "Severity": 11, "Not reported": 44,
}  # fmt: skip
DEFAULT_WIDTH = 13
LINE_HEIGHT = 15
Value = str | float | date | None


def find_height(cells: Iterable[tuple[Value, float]]) -> int:
    """Return the height of a row with these texts in columns of these widths. Programs other than Excel do not adjust it."""
    lines = (-(-len(value) // int(width * 1.1)) for value, width in cells if isinstance(value, str))
    return LINE_HEIGHT * max(lines, default=1)


def find_number_format(unit: str) -> str:
    """Return the format of numbers of a unit, with its name in the language in use."""
    return f'#,##0" {gettext("days")}"' if unit == "days" else NUMBER_FORMATS.get(unit, "General")


def find_word_format(unit: str) -> str | None:
    """Return the format of yes and no, or of levels, in the language in use; None for other units."""
    if unit == "boolean":
        return f'"{gettext("yes")}";;"{gettext("no")}"'
    if unit == "level":
        return f'[=1]"{gettext("low")}";[=2]"{gettext("medium")}";"{gettext("high")}"'
    return None


class Book:
    """A workbook being written. It creates each format once."""

    def __init__(self, stream: io.BytesIO, report: CycleReport) -> None:
        self.workbook = Workbook(stream, {"in_memory": True, "default_date_format": "yyyy-mm-dd"})
        self.title_text = gettext("A4P+ report, cycle %(cycle)s", cycle=report.cycle)
        # The time of the snapshot, not of writing: the same snapshot gives the same bytes.
        self.workbook.set_properties(
            {"title": self.title_text, "created": report.snapshot.made_at.astimezone(UTC).replace(tzinfo=None)}
        )
        self._formats: dict[tuple[tuple[str, object], ...], Format] = {}
        self.head = self.find_format(
            bold=True, font_color="#FFFFFF", bg_color=NAVY, text_wrap=True, valign="vcenter", border=1, border_color=LINE
        )
        self.title = self.find_format(bold=True, font_size=16, font_color=NAVY)
        self.heading = self.find_format(bold=True, font_size=12, font_color=NAVY)
        self.line = self.find_format(valign="top", indent=1)
        self.number = self.find_format(num_format="#,##0", align="right", valign="top")
        self.bold = self.find_format(bold=True, valign="top")
        self.text = self.find_format(text_wrap=True, valign="top", indent=1)
        self.note = self.find_format(font_color=GREY, italic=True, valign="top", text_wrap=True)

    def find_format(self, **properties: object) -> Format:
        """Return the format with these properties."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.workbook.add_format(dict(properties))
        return self._formats[key]

    def find_number_format(self, unit: str) -> Format:
        """Return the format of numbers of a unit."""
        return self.find_format(num_format=find_number_format(unit), valign="top")

    def find_state_format(self, unit: str, status: str, severity: str) -> Format:
        """Return the format of a value in words and marks: its unit, its status, and a breach as symbol and fill."""
        code = find_word_format(unit) or find_number_format(unit)
        suffix = "".join(f" {mark}" for mark in (status, SEVERITY_SYMBOLS.get(severity, "")) if mark)
        if suffix:
            code = ";".join(f'{part}"{suffix}"' if part else part for part in code.split(";"))
        properties: dict[str, object] = {
            "num_format": code,
            "align": "right",
            "valign": "top",
            "shrink": True,
            "border": 1,
            "border_color": LINE,
        }
        if severity:
            properties |= {"bg_color": SEVERITY_FILLS[severity], "bold": True}
        return self.find_format(**properties)

    def find_fill(self, severity: str) -> Format | None:
        """Return the format of the name of a severity, None for another text."""
        fills = {write_code(code): fill for code, fill in SEVERITY_FILLS.items()}
        fill = fills.get(severity)
        return self.find_format(bg_color=fill, bold=True, valign="top", indent=1) if fill else None

    def add_sheet(self, name: str) -> Worksheet:
        """Add a sheet that prints on A4 landscape, as wide as a page, with title and page number."""
        sheet = self.workbook.add_worksheet(name[:MAX_NAME])
        sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.set_margins(left=0.5, right=0.5, top=0.75, bottom=0.65)
        sheet.fit_to_pages(1, 0)
        sheet.set_header(f"&L&9{self.title_text}&R&9&A")
        sheet.set_footer("&R&9&P / &N")
        return sheet

    def add_table(self, name: str, columns: Sequence[str], rows: Iterable[tuple[str, Sequence[Value]]]) -> Worksheet:
        """Add a sheet of rows, each with the unit of its numbers. The header is frozen, repeated in print and has filters."""
        sheet = self.add_sheet(name)
        for at, column in enumerate(columns):
            sheet.set_column(at, at, COLUMNS.get(column, DEFAULT_WIDTH))
            sheet.write_string(0, at, write_code(column), self.head)
        last = 0
        widths = [COLUMNS.get(column, DEFAULT_WIDTH) for column in columns]
        sheet.set_row(0, 2 * LINE_HEIGHT)
        for last, (unit, row) in enumerate(rows, 1):
            for at, value in enumerate(row):
                if columns[at] == "Source" and isinstance(value, str):
                    # Cut off at the next cell: a source may be as long as a citation.
                    sheet.write_string(last, at, value, self.line)
                else:
                    self.write(sheet, last, at, value, unit)
            wrapped = (cell for cell, column in zip(zip(row, widths, strict=True), columns, strict=True) if column != "Source")
            sheet.set_row(last, find_height(wrapped))
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, last, len(columns) - 1)
        sheet.repeat_rows(0)
        if columns[-1] == "Name":
            # Names are for programs, and would make the print smaller.
            sheet.print_area(0, 0, last, len(columns) - 2)
        return sheet

    def write(self, sheet: Worksheet, row: int, column: int, value: Value, unit: str = "") -> None:
        """Write a text, a date or a number of a unit; nothing for None."""
        if isinstance(value, str):
            sheet.write_string(row, column, value, self.find_fill(value) or self.text)
        elif isinstance(value, date):
            sheet.write_datetime(row, column, value, self.find_format(num_format="yyyy-mm-dd", valign="top"))
        elif value is not None:
            sheet.write_number(row, column, value, self.find_number_format(unit))
