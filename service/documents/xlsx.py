"""A cycle as a workbook: one sheet per priority, one figure per row, as numbers."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, date

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from metrics.figures import STATUS_TEXT, Tone
from service.documents.document import explain_marks, write_date, write_origin
from service.documents.figures import CycleReport, PriorityReport
from service.documents.tables import NOT_REPORTED

NUMBER_FORMATS = {
    "ratio": "0.0%",
    "count": "#,##0",
    "days": '#,##0" days"',
    "meters": '#,##0" m"',
    "square_meters": '#,##0" m²"',
}
# The maximum length of the name of a sheet.
MAX_NAME = 31
COLUMNS = {
    "Indicator": 44, "Dimension": 20, "Mission": 11, "Figure": 14, "Status": 18, "Window": 20, "From": 11, "To": 11,
    "Before": 14, "Window before": 18, "Change": 14, "Better or worse": 14, "Unit": 13, "Source": 24, "Page": 8, "Note": 70,
    "Name": 40,
}  # fmt: skip
IMPOSSIBLE_NOTE = " This value is impossible: it is above the maximum. See the page /quality."
Value = str | float | date | None


class _Book:
    """A workbook being written. It creates each number format once."""

    def __init__(self, stream: io.BytesIO, report: CycleReport) -> None:
        self.workbook = Workbook(stream, {"in_memory": True, "default_date_format": "yyyy-mm-dd"})
        # The time of the snapshot, not of writing: the same snapshot gives the same bytes.
        self.workbook.set_properties(
            {
                "title": f"A4P+ report, cycle {report.cycle}",
                "created": report.snapshot.made_at.astimezone(UTC).replace(tzinfo=None),
            }
        )
        self.head = self.workbook.add_format({"bold": True, "bottom": 2, "text_wrap": True, "valign": "top"})
        self.title = self.workbook.add_format({"bold": True, "font_size": 16})
        self.wrap = self.workbook.add_format({"text_wrap": True, "valign": "top"})
        self._formats: dict[str, Format] = {}

    def find_format(self, unit: str) -> Format:
        code = NUMBER_FORMATS.get(unit, "General")
        if code not in self._formats:
            self._formats[code] = self.workbook.add_format({"num_format": code})
        return self._formats[code]

    def add_table(self, name: str, columns: Sequence[str], rows: Iterable[tuple[str, Sequence[Value]]]) -> Worksheet:
        """Add a sheet of rows, each with the unit of its numbers. The header is frozen and has filters."""
        sheet = self.workbook.add_worksheet(name[:MAX_NAME])
        for at, column in enumerate(columns):
            sheet.set_column(at, at, COLUMNS.get(column, 16))
            sheet.write_string(0, at, column, self.head)
        last = 0
        for last, (unit, row) in enumerate(rows, 1):
            for at, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(last, at, value)
                elif isinstance(value, date):
                    sheet.write_datetime(last, at, value)
                elif value is not None:
                    sheet.write_number(last, at, value, self.find_format(unit))
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, last, len(columns) - 1)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        return sheet


def render_xlsx(report: CycleReport) -> bytes:
    """Return the workbook: a sheet that explains it, one for each priority, then KPIs, breaches and disagreements."""
    stream = io.BytesIO()
    book = _Book(stream, report)
    _explain(book, report)
    for priority in report.priorities:
        book.add_table(priority.title, tuple(COLUMNS), _list_figures(priority))
    _add_kpis(book, report)
    _add_completeness(book, report)
    _add_breaches(book, report)
    book.add_table(
        "Printed against computed",
        ("Name", "Printed", "Computed", "Difference", "Note"),
        (("", (entry.check, entry.printed, entry.computed, entry.difference, entry.note)) for entry in report.disagreements),
    )
    book.workbook.close()
    return stream.getvalue()


def _explain(book: _Book, report: CycleReport) -> None:
    sheet = book.workbook.add_worksheet("Read me")
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 100, book.wrap)
    sheet.write_string(0, 0, f"A4P+ report, cycle {report.cycle}", book.title)
    lines = [
        ("Period", f"{write_date(report.period_start)} to {write_date(report.period_end)}"),
        ("Origin", write_origin(report)),
        ("Sheets", "One for each priority, one figure per row; then KPIs, completeness, breached limits, disagreements."),
        ("Figures", "Numbers in the unit of the column Unit. Ratios are shown in percent; yes is 1, no 0; levels are 1 to 3."),
        ("Empty figure", "There is no value; the column Status has the reason. An empty figure is not 0."),
        *explain_marks(report),
    ]  # fmt: skip
    for row, (name, text) in enumerate(lines, 2):
        sheet.write_string(row, 0, name, book.workbook.add_format({"bold": True, "valign": "top"}))
        sheet.write_string(row, 1, text, book.wrap)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)


def _list_figures(priority: PriorityReport) -> Iterable[tuple[str, Sequence[Value]]]:
    """Yield a row for each figure, and for each expected mission that did not report."""
    for entry in priority.indicators:
        for figure in entry.figures:
            is_reported = not figure.is_stale
            status = f"{figure.status} {STATUS_TEXT[figure.status]}" if is_reported else NOT_REPORTED
            before: tuple[Value, ...] = (
                figure.previous_value,
                figure.previous_period,
                figure.change,
                _judge(entry.judge(figure)),
            )
            if not is_reported:
                before = (figure.value, figure.period, None, None)
            window = (figure.period, figure.period_start, figure.period_end) if is_reported else (None, None, None)
            yield entry.unit, (
                entry.title, figure.part, figure.mission, figure.value if is_reported else None, status, *window, *before,
                entry.unit, figure.source, figure.page, figure.note, entry.indicator,
            )  # fmt: skip
        reported = {figure.mission for figure in entry.figures}
        for mission in (mission for mission in entry.unreported_missions if mission not in reported):
            rest = (*(None,) * 7, entry.unit, entry.source, None, None, entry.indicator)
            yield entry.unit, (entry.title, "", mission, None, NOT_REPORTED, *rest)


def _add_completeness(book: _Book, report: CycleReport) -> None:
    rows = (
        (
            "count",
            (
                priority.title, entry.title, len(entry.expected_missions), len(entry.reporters),
                ", ".join(entry.unreported_missions), entry.indicator,
            ),
        )
        for priority in report.priorities
        for entry in priority.indicators
    )  # fmt: skip
    columns = ("Priority", "Indicator", "Reports expected", "Figures received", "Not reported", "Name")
    book.add_table("Completeness", columns, rows)


def _add_breaches(book: _Book, report: CycleReport) -> None:
    breaches = [*(breach for priority in report.priorities for breach in priority.breaches), *report.other_breaches]
    rows = (
        (
            entry.unit,
            (entry.severity, entry.title, entry.part, entry.mission, entry.value, entry.comparison, entry.limit, entry.note),
        )
        for entry in breaches
    )
    columns = ("Severity", "Indicator", "Dimension", "Mission", "Figure", "Comparison", "Limit", "Note")
    book.add_table("Limits breached", columns, rows)


def _judge(tone: Tone) -> str | None:
    return None if tone == "neutral" else tone


def _add_kpis(book: _Book, report: CycleReport) -> None:
    rows = (
        (
            kpi.unit,
            (
                priority.title, kpi.title, figure.part, figure.mission, figure.value, figure.period, figure.previous_value,
                figure.previous_period, figure.change, _judge(kpi.judge(figure)), figure.base,
                figure.change_base, kpi.unit,
                kpi.description + (IMPOSSIBLE_NOTE if kpi.is_impossible(figure) else ""), kpi.kpi,
            ),
        )
        for priority in report.priorities
        for kpi in priority.kpis
        for figure in kpi.figures
    )  # fmt: skip
    columns = ("Priority", "Indicator", "Dimension", "Mission", "Figure", "Window", "Before", "Window before", "Change")
    book.add_table(
        "KPIs", (*columns, "Better or worse", "Missions covered", "Missions of the change", "Unit", "Note", "Name"), rows
    )
