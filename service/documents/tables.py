"""The tables of a cycle: observations as the texts that HTML and PDF render."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from metrics.catalogue import ALL_MISSIONS
from metrics.codes import write_code
from metrics.comparisons import IMPOSSIBLE
from metrics.languages import gettext, localize, mark_message
from metrics.thresholds import Severity
from metrics.values import NOT_FINAL, STATUS_TEXT, Tone, judge_change, write_change, write_value
from service.documents.report import CycleReport, IndicatorReport, KpiReport, KpiValue, Observation

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
    """One cell: a value with the letter of its status and its change, or in `value` the reason why there is none.

    `kind` is value, none (a reason instead of a value), text, or blank (not expected). `tone` is the colour of the change.
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
            (observation, entry.judge(observation))
            for entry in priority.indicators
            for observation in entry.observations
            if not observation.is_stale
        ]
        counts = (
            len(priority.indicators),
            sum(observation.value is not None for observation, _ in judged),
            gettext(
                "%(count)s of %(total)s",
                count=sum(len(entry.reporters) for entry in priority.indicators),
                total=priority.expected_count,
            ),
            sum(tone == "better" for _, tone in judged),
            sum(tone == "worse" for _, tone in judged),
            sum(observation.status in NOT_FINAL for observation, _ in judged),
            len(priority.breaches),
        )
        rows.append(Row(priority.heading, False, tuple(Cell(str(count), kind="value") for count in counts)))
    return _make_table("Priorities", OVERVIEW_COLUMNS, rows)


def tabulate_breaches(report: CycleReport) -> Table | None:
    """Return the values that breach a threshold, the most severe first, or None."""
    rows = []
    for breach in report.breaches:
        write = write_change if breach.is_change else write_value
        cells = (
            Cell(write_code(breach.severity), kind="text", severity=breach.severity),
            Cell(breach.mission, kind="text"),
            Cell(write(breach.value, breach.unit), kind="value"),
            Cell(breach.period, kind="text"),
            Cell(f"{write_code(breach.comparison)} {write(breach.limit, breach.unit)}", kind="text"),
            Cell(breach.note or "", kind="text"),
        )
        rows.append(Row(", ".join(filter(None, [breach.title, breach.part])), False, cells))
    return _make_table("Thresholds breached", BREACH_COLUMNS, rows) if rows else None


def tabulate_whole(
    entries: Sequence[IndicatorReport], kpis: Sequence[KpiReport], severities: Severities = NONE_BREACHED
) -> Table | None:
    """Return the observations about peacekeeping as a whole, one per row with the previous one; None if there are none."""
    rows: list[Row] = []
    for entry in filter(_is_whole, entries):
        if any(observation.part for observation in entry.observations):
            rows.append(Row(entry.title, False, (Cell(),) * 4))
        for observation in entry.observations:
            window = Cell(_write_window(observation), kind="text")
            cells = (
                _fill(entry, observation, severities),
                _fill_before(entry, observation),
                _fill_change(entry, observation),
                window,
            )
            rows.append(Row(observation.part or entry.title, bool(observation.part), cells))
    for kpi in filter(_is_whole, kpis):
        for value in kpi.values:
            before = Cell(write_value(value.previous_value, kpi.unit), change=value.previous_period or "", kind="value")
            change = Cell(change=_write_kpi_change(kpi, value), tone=kpi.judge(value), kind="text")
            window = Cell("; ".join(filter(None, ["" if value.is_cycle else value.period, value.base])), kind="text")
            label = ", ".join(filter(None, [gettext("KPI: %(title)s", title=kpi.title), value.part]))
            breach = severities.get((kpi.metric, value.mission, value.part), "")
            shown = Cell(_write_kpi(kpi, value), kind="value", severity=breach)
            rows.append(Row(label, False, (shown, before, change, window)))
    return _drop_empty(_make_table(WHOLE, WHOLE_COLUMNS, rows)) if rows else None


def tabulate_missions(
    entries: Sequence[IndicatorReport],
    kpis: Sequence[KpiReport],
    missions: Sequence[str],
    severities: Severities = NONE_BREACHED,
) -> Table | None:
    """Return the values by mission: a row for each indicator and dimension value, a column for each mission with values.

    A mission that was not expected to report has no cell for an earlier observation, so closed missions have no column.
    """
    rows: list[tuple[str, bool, str, dict[str, Cell]]] = []
    for entry in entries:
        if _is_whole(entry):
            continue
        parts = [
            (part, list(observations))
            for part, observations in groupby(entry.observations, lambda observation: observation.part)
        ]
        unreported = {mission: Cell(gettext(NOT_REPORTED), kind="none") for mission in entry.unreported_missions}
        if parts[0][0]:
            rows.append((entry.title, False, "", unreported))
        for part, observations in parts:
            cells = {
                observation.mission: _fill(entry, observation, severities, with_change=True)
                for observation in observations
                if entry.expects(observation)
            }
            rows.append((part or entry.title, bool(part), _join_windows(observations), cells if part else unreported | cells))
    for kpi in kpis:
        if not _is_whole(kpi):
            cells = {value.mission: _fill_kpi(kpi, value, severities) for value in kpi.values}
            windows = "; ".join(dict.fromkeys(value.period for value in kpi.values if not value.is_cycle))
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
        cells = (*(Cell(text, kind="value") for text in values), Cell(entry.note or "", kind="text"))
        rows.append(Row(entry.check.replace("_", " ").removesuffix(f" cycle {report.cycle}"), False, cells))
    return _make_table(DIFFERENCES, DIFFERENCE_COLUMNS, rows) if rows else None


