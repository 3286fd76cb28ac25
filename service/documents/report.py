"""The observations of a reporting cycle, read from a read copy: the data of every format."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from metrics.catalogue import ALL_MISSIONS
from metrics.charts import Point
from metrics.languages import gettext, translate, translate_rows
from metrics.thresholds import SEVERITIES, Severity
from metrics.values import Tone, judge_change
from service.documents.summary import Summary, read_summary
from service.errors import ReportError
from service.snapshots.read_copy import ReadCopy, SnapshotInfo
from service.warehouse.database import Connection, make_object, read_objects, read_rows, run_sql
from service.warehouse.definitions import Definitions

# Periods of one series that a chart of a document shows.
MAX_PERIODS = 24


@dataclass(frozen=True)
class Observation:
    """The observation of one series in a cycle. Its `period` may differ from the cycle.

    `runs_on`: the period ends after the cycle. `is_stale`: it ended before the cycle began, so the cycle was not reported.
    """

    mission: str
    part: str
    period: str
    period_start: date
    period_end: date
    is_cycle: bool
    runs_on: bool
    is_stale: bool
    value: float | None
    status: str
    previous_period: str | None
    previous_value: float | None
    previous_status: str | None
    change: float | None
    source: str
    page: str | None
    note: str | None


@dataclass(frozen=True)
class IndicatorReport:
    """An indicator in a cycle: its observations in catalogue order, and who was expected, reported, and did not."""

    indicator: str
    title: str
    description: str
    unit: str
    better: str
    source: str
    metric: str
    expected_missions: tuple[str, ...]
    reporters: tuple[str, ...]
    unreported_missions: tuple[str, ...]
    observations: tuple[Observation, ...]
    history: tuple[Point, ...]

    def expects(self, observation: Observation) -> bool:
        """Return whether an observation is of the cycle: of its period, or an earlier one of a mission expected to report."""
        return not observation.is_stale or observation.mission in self.expected_missions

    def judge(self, observation: Observation) -> Tone:
        """Return whether an observation is better or worse than the previous one, by the direction of the indicator."""
        return judge_change(None if observation.is_stale else observation.change, self.better)


@dataclass(frozen=True)
class KpiValue:
    """A KPI value that is valid at the end of a cycle, and the one that was valid before the cycle began.

    `period` is the day from which it is valid. `is_cycle`: this is the last day of the cycle. `base`: the missions that a
    total covers (4 of 6 missions). `change_base`: if the previous total covers other missions, the missions in both totals,
    which the change is over. The change is None if they have none in common.
    """

    mission: str
    part: str
    period: str
    is_cycle: bool
    value: float
    previous_period: str | None
    previous_value: float | None
    change: float | None
    base: str | None
    change_base: str | None


@dataclass(frozen=True)
class KpiReport:
    """A KPI in a cycle."""

    kpi: str
    title: str
    description: str
    unit: str
    better: str
    maximum: float | None
    metric: str
    values: tuple[KpiValue, ...]

    def is_impossible(self, value: KpiValue) -> bool:
        """Return whether a value is above the maximum."""
        return self.maximum is not None and value.value > self.maximum

    def judge(self, value: KpiValue) -> Tone:
        """Return whether a value is better or worse than the previous one, by the direction of the KPI."""
        return judge_change(value.change, self.better)


@dataclass(frozen=True)
class Breach:
    """A series that breaches a threshold at the end of a cycle. `priority` is None for other metrics.

    `is_change`: the value is the change of an indicator.
    """

    priority: str | None
    title: str
    unit: str
    metric: str
    is_change: bool
    mission: str
    part: str
    value: float
    period: str
    comparison: str
    limit: float
    severity: Severity
    note: str | None


@dataclass(frozen=True)
class Disagreement:
    """A printed figure that differs from the value computed from its parts."""

    check: str
    printed: float
    computed: float
    difference: float
    note: str | None


@dataclass(frozen=True)
class PriorityReport:
    """A priority in a cycle. `unreported` are the titles of indicators without reports so far."""

    priority: str
    title: str
    description: str
    number: int | None
    indicators: tuple[IndicatorReport, ...]
    kpis: tuple[KpiReport, ...]
    breaches: tuple[Breach, ...]
    unreported: tuple[str, ...]

    @property
    def heading(self) -> str:
        """Its number and title, as in the report."""
        if self.number:
            return gettext("Priority %(number)s: %(title)s", number=self.number, title=self.title)
        return gettext("Cross-cutting: %(title)s", title=self.title)

    @property
    def expected_count(self) -> int:
        """The number of expected reports: missions, summed over indicators."""
        return sum(len(entry.expected_missions) for entry in self.indicators)

    def judge_observations(self) -> list[tuple[Observation, Tone]]:
        """Return the observations reported for the cycle, each with whether it is better or worse than before."""
        return [
            (observation, entry.judge(observation))
            for entry in self.indicators
            for observation in entry.observations
            if not observation.is_stale
        ]


@dataclass(frozen=True)
class CycleReport:
    """A cycle in one snapshot, as known at `known_at` (None: at the snapshot).

    `reported_count` of `expected_count` reports were received for its period. `value_count` is the number of its values.
    """

    cycle: int
    period_start: date
    period_end: date
    due_on: date
    expected_count: int
    reported_count: int
    value_count: int
    snapshot: SnapshotInfo
    known_at: datetime | None
    missions: tuple[tuple[str, str], ...]
    priorities: tuple[PriorityReport, ...]
    other_breaches: tuple[Breach, ...]
    disagreements: tuple[Disagreement, ...]
    summary: Summary

    @property
    def breaches(self) -> list[Breach]:
        """All breaches, the most severe first, then in the order of the priorities."""
        found = [*(breach for priority in self.priorities for breach in priority.breaches), *self.other_breaches]
        return sorted(found, key=lambda breach: -SEVERITIES.index(breach.severity))

    @property
    def severities(self) -> dict[tuple[str, str, str], Severity]:
        """The most severe breach of each metric, mission and dimension value."""
        # The most severe ones come last, and replace others of the same series.
        return {(entry.metric, entry.mission, entry.part): entry.severity for entry in reversed(self.breaches)}


@dataclass(frozen=True)
class CycleInfo:
    """A cycle, the number of values of its period, and how many of its expected reports were received."""

    cycle: int
    period_start: date
    period_end: date
    due_on: date
    indicator_count: int
    mission_count: int
    value_count: int
    recorded_at: datetime | None
    expected_count: int
    reported_count: int


def list_cycles(session: Connection) -> list[CycleInfo]:
    """Return every cycle, newest first."""
    return read_objects(run_sql(session, "cycles/list"), CycleInfo)


def read_cycle(
    copy: ReadCopy, cycle: int, known_at: datetime | None = None, definitions: Definitions | None = None
) -> CycleReport:
    """Return a cycle as of its last day. Raises ReportError with the range of cycles.

    `definitions` has the places of missions and the key indicators; without it the report has neither.
    """
    with copy.open_session(known_at=known_at) as session:
        cycles = {info.cycle: info for info in list_cycles(session)}
    if cycle not in cycles:
        first, last = min(cycles), max(cycles)
        reason = (
            f"begins after {copy.info.as_of}, the date of the snapshot"
            if cycle > last
            else f"is before cycle {first}, the first with observations"
        )
        raise ReportError(f"Cycle {cycle} {reason}. Choose a cycle from {first} to {last}.")
    own_cycle = cycles[cycle]
    span = {"period_start": own_cycle.period_start, "period_end": own_cycle.period_end}
    # Reports arrive after the end of the cycle.
    with copy.open_session(known_at=known_at) as session:
        outstanding = read_rows(run_sql(session, "cycles/outstanding", **span))
    with copy.open_session(span["period_end"], known_at) as session:
        run_sql(session, "cycles/prepare", **span)
        observations = {
            indicator: tuple(make_object(Observation, row) for row in rows)
            for indicator, rows in groupby(_read(session, "cycles/observations"), itemgetter("indicator"))
        }
        history = {
            indicator: [make_object(Point, row, series=_name_series(row["mission"], row["part"])) for row in rows]
            for indicator, rows in groupby(_read(session, "cycles/history", max_periods=MAX_PERIODS), itemgetter("indicator"))
        }
        indicators = _read(session, "cycles/indicators")
        kpis = _read(session, "cycles/kpis", **span)
        breaches = [make_object(Breach, row) for row in _read(session, "cycles/breaches")]
        disagreements = [make_object(Disagreement, row) for row in _read(session, "cycles/disagreements", cycle=cycle, **span)]
        priorities = session.execute("select priority, title, number from priorities").fetchall()
        missions = session.execute("select mission, name from missions").fetchall()
        summary = read_summary(
            session,
            cycle,
            (own_cycle.period_start, own_cycle.period_end),
            own_cycle.value_count > 0,
            outstanding,
            copy.info.as_of >= own_cycle.due_on,
            definitions,
        )

    descriptions = (
        {entry.priority: translate(entry.description) for entry in definitions.catalogue.priorities} if definitions else {}
    )

    def read_indicator(row: dict[str, Any]) -> IndicatorReport:
        lists = {name: tuple(row[name]) for name in ("expected_missions", "reporters", "unreported_missions")}
        indicator = row["indicator"]
        return make_object(
            IndicatorReport, {**row, **lists}, observations=observations[indicator], history=tuple(history.get(indicator, ()))
        )

    def read_kpi(rows: Iterable[dict[str, Any]]) -> KpiReport:
        own = list(rows)
        return make_object(KpiReport, own[0], values=tuple(make_object(KpiValue, row) for row in own))

    def read_priority(priority: str, title: str, number: int | None) -> PriorityReport:
        own = [row for row in indicators if row["priority"] == priority]
        own_kpis = groupby((row for row in kpis if row["priority"] == priority), itemgetter("kpi"))
        return PriorityReport(
            priority,
            translate(title),
            descriptions.get(priority, ""),
            number,
            tuple(read_indicator(row) for row in own if row["indicator"] in observations),
            tuple(read_kpi(rows) for _, rows in own_kpis),
            tuple(breach for breach in breaches if breach.priority == priority),
            tuple(row["title"] for row in own if not row["has_begun"]),
        )

    return CycleReport(
        cycle,
        **span,
        due_on=own_cycle.due_on,
        expected_count=own_cycle.expected_count,
        reported_count=own_cycle.reported_count,
        value_count=own_cycle.value_count,
        snapshot=copy.info,
        known_at=known_at,
        missions=tuple(missions),
        priorities=tuple(read_priority(*row) for row in priorities),
        other_breaches=tuple(breach for breach in breaches if breach.priority is None),
        disagreements=tuple(disagreements),
        summary=summary,
    )


def _read(session: Connection, query: str, **parameters: object) -> list[dict[str, Any]]:
    """Return the rows of a query with their texts in the language in use."""
    return translate_rows(read_rows(run_sql(session, query, **parameters)))


def _name_series(mission: str, part: str) -> str:
    return ", ".join(filter(None, ["" if mission == ALL_MISSIONS and part else mission, part]))
