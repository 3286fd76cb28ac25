"""The tables of a cycle: figures as the texts that HTML and PDF render."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from metrics.catalogue import ALL_MISSIONS
from metrics.codes import write_code
from metrics.comparisons import IMPOSSIBLE
from metrics.figures import NOT_FINAL, STATUS_TEXT, Tone, judge_change, write_change, write_figure
from metrics.languages import gettext, localize, mark_message
from metrics.thresholds import Severity
from service.documents.figures import CycleReport, Figure, IndicatorReport, KpiFigure, KpiReport

Entry = IndicatorReport | KpiReport
# The most severe breach of a metric, mission and dimension value.
Severities = Mapping[tuple[str, str, str], Severity]
NOT_REPORTED = mark_message("not reported")
BY_MISSION = mark_message("By mission")
WHOLE = mark_message("Peacekeeping as a whole")
DIFFERENCES = mark_message("Printed figures that differ from their parts")
OVERVIEW_COLUMNS = (
    mark_message("Priority"), mark_message("Indicators"), mark_message("Values"), mark_message("Expected values present"),
    mark_message("Better"), mark_message("Worse"), mark_message("Estimated or provisional"), mark_message("Breaches"),
)  # fmt: skip
BREACH_COLUMNS = (
    mark_message("Indicator"), mark_message("Severity"), mark_message("Mission"), mark_message("Value"),
    mark_message("Period"), mark_message("Threshold"), mark_message("Note"),
)  # fmt: skip
WHOLE_COLUMNS = (WHOLE, mark_message("Value"), mark_message("Before"), mark_message("Change"), mark_message("Period"))
DIFFERENCE_COLUMNS = (
    mark_message("Comparison"), mark_message("Printed"), mark_message("Computed from parts"), mark_message("Reason"),
)  # fmt: skip
NONE_BREACHED: Severities = {}


@dataclass(frozen=True)
class Cell:
    """One cell: a figure with the letter of its status and its change, or in `value` the reason why there is none.

    `kind` is figure, none (a reason instead of a figure), text, or blank (not expected). `tone` is the colour of the change.
    `severity` is that of a breached threshold, empty if there is none.
    """

    value: str = ""
    status: str = ""
    change: str = ""
    tone: Tone = "neutral"
    kind: str = "blank"
    severity: str = ""


@dataclass(frozen=True)
class Row:
    """A row of a table. `is_part`: its label is a dimension value of the row above."""

    label: str
    is_part: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A table. The first of `columns` is the heading of the row labels. `heading` and `headings` are in the language in use."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    heading: str = ""
    headings: tuple[str, ...] = ()


def _make_table(title: str, columns: Sequence[str], rows: Iterable[Row]) -> Table:
    return Table(title, tuple(columns), tuple(rows), gettext(title), tuple(map(write_code, columns)))


def tabulate_overview(report: CycleReport) -> Table:
    """Return the counts of each priority."""
    rows = []
    for priority in report.priorities:
        judged = [
            (figure, entry.judge(figure)) for entry in priority.indicators for figure in entry.figures if not figure.is_stale
        ]
        counts = (
            len(priority.indicators),
            sum(figure.value is not None for figure, _ in judged),
            gettext(
                "%(count)s of %(total)s",
                count=sum(len(entry.reporters) for entry in priority.indicators),
                total=priority.expected_count,
            ),
            sum(tone == "better" for _, tone in judged),
            sum(tone == "worse" for _, tone in judged),
            sum(figure.status in NOT_FINAL for figure, _ in judged),
            len(priority.breaches),
        )
        rows.append(Row(priority.heading, False, tuple(Cell(str(count), kind="figure") for count in counts)))
    return _make_table("Priorities", OVERVIEW_COLUMNS, rows)


def tabulate_breaches(report: CycleReport) -> Table | None:
    """Return the values that breach a threshold, the most severe first, or None."""
    rows = []
    for breach in report.breaches:
        write = write_change if breach.is_change else write_figure
        cells = (
            Cell(write_code(breach.severity), kind="text", severity=breach.severity),
            Cell(breach.mission, kind="text"),
            Cell(write(breach.value, breach.unit), kind="figure"),
            Cell(breach.period, kind="text"),
            Cell(f"{write_code(breach.comparison)} {write(breach.limit, breach.unit)}", kind="text"),
            Cell(breach.note or "", kind="text"),
        )
        rows.append(Row(", ".join(filter(None, [breach.title, breach.part])), False, cells))
    return _make_table("Thresholds breached", BREACH_COLUMNS, rows) if rows else None


def tabulate_whole(
    entries: Sequence[IndicatorReport], kpis: Sequence[KpiReport], severities: Severities = NONE_BREACHED
) -> Table | None:
    """Return the figures about peacekeeping as a whole, one per row with the previous one; None if there are none."""
    rows: list[Row] = []
    for entry in filter(_is_whole, entries):
        if any(figure.part for figure in entry.figures):
            rows.append(Row(entry.title, False, (Cell(),) * 4))
        for figure in entry.figures:
            window = Cell(_write_window(figure), kind="text")
            cells = (_fill(entry, figure, severities), _fill_before(entry, figure), _fill_change(entry, figure), window)
            rows.append(Row(figure.part or entry.title, bool(figure.part), cells))
    for kpi in filter(_is_whole, kpis):
        for value in kpi.figures:
            before = Cell(write_figure(value.previous_value, kpi.unit), change=value.previous_period or "", kind="figure")
            change = Cell(change=_write_kpi_change(kpi, value), tone=kpi.judge(value), kind="text")
            window = Cell("; ".join(filter(None, ["" if value.is_cycle else value.period, value.base])), kind="text")
            label = ", ".join(filter(None, [gettext("KPI: %(title)s", title=kpi.title), value.part]))
            breach = severities.get((kpi.metric, value.mission, value.part), "")
            shown = Cell(_write_kpi(kpi, value), kind="figure", severity=breach)
            rows.append(Row(label, False, (shown, before, change, window)))
    return _drop_empty(_make_table(WHOLE, WHOLE_COLUMNS, rows)) if rows else None


def tabulate_missions(
    entries: Sequence[IndicatorReport],
    kpis: Sequence[KpiReport],
    missions: Sequence[str],
    severities: Severities = NONE_BREACHED,
) -> Table | None:
    """Return the figures by mission: a row for each indicator and dimension value, a column for each mission with figures.

    A mission that was not expected to report has no cell for an earlier figure, so closed missions have no column.
    """
    rows: list[tuple[str, bool, str, dict[str, Cell]]] = []
    for entry in entries:
        if _is_whole(entry):
            continue
        parts = [(part, list(figures)) for part, figures in groupby(entry.figures, lambda figure: figure.part)]
        unreported = {mission: Cell(gettext(NOT_REPORTED), kind="none") for mission in entry.unreported_missions}
        if parts[0][0]:
            rows.append((entry.title, False, "", unreported))
        for part, figures in parts:
            cells = {
                figure.mission: _fill(entry, figure, severities, with_change=True)
                for figure in figures
                if entry.expects(figure)
            }
            rows.append((part or entry.title, bool(part), _join_windows(figures), cells if part else unreported | cells))
    for kpi in kpis:
        if not _is_whole(kpi):
            cells = {figure.mission: _fill_kpi(kpi, figure, severities) for figure in kpi.figures}
            windows = "; ".join(dict.fromkeys(figure.period for figure in kpi.figures if not figure.is_cycle))
            rows.append((gettext("KPI: %(title)s", title=kpi.title) + _name_base(kpi), False, windows, cells))
    # The whole is last, like a sum.
    ordered = [name for name in missions if name != ALL_MISSIONS] + [ALL_MISSIONS]
    shown = [name for name in ordered if any(name in cells for *_, cells in rows)]
    table = _make_table(
        BY_MISSION,
        (BY_MISSION, "Period", *shown),
        (
            Row(label, is_part, (Cell(window, kind="text"), *(cells.get(name, Cell()) for name in shown)))
            for label, is_part, window, cells in rows
        ),
    )
    return _drop_empty(table) if rows else None


def tabulate_disagreements(report: CycleReport) -> Table | None:
    """Return the printed figures that differ from their parts, or None."""
    rows = []
    for entry in report.disagreements:
        numbers = (f"{value:,.4g}" if abs(value) < 10 else f"{value:,.0f}" for value in (entry.printed, entry.computed))
        values = map(localize, numbers)
        cells = (*(Cell(text, kind="figure") for text in values), Cell(entry.note or "", kind="text"))
        rows.append(Row(entry.check.replace("_", " ").removesuffix(f" cycle {report.cycle}"), False, cells))
    return _make_table(DIFFERENCES, DIFFERENCE_COLUMNS, rows) if rows else None


def _is_whole(entry: Entry) -> bool:
    expected = entry.expected_missions if isinstance(entry, IndicatorReport) else ()
    return {*expected, *(figure.mission for figure in entry.figures)} == {ALL_MISSIONS}


def _drop_empty(table: Table) -> Table:
    """Return the table without columns that are empty in every row."""
    columns = range(len(table.columns) - 1)
    shown = [at for at in columns if any(row.cells[at].value or row.cells[at].change for row in table.rows)]
    rows = tuple(Row(row.label, row.is_part, tuple(row.cells[at] for at in shown)) for row in table.rows)
    return _make_table(table.title, (table.columns[0], *(table.columns[at + 1] for at in shown)), rows)


def _fill(entry: IndicatorReport, figure: Figure, severities: Severities, with_change: bool = False) -> Cell:
    if figure.is_stale:
        return Cell(gettext(NOT_REPORTED), kind="none")
    if figure.value is None:
        return Cell(write_code(STATUS_TEXT[figure.status]), kind="none")
    change = _write_change(entry, figure.change) if with_change else ""
    breach = severities.get((entry.metric, figure.mission, figure.part), "")
    return Cell(write_figure(figure.value, entry.unit), _mark(figure.status), change, entry.judge(figure), "figure", breach)


def _name_base(kpi: KpiReport) -> str:
    """Return the number of missions that the totals of a KPI cover, in brackets; empty if there is no total."""
    bases = dict.fromkeys(figure.base for figure in kpi.figures if figure.base)
    scope = "" if any(figure.base for figure in kpi.figures if figure.mission != ALL_MISSIONS) else f"{ALL_MISSIONS}: "
    return f" ({scope}{', '.join(bases)})" if bases else ""


def _write_kpi(kpi: KpiReport, figure: KpiFigure) -> str:
    return write_figure(figure.value, kpi.unit) + (IMPOSSIBLE if kpi.is_impossible(figure) else "")


def _fill_kpi(kpi: KpiReport, figure: KpiFigure, severities: Severities) -> Cell:
    change = _write_kpi_change(kpi, figure)
    breach = severities.get((kpi.metric, figure.mission, figure.part), "")
    return Cell(_write_kpi(kpi, figure), "", change, kpi.judge(figure), "figure", breach)


def _write_kpi_change(kpi: KpiReport, figure: KpiFigure) -> str:
    change = _write_change(kpi, figure.change)
    if not change or not figure.change_base:
        return change
    return gettext("%(change)s, over %(missions)s", change=change, missions=figure.change_base)


def _fill_before(entry: IndicatorReport, figure: Figure) -> Cell:
    """Return the previous figure; for a series that was not reported in the cycle, the last known one."""
    value, status, period = figure.previous_value, figure.previous_status, figure.previous_period
    if figure.is_stale:
        value, status, period = figure.value, figure.status, figure.period
    if period is None or status is None:
        return Cell()
    if value is None:
        return Cell(write_code(STATUS_TEXT[status]), change=period, kind="none")
    return Cell(write_figure(value, entry.unit), _mark(status), change=period, kind="figure")


def _fill_change(entry: IndicatorReport, figure: Figure) -> Cell:
    if figure.is_stale:
        return Cell()
    return Cell(change=_write_change(entry, figure.change), tone=entry.judge(figure), kind="text")


def _mark(status: str) -> str:
    return status if status in NOT_FINAL else ""


def _write_change(entry: Entry, change: float | None) -> str:
    # Unchanged answers of yes or no are not shown.
    if change is None or (change == 0 and entry.unit in ("boolean", "level")):
        return ""
    tone = judge_change(change, entry.better)
    return write_change(change, entry.unit) + (f", {write_code(tone)}" if tone in ("better", "worse") else "")


def _write_window(figure: Figure) -> str:
    if figure.is_cycle or figure.is_stale:
        return ""
    return figure.period + (" *" if figure.runs_on else "")


def _join_windows(figures: Iterable[Figure]) -> str:
    return "; ".join(dict.fromkeys(filter(None, map(_write_window, figures))))
