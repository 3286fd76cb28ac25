"""The first sheets of the workbook of a cycle: summary, missions by indicator, and native charts of the key indicators."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from xlsxwriter.worksheet import Worksheet

from metrics.catalogue import ALL_MISSIONS
from metrics.codes import write_code
from metrics.key_indicators import MAX_KEY_INDICATORS
from metrics.languages import gettext, mark_message
from metrics.values import NOT_FINAL, STATUS_TEXT, judge_change
from service.documents.document import SYMBOLS
from service.documents.report import CycleReport, KpiValue, Observation
from service.documents.summary import describe_scope, describe_threshold
from service.documents.tables import NOT_REPORTED, tabulate_overview
from service.documents.workbook import LINE, LINE_HEIGHT, SEVERITY_FILLS, Book, find_height, find_number_format

SUMMARY = mark_message("Summary")
MATRIX = mark_message("Missions by indicator")
CHARTS = mark_message("Charts")
CHART_DATA = mark_message("Chart data")
# Pixels of a chart, and the rows and columns of the sheet that it covers.
CHART_SIZE = (500, 300)
CHART_ROWS, CHART_COLUMNS = 16, 8
PRINT_SCALE = 74
LABEL_COLUMNS = (mark_message("Indicator"), mark_message("Dimension"), mark_message("Period"))
KEY_COLUMNS = (
    mark_message("Indicator"), mark_message("Scope"), mark_message("Value"), mark_message("Period"), mark_message("Before"),
    mark_message("Change"), mark_message("Better or worse"), mark_message("Threshold"),
)  # fmt: skip
LABEL_WIDTHS = (42.0, 15.0, 17.0)


def add_summary(book: Book, report: CycleReport) -> None:
    """Add the sheet of sentences, key indicators and priorities."""
    sheet = book.add_sheet(gettext(SUMMARY))
    for column, width in enumerate((44, 40, 13, 15, 13, 13, 12, 14, 30)):
        sheet.set_column(column, column, width)
    sheet.write_string(0, 0, gettext(SUMMARY), book.title)
    row = 2
    for sentence in report.summary.sentences:
        text = sentence.text
        if sentence.label != "–":
            label = sentence.label[:1].upper() + sentence.label[1:]
            text = gettext("%(label)s: %(text)s", label=label, text=text)
        sheet.merge_range(row, 0, row, 8, text, book.text)
        sheet.set_row(row, find_height([(text, 190)]) + 3)
        row += 1
    row = _write_keys(book, sheet, report, row + 1) if report.summary.keys else row
    overview = tabulate_overview(report)
    sheet.write_string(row + 1, 0, gettext("Priorities"), book.heading)
    for column, name in zip((0, *range(2, len(overview.headings) + 1)), overview.headings, strict=True):
        sheet.write_string(row + 2, column, name, book.head)
    sheet.write_blank(row + 2, 1, None, book.head)
    sheet.set_row(row + 2, 2 * LINE_HEIGHT)
    for at, entry in enumerate(overview.rows, row + 3):
        sheet.write_string(at, 0, entry.label, book.text)
        for column, cell in enumerate(entry.cells, 2):
            if cell.value.isdigit():
                sheet.write_number(at, column, int(cell.value), book.number)
            else:
                sheet.write_string(at, column, cell.value, book.number)


def _write_keys(book: Book, sheet: Worksheet, report: CycleReport, row: int) -> int:
    """Write the table of key indicators and return the row below it."""
    sheet.write_string(row, 0, gettext("Key indicators"), book.heading)
    for column, name in enumerate(KEY_COLUMNS):
        sheet.write_string(row + 1, column, gettext(name), book.head)
    sheet.set_row(row + 1, 2 * LINE_HEIGHT)
    for at, key in enumerate(report.summary.keys, row + 2):
        sheet.set_row(at, 2 * LINE_HEIGHT)
        sheet.write_string(at, 0, key["title"], book.text)
        if key["mission"] is None:
            sheet.write_string(at, 1, gettext("No value reported by the end of the cycle"), book.note)
            continue
        status = key["status"] if key["status"] in NOT_FINAL else ""
        sheet.write_string(at, 1, describe_scope(key), book.text)
        sheet.write_number(at, 2, key["value"], book.find_state_format(key["unit"], status, key["severity"] or ""))
        sheet.write_string(at, 3, key["period"] or gettext("as of %(day)s", day=key["period_end"]), book.text)
        for column, value in ((4, key["previous_value"]), (5, key["change"])):
            book.write(sheet, at, column, value, key["unit"])
        tone = judge_change(key["change"], key["better"])
        sheet.write_string(at, 6, write_code(tone) if tone in ("better", "worse") else "", book.text)
        fill = {"bg_color": SEVERITY_FILLS[key["severity"]]} if key["severity"] else {}
        sheet.write_string(at, 7, describe_threshold(key), book.find_format(text_wrap=True, valign="top", indent=1, **fill))
    return row + 2 + len(report.summary.keys)


def add_matrix(book: Book, report: CycleReport) -> None:
    """Add the sheet of all indicators by mission: a row for each indicator and dimension value, a column for each mission."""
    sheet = book.add_sheet(gettext(MATRIX))
    rows = list(_list_rows(report))
    shown = {mission for *_, cells in rows for mission in cells}
    missions = [mission for mission, _ in report.missions if mission in shown and mission != ALL_MISSIONS]
    missions += [ALL_MISSIONS] if ALL_MISSIONS in shown else []
    marks = ", ".join(f"{symbol} {gettext(meaning)}" for _, symbol, meaning in SYMBOLS[:-1])
    sheet.write_string(
        0,
        0,
        gettext("Breaches have a fill and a symbol: %(marks)s. E estimated, P provisional.", marks=marks),
        book.find_format(font_color="#4C5A66"),
    )
    for column, (name, width) in enumerate(zip(LABEL_COLUMNS, LABEL_WIDTHS, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(1, column, gettext(name), book.head)
    for column, mission in enumerate(missions, len(LABEL_COLUMNS)):
        sheet.set_column(column, column, 9.7)
        sheet.write_string(1, column, mission, book.head)
    row = 2
    label = book.find_format(text_wrap=True, valign="top", border=1, border_color=LINE)
    missing = book.find_format(
        font_color="#4C5A66", italic=True, align="right", valign="top", font_size=9, shrink=True, border=1, border_color=LINE
    )
    band = book.find_format(bold=True, bg_color="#E8EDF2", font_color="#173A5C")
    for heading, entries in groupby(rows, key=lambda entry: entry[0]):
        for column in range(len(LABEL_COLUMNS) + len(missions)):
            sheet.write_string(row, column, heading if column == 0 else "", band)
        row += 1
        for _, unit, labels, cells in entries:
            for column, text in enumerate(labels):
                sheet.write_string(row, column, text, label)
            sheet.set_row(row, find_height(zip(labels, LABEL_WIDTHS, strict=True)))
            for column, mission in enumerate(missions, len(LABEL_COLUMNS)):
                value, status, severity = cells.get(mission, (None, "", ""))
                if isinstance(value, str):
                    sheet.write_string(row, column, value, missing)
                elif value is not None:
                    sheet.write_number(row, column, value, book.find_state_format(unit, status, severity))
                else:
                    sheet.write_blank(row, column, None, label)
            row += 1
    sheet.freeze_panes(2, len(LABEL_COLUMNS))
    sheet.repeat_rows(0, 1)


def _list_rows(
    report: CycleReport,
) -> Iterable[tuple[str, str, tuple[str, ...], dict[str, tuple[float | str | None, str, str]]]]:
    """Yield heading, unit, labels and, by mission, value or reason with status and severity."""
    severities = report.severities
    for priority in report.priorities:
        for entry in priority.indicators:
            unreported = dict.fromkeys(entry.unreported_missions, (gettext(NOT_REPORTED), "", ""))
            by_part = [
                (part, list(observations))
                for part, observations in groupby(entry.observations, lambda observation: observation.part)
            ]
            for part, observations in by_part:
                cells: dict[str, tuple[float | str | None, str, str]] = dict(unreported)
                for observation in observations:
                    if not observation.is_stale:
                        severity = severities.get((entry.metric, observation.mission, part), "")
                        cells[observation.mission] = (*_find_value(observation), severity)
                if cells:
                    yield priority.heading, entry.unit, (entry.title, part, _find_period(observations)), cells
        for kpi in priority.kpis:
            for part, own in groupby(kpi.values, lambda value: value.part):
                computed: list[KpiValue] = list(own)
                cells = {
                    value.mission: (value.value, "", severities.get((kpi.metric, value.mission, part), ""))
                    for value in computed
                }
                period = "; ".join(dict.fromkeys(value.period for value in computed if not value.is_cycle))
                yield priority.heading, kpi.unit, (gettext("KPI: %(title)s", title=kpi.title), part, period), cells


def _find_value(observation: Observation) -> tuple[float | str, str]:
    """Return the value and the letter of a status that is not final, or the reason why there is no value."""
    if observation.value is None:
        return write_code(STATUS_TEXT[observation.status]), ""
    return observation.value, observation.status if observation.status in NOT_FINAL else ""


def _find_period(observations: Iterable[Observation]) -> str:
    return "; ".join(
        dict.fromkeys(
            observation.period for observation in observations if not observation.is_stale and not observation.is_cycle
        )
    )


def add_charts(book: Book, report: CycleReport) -> None:
    """Add the sheet of native charts, one for each key indicator, and the sheet of their data."""
    sheet = book.add_sheet(gettext(CHARTS))
    sheet.hide_gridlines(2)
    # Two rows of charts fill a page.
    sheet.set_print_scale(PRINT_SCALE)
    sheet.set_h_pagebreaks([2 + 2 * CHART_ROWS * page for page in range(1, MAX_KEY_INDICATORS // 4 + 1)])
    sheet.write_string(0, 0, gettext("Key indicators"), book.title)
    drawn = 0
    keys = [key for key in report.summary.keys if key["mission"] is not None]
    for key in keys:
        has_history = len(key["history"]) > 1
        if not has_history and len(key["missions"]) < 2:
            continue
        options = _draw_history(keys, key) if has_history else _draw_missions(keys, key)
        chart: Any = book.workbook.add_chart({"type": options.pop("type")})
        chart.add_series(options)
        title = f"{key['title']}, {_name_scope(key) if has_history else gettext('by mission')}"
        chart.set_title({"name": title, "name_font": {"size": 11, "color": "#173A5C"}})
        chart.set_legend({"none": True})
        chart.set_y_axis(
            {
                "num_format": find_number_format(key["unit"]),
                "major_gridlines": {"visible": True, "line": {"color": LINE}},
                "line": {"none": True},
                "min": min(0, *(entry["value"] for entry in [*key["missions"], *key["history"]])),
            }
        )
        chart.set_x_axis({"num_font": {"size": 9}})
        chart.set_size({"width": CHART_SIZE[0], "height": CHART_SIZE[1]})
        place = 2 + drawn // 2 * CHART_ROWS, drawn % 2 * CHART_COLUMNS
        sheet.insert_chart(
            *place,
            chart,
            {"description": gettext("%(title)s; values on the sheet %(sheet)s", title=key["title"], sheet=gettext(CHART_DATA))},
        )
        drawn += 1
    if not drawn:
        sheet.write_string(2, 0, gettext("No key indicator has values to compare."), book.note)
    sheet.print_area(0, 0, max(3, 2 + (drawn + 1) // 2 * CHART_ROWS), 2 * CHART_COLUMNS - 1)
    _add_chart_data(book, keys)


def _name_scope(key: dict[str, Any]) -> str:
    return gettext("peacekeeping as a whole") if key["mission"] == ALL_MISSIONS else str(key["mission"])


def _add_chart_data(book: Book, keys: list[dict[str, Any]]) -> None:
    sheet = book.add_sheet(gettext(CHART_DATA))
    sheet.set_column(0, 0, 52)
    sheet.set_column(1, 1, 18)
    sheet.set_column(2, 2, 14)
    for column, name in enumerate((gettext("Indicator"), gettext("Mission or period"), gettext("Value"))):
        sheet.write_string(0, column, name, book.head)
    row = 1
    for key in keys:
        points = [(entry["mission"], entry["value"]) for entry in key["missions"]]
        points += [(entry["period"], entry["value"]) for entry in key["history"]]
        for label, value in points:
            sheet.write_string(row, 0, key["title"], book.text)
            sheet.write_string(row, 1, label, book.text)
            sheet.write_number(row, 2, value, book.find_number_format(key["unit"]))
            row += 1
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)


def _find_rows(keys: Iterable[dict[str, Any]], key: dict[str, Any]) -> tuple[int, int]:
    """Return the first row of the missions of a key indicator on the sheet of data, and that of its history, from 0."""
    row = 1
    for entry in keys:
        if entry["mission"] is None:
            continue
        if entry is key:
            break
        row += len(entry["missions"]) + len(entry["history"])
    return row, row + len(key["missions"])


def _draw_history(keys: list[dict[str, Any]], key: dict[str, Any]) -> dict[str, Any]:
    _, row = _find_rows(keys, key)
    last = row + len(key["history"]) - 1
    return {
        "type": "line",
        "categories": [gettext(CHART_DATA), row, 1, last, 1],
        "values": [gettext(CHART_DATA), row, 2, last, 2],
        "name": key["title"],
        "line": {"color": "#1F6AA5", "width": 2.25},
        "marker": {"type": "circle", "size": 6, "fill": {"color": "#1F6AA5"}, "border": {"color": "#1F6AA5"}},
        "data_labels": {"value": True, "position": "above", "font": {"size": 9}},
    }


def _draw_missions(keys: list[dict[str, Any]], key: dict[str, Any]) -> dict[str, Any]:
    row, _ = _find_rows(keys, key)
    last = row + len(key["missions"]) - 1
    return {
        "type": "column",
        "categories": [gettext(CHART_DATA), row, 1, last, 1],
        "values": [gettext(CHART_DATA), row, 2, last, 2],
        "name": key["title"],
        "fill": {"color": "#1F6AA5"},
        "gap": 60,
        "data_labels": {"value": True, "font": {"size": 9}},
    }