def _is_whole(entry: Entry) -> bool:
    if isinstance(entry, KpiReport):
        return {value.mission for value in entry.values} == {ALL_MISSIONS}
    return {*entry.expected_missions, *(observation.mission for observation in entry.observations)} == {ALL_MISSIONS}


def _drop_empty(table: Table) -> Table:
    """Return the table without columns that are empty in every row."""
    columns = range(len(table.columns) - 1)
    shown = [at for at in columns if any(row.cells[at].value or row.cells[at].change for row in table.rows)]
    rows = tuple(Row(row.label, row.is_part, tuple(row.cells[at] for at in shown)) for row in table.rows)
    return _make_table(table.title, (table.columns[0], *(table.columns[at + 1] for at in shown)), rows)


def _fill(entry: IndicatorReport, observation: Observation, severities: Severities, with_change: bool = False) -> Cell:
    if observation.is_stale:
        return Cell(gettext(NOT_REPORTED), kind="none")
    if observation.value is None:
        return Cell(write_code(STATUS_TEXT[observation.status]), kind="none")
    change = _write_change(entry, observation.change) if with_change else ""
    breach = severities.get((entry.metric, observation.mission, observation.part), "")
    return Cell(
        write_value(observation.value, entry.unit), _mark(observation.status), change, entry.judge(observation), "value", breach
    )


def _name_base(kpi: KpiReport) -> str:
    """Return the number of missions that the totals of a KPI cover, in brackets; empty if there is no total."""
    bases = dict.fromkeys(value.base for value in kpi.values if value.base)
    scope = "" if any(value.base for value in kpi.values if value.mission != ALL_MISSIONS) else f"{ALL_MISSIONS}: "
    return f" ({scope}{', '.join(bases)})" if bases else ""


def _write_kpi(kpi: KpiReport, value: KpiValue) -> str:
    return write_value(value.value, kpi.unit) + (IMPOSSIBLE if kpi.is_impossible(value) else "")


def _fill_kpi(kpi: KpiReport, value: KpiValue, severities: Severities) -> Cell:
    change = _write_kpi_change(kpi, value)
    breach = severities.get((kpi.metric, value.mission, value.part), "")
    return Cell(_write_kpi(kpi, value), "", change, kpi.judge(value), "value", breach)


def _write_kpi_change(kpi: KpiReport, value: KpiValue) -> str:
    change = _write_change(kpi, value.change)
    if not change or not value.change_base:
        return change
    return gettext("%(change)s, over %(missions)s", change=change, missions=value.change_base)


def _fill_before(entry: IndicatorReport, observation: Observation) -> Cell:
    """Return the previous observation; for a series that was not reported in the cycle, the last known one."""
    value, status, period = observation.previous_value, observation.previous_status, observation.previous_period
    if observation.is_stale:
        value, status, period = observation.value, observation.status, observation.period
    if period is None or status is None:
        return Cell()
    if value is None:
        return Cell(write_code(STATUS_TEXT[status]), change=period, kind="none")
    return Cell(write_value(value, entry.unit), _mark(status), change=period, kind="value")


def _fill_change(entry: IndicatorReport, observation: Observation) -> Cell:
    if observation.is_stale:
        return Cell()
    return Cell(change=_write_change(entry, observation.change), tone=entry.judge(observation), kind="text")


def _mark(status: str) -> str:
    return status if status in NOT_FINAL else ""


def _write_change(entry: Entry, change: float | None) -> str:
    # Unchanged answers of yes or no are not shown.
    if change is None or (change == 0 and entry.unit in ("boolean", "level")):
        return ""
    tone = judge_change(change, entry.better)
    return write_change(change, entry.unit) + (f", {write_code(tone)}" if tone in ("better", "worse") else "")


def _write_window(observation: Observation) -> str:
    if observation.is_cycle or observation.is_stale:
        return ""
    return observation.period + (" *" if observation.runs_on else "")


def _join_windows(observations: Iterable[Observation]) -> str:
    return "; ".join(dict.fromkeys(filter(None, map(_write_window, observations))))
