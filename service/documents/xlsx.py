"""A cycle as a workbook: index, summary, missions by indicator, charts, and one sheet per priority with figures as numbers."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from xlsxwriter.worksheet import Worksheet

from metrics.figures import STATUS_TEXT, Tone
from service.documents.document import explain_marks, list_facts, write_date
from service.documents.figures import CycleReport, PriorityReport
from service.documents.tables import NOT_REPORTED
from service.documents.workbook import MAX_NAME, Book, Value
from service.documents.xlsx_summary import CHART_DATA, CHARTS, MATRIX, add_charts, add_matrix, add_summary

READ_ME = "Read me"
BREACHES = "Thresholds breached"
DIFFERENCES = "Printed against computed"
FIGURE_COLUMNS = (
    "Indicator", "Dimension", "Mission", "Figure", "Status", "Window", "From", "To", "Before", "Window before", "Change",
    "Better or worse", "Unit", "Source", "Page", "Note", "Name",
)  # fmt: skip
IMPOSSIBLE_NOTE = " This value is impossible: it is above the maximum. See the page /quality."


def render_xlsx(report: CycleReport) -> bytes:
    """Return the workbook: index, summary, matrix, charts, breaches, a sheet for each priority, KPIs and disagreements."""
    stream = io.BytesIO()
    book = Book(stream, report)
    _add_index(book, report)
    add_summary(book, report)
    add_matrix(book, report)
    add_charts(book, report)
    _add_breaches(book, report)
    for priority in report.priorities:
        book.add_table(priority.title, FIGURE_COLUMNS, _list_figures(priority))
    _add_kpis(book, report)
    _add_completeness(book, report)
    book.add_table(
        DIFFERENCES,
        ("Name", "Printed", "Computed", "Difference", "Note"),
        (("", (entry.check, entry.printed, entry.computed, entry.difference, entry.note)) for entry in report.disagreements),
    )
    book.workbook.close()
    return stream.getvalue()


def _add_index(book: Book, report: CycleReport) -> None:
    """Add the first sheet: dates, the other sheets with links, and marks."""
    sheet = book.add_sheet(READ_ME)
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 100)
    sheet.write_string(0, 0, book.title_text, book.title)
    sheet.write_string(1, 0, f"{write_date(report.period_start)} to {write_date(report.period_end)}", book.heading)
    row = 3
    for name, text in list_facts(report):
        row = _write_line(book, sheet, row, name, text)
    sheet.write_string(row + 1, 0, "Sheets", book.heading)
    link = book.find_format(font_color="#1F6AA5", underline=1, valign="top")
    sheets = (
        ("Summary", "Main breaches and changes in sentences, key indicators, and the state of each priority"),
        (MATRIX, "Every indicator and KPI by mission, with threshold breaches"),
        (CHARTS, "Charts of the key indicators"),
        (CHART_DATA, "The values of these charts"),
        (BREACHES, f"{len(report.breaches)} values that breach a threshold at the end of the cycle, the most severe first"),
        *((entry.title, f"{entry.heading}: one figure per row, with source, page and note") for entry in report.priorities),
        ("KPIs", "Values computed from the indicators"),
        ("Completeness", "Expected and received reports of each indicator"),
        (DIFFERENCES, "Printed figures that differ from the sum of their parts"),
    )
    row += 2
    for name, text in sheets:
        sheet.write_url(row, 0, f"internal:'{name[:MAX_NAME]}'!A1", link, name)
        sheet.write_string(row, 1, text, book.text)
        row += 1
    sheet.write_string(row + 1, 0, "Marks and terms", book.heading)
    row += 2
    for name, text in (
        ("Figures", "Numbers in the unit of the column Unit. Ratios are shown in percent; yes is 1, no 0; levels are 1 to 3."),
        ("Empty figure", "There is no value; the column Status has the reason. An empty figure is not 0."),
        *explain_marks(report),
    ):
        row = _write_line(book, sheet, row, name, text)


def _write_line(book: Book, sheet: Worksheet, row: int, name: str, text: str) -> int:
    sheet.write_string(row, 0, name, book.bold)
    sheet.write_string(row, 1, text, book.text)
    return row + 1


def _list_figures(priority: PriorityReport) -> Iterable[tuple[str, Sequence[Value]]]:
    """Yield a row for each figure, and for each expected mission that did not report."""
    for entry in priority.indicators:
        for figure in (figure for figure in entry.figures if entry.expects(figure)):
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


def _add_completeness(book: Book, report: CycleReport) -> None:
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


def _add_breaches(book: Book, report: CycleReport) -> None:
    rows = (
        (
            entry.unit,
            (
                entry.severity,
                entry.title,
                entry.part,
                entry.mission,
                entry.value,
                entry.period,
                entry.comparison,
                entry.limit,
                entry.note,
            ),
        )
        for entry in report.breaches
    )
    columns = ("Severity", "Indicator", "Dimension", "Mission", "Figure", "Window", "Comparison", "Limit", "Note")
    book.add_table(BREACHES, columns, rows)


def _judge(tone: Tone) -> str | None:
    return None if tone == "neutral" else tone


def _add_kpis(book: Book, report: CycleReport) -> None:
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
