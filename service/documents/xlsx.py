"""A cycle as a workbook: index, summary, missions by indicator, charts, and one sheet per priority with values as numbers."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from xlsxwriter.worksheet import Worksheet

from metrics.codes import write_code
from metrics.languages import gettext, mark_message
from metrics.values import STATUS_TEXT, Tone
from service.documents.document import explain_marks, list_facts, write_span
from service.documents.report import CycleReport, PriorityReport
from service.documents.tables import NOT_REPORTED
from service.documents.workbook import MAX_NAME, Book, Value
from service.documents.xlsx_summary import CHART_DATA, CHARTS, MATRIX, SUMMARY, add_charts, add_matrix, add_summary

READ_ME = mark_message("Read me")
BREACHES = mark_message("Thresholds breached")
DIFFERENCES = mark_message("Printed against computed")
KPIS = mark_message("KPIs")
COMPLETENESS = mark_message("Completeness")
OBSERVATION_COLUMNS = (
    mark_message("Indicator"),
    mark_message("Dimension"),
    mark_message("Mission"),
    mark_message("Value"),
    mark_message("Status"),
    mark_message("Window"),
    mark_message("From"),
    mark_message("To"),
    mark_message("Before"),
    mark_message("Window before"),
    mark_message("Change"),
    mark_message("Better or worse"),
    mark_message("Unit"),
    mark_message("Source"),
    mark_message("Page"),
    mark_message("Note"),
    mark_message("Name"),
)
IMPOSSIBLE_NOTE = mark_message("This value is impossible: it is above the maximum. See the page /quality.")


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
        book.add_table(priority.title, OBSERVATION_COLUMNS, _list_observations(priority))
    _add_kpis(book, report)
    _add_completeness(book, report)
    book.add_table(
        gettext(DIFFERENCES),
        (
            mark_message("Name"),
            mark_message("Printed"),
            mark_message("Computed"),
            mark_message("Difference"),
            mark_message("Note"),
        ),
        (("", (entry.check, entry.printed, entry.computed, entry.difference, entry.note)) for entry in report.disagreements),
    )
    book.workbook.close()
    return stream.getvalue()


def _add_index(book: Book, report: CycleReport) -> None:
    """Add the first sheet: dates, the other sheets with links, and marks."""
    sheet = book.add_sheet(gettext(READ_ME))
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 100)
    sheet.write_string(0, 0, book.title_text, book.title)
    sheet.write_string(1, 0, write_span(report), book.heading)
    row = 3
    for name, text in list_facts(report):
        row = _write_line(book, sheet, row, name, text)
    sheet.write_string(row + 1, 0, gettext("Sheets"), book.heading)
    link = book.find_format(font_color="#1F6AA5", underline=1, valign="top")
    sheets = (
        (
            gettext(SUMMARY),
            gettext("Main breaches and changes in sentences, key indicators, and the state of each priority"),
        ),
        (gettext(MATRIX), gettext("Every indicator and KPI by mission, with threshold breaches")),
        (gettext(CHARTS), gettext("Charts of the key indicators")),
        (gettext(CHART_DATA), gettext("The values of these charts")),
        (
            gettext(BREACHES),
            gettext(
                "%(count)s values that breach a threshold at the end of the cycle, the most severe first",
                count=len(report.breaches),
            ),
        ),
        *(
            (entry.title, gettext("%(heading)s: one value per row, with source, page and note", heading=entry.heading))
            for entry in report.priorities
        ),
        (gettext(KPIS), gettext("Values computed from the indicators")),
        (gettext(COMPLETENESS), gettext("Expected and received reports of each indicator")),
        (gettext(DIFFERENCES), gettext("Printed figures that differ from the sum of their parts")),
    )
    row += 2
    for name, text in sheets:
        sheet.write_url(row, 0, f"internal:'{name[:MAX_NAME]}'!A1", link, name)
        sheet.write_string(row, 1, text, book.text)
        row += 1
    sheet.write_string(row + 1, 0, gettext("Marks and terms"), book.heading)
    row += 2
    for name, text in (
        (
            gettext("Values"),
            gettext("Numbers in the unit of the column Unit. Ratios are shown in percent; yes is 1, no 0; levels are 1 to 3."),
        ),
        (
            gettext("Empty value"),
            gettext("There is no value; the column Status has the reason. An empty value is not 0."),
        ),
        *explain_marks(report),
    ):
        row = _write_line(book, sheet, row, name, text)


def _write_line(book: Book, sheet: Worksheet, row: int, name: str, text: str) -> int:
    sheet.write_string(row, 0, name, book.bold)
    sheet.write_string(row, 1, text, book.text)
    return row + 1


def _list_observations(priority: PriorityReport) -> Iterable[tuple[str, Sequence[Value]]]:
    """Yield a row for each observation, and for each expected mission that did not report."""
    for entry in priority.indicators:
        for observation in (observation for observation in entry.observations if entry.expects(observation)):
            is_reported = not observation.is_stale
            status = (
                f"{observation.status} {write_code(STATUS_TEXT[observation.status])}" if is_reported else gettext(NOT_REPORTED)
            )
            before: tuple[Value, ...] = (
                observation.previous_value,
                observation.previous_period,
                observation.change,
                _judge(entry.judge(observation)),
            )
            if not is_reported:
                before = (observation.value, observation.period, None, None)
            window = (
                (observation.period, observation.period_start, observation.period_end) if is_reported else (None, None, None)
            )
            yield entry.unit, (
                entry.title, observation.part, observation.mission, observation.value if is_reported else None, status,
                *window, *before,
                gettext(entry.unit), observation.source, observation.page, observation.note, entry.indicator,
            )  # fmt: skip
        reported = {observation.mission for observation in entry.observations}
        for mission in (mission for mission in entry.unreported_missions if mission not in reported):
            rest = (*(None,) * 7, gettext(entry.unit), entry.source, None, None, entry.indicator)
            yield entry.unit, (entry.title, "", mission, None, gettext(NOT_REPORTED), *rest)


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
    columns = (
        mark_message("Priority"),
        mark_message("Indicator"),
        mark_message("Reports expected"),
        mark_message("Values received"),
        mark_message("Not reported"),
        mark_message("Name"),
    )
    book.add_table(gettext(COMPLETENESS), columns, rows)


def _add_breaches(book: Book, report: CycleReport) -> None:
    rows = (
        (
            entry.unit,
            (
                write_code(entry.severity),
                entry.title,
                entry.part,
                entry.mission,
                entry.value,
                entry.period,
                write_code(entry.comparison),
                entry.limit,
                entry.note,
            ),
        )
        for entry in report.breaches
    )
    columns = (
        mark_message("Severity"),
        mark_message("Indicator"),
        mark_message("Dimension"),
        mark_message("Mission"),
        mark_message("Value"),
        mark_message("Window"),
        mark_message("Comparison"),
        mark_message("Limit"),
        mark_message("Note"),
    )
    book.add_table(gettext(BREACHES), columns, rows)


def _judge(tone: Tone) -> str | None:
    return None if tone == "neutral" else write_code(tone)


def _add_kpis(book: Book, report: CycleReport) -> None:
    rows = (
        (
            kpi.unit,
            (
                priority.title, kpi.title, value.part, value.mission, value.value, value.period, value.previous_value,
                value.previous_period, value.change, _judge(kpi.judge(value)), value.base,
                value.change_base, gettext(kpi.unit),
                kpi.description + (f" {gettext(IMPOSSIBLE_NOTE)}" if kpi.is_impossible(value) else ""), kpi.kpi,
            ),
        )
        for priority in report.priorities
        for kpi in priority.kpis
        for value in kpi.values
    )  # fmt: skip
    columns = (
        mark_message("Priority"),
        mark_message("Indicator"),
        mark_message("Dimension"),
        mark_message("Mission"),
        mark_message("Value"),
        mark_message("Window"),
        mark_message("Before"),
        mark_message("Window before"),
        mark_message("Change"),
    )
    book.add_table(
        gettext(KPIS),
        (
            *columns,
            mark_message("Better or worse"),
            mark_message("Missions covered"),
            mark_message("Missions of the change"),
            mark_message("Unit"),
            mark_message("Note"),
            mark_message("Name"),
        ),
        rows,
    )
