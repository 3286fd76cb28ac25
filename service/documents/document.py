"""The document of a cycle: the texts, tables and charts that HTML and PDF render."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from metrics.catalogue import ALL_MISSIONS
from metrics.figures import STATUS_TEXT, write_figure
from metrics.vega import Engine, run_engine
from service.documents.figures import Breach, CycleReport, IndicatorReport, PriorityReport
from service.documents.pictures import Picture, draw_pictures
from service.documents.tables import (
    NOT_REPORTED,
    Table,
    tabulate_disagreements,
    tabulate_missions,
    tabulate_overview,
    tabulate_whole,
)
from service.system.progress import Progress, ignore_progress

# The meaning of each status, with the text or letter that the tables use.
LEGEND = {
    "E": ("E", "estimated, or printed as a lower bound such as “over 5,000”"),
    "P": ("P", "provisional: the source is ambiguous, see the notes"),
    "V": (STATUS_TEXT["V"], "reported, but not yet confirmed"),
    "O": (STATUS_TEXT["O"], "the mission or department reported no value"),
    "L": (STATUS_TEXT["L"], "the mission or department does not collect it"),
    "M": (STATUS_TEXT["M"], "not applicable, for example without a host agreement"),
}


@dataclass(frozen=True)
class Note:
    """A note on an indicator or KPI below the tables: description, source, page and remarks."""

    title: str
    text: str
    source: str
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """A priority. `anchor` is its name in links. `unreported` lists the indicators without reports so far."""

    anchor: str
    heading: str
    summary: str
    tables: tuple[Table, ...]
    pictures: tuple[Picture, ...]
    breaches: tuple[str, ...]
    unreported: str
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Document:
    """A cycle. `origin` describes the snapshot. `breaches` are those without a priority."""

    title: str
    subtitle: str
    origin: str
    legend: tuple[tuple[str, str], ...]
    overview: Table
    sections: tuple[Section, ...]
    breaches: tuple[str, ...]
    disagreements: Table | None


def write_document(report: CycleReport, progress: Progress = ignore_progress, engine: Engine = run_engine) -> Document:
    """Return the document. `engine` draws the charts, which takes most of the time."""
    sections = []
    for done, priority in enumerate(report.priorities):
        progress("drawing charts", done / len(report.priorities))
        sections.append(_write_section(report, priority, engine))
    progress("writing", None)
    return Document(
        title=f"A4P+ report, cycle {report.cycle}",
        subtitle=f"{write_date(report.period_start)} to {write_date(report.period_end)}",
        origin=write_origin(report),
        legend=explain_marks(report),
        overview=tabulate_overview(report),
        sections=tuple(sections),
        breaches=tuple(_write_breach(breach) for breach in report.other_breaches),
        disagreements=tabulate_disagreements(report),
    )


def write_date(day: date) -> str:
    """Return a date as a report prints it: 30 April 2024."""
    return f"{day.day} {day:%B %Y}"


def write_origin(report: CycleReport) -> str:
    """Return the state of reporting, the snapshot of the figures, and the time at which they are known."""
    snapshot = f"snapshot {report.snapshot.snapshot_id} of {_write_time(report.snapshot.made_at)}"
    known = f", as known at {_write_time(report.known_at)}" if report.known_at else ""
    return f"{_write_state(report)} From {snapshot}{known}. Figures as of {write_date(report.period_end)}."


def _write_state(report: CycleReport) -> str:
    """Return the state of reporting of the cycle."""
    if report.reported_count == report.expected_count and report.expected_count:
        return f"All {report.expected_count} expected reports were received."
    due = f"due {write_date(report.due_on)}" + (", now overdue" if report.snapshot.as_of >= report.due_on else "")
    if not report.figure_count and not report.reported_count:
        return f"No values reported yet; {due}."
    return f"{report.reported_count} of {report.expected_count} expected reports received; {due}."


def explain_marks(report: CycleReport) -> tuple[tuple[str, str], ...]:
    """Return the marks that the cycle uses, each with its meaning."""
    entries = [entry for priority in report.priorities for entry in priority.indicators]
    figures = [figure for entry in entries for figure in entry.figures]
    statuses = {figure.status for figure in figures if not figure.is_stale}
    is_unreported = any(entry.unreported_missions for entry in entries) or any(figure.is_stale for figure in figures)
    unreported = (NOT_REPORTED, "expected, but not received for this cycle")
    return (
        *(meaning for status, meaning in LEGEND.items() if status in statuses),
        *([unreported] if is_unreported else []),
        ("+12, better or worse", "change from the previous figure, for indicators with a preferred direction"),
        ("Window", "the period of the figure if it is not the cycle; * ends after the cycle"),
        *(
            [("!", "impossible: above the maximum, so one of the counts is wrong; see the page /quality")]
            if any(kpi.is_impossible(figure) for p in report.priorities for kpi in p.kpis for figure in kpi.figures)
            else []
        ),
        (ALL_MISSIONS, "peacekeeping as a whole; not always the sum of the missions"),
    )


def _write_time(instant: datetime) -> str:
    return f"{write_date(instant)} {instant:%H:%M} UTC"


def _write_section(report: CycleReport, priority: PriorityReport, engine: Engine) -> Section:
    missions = [mission for mission, _ in report.missions]
    tables = (
        tabulate_whole(priority.indicators, priority.kpis),
        tabulate_missions(priority.indicators, priority.kpis, missions),
    )
    return Section(
        anchor=priority.priority,
        heading=priority.heading,
        summary=_summarise(priority),
        tables=tuple(table for table in tables if table),
        pictures=draw_pictures(report, priority, engine),
        breaches=tuple(_write_breach(breach) for breach in priority.breaches),
        unreported="; ".join(priority.unreported),
        notes=(
            *map(_write_note, priority.indicators),
            *(Note(f"KPI: {kpi.title}", kpi.description, "Computed", ()) for kpi in priority.kpis),
        ),
    )


def _summarise(priority: PriorityReport) -> str:
    judged = priority.judge_figures()
    reported = sum(figure.value is not None for figure, _ in judged)
    parts = [f"{len(priority.indicators)} indicators, {reported} figures"]
    for tone in ("better", "worse"):
        if count := sum(judgement == tone for _, judgement in judged):
            parts.append(f"{count} {tone} than before")
    if unreported := priority.expected_count - sum(len(entry.reporters) for entry in priority.indicators):
        parts.append(f"{unreported} of {priority.expected_count} expected reports without a figure")
    return "; ".join(parts) + "."


def _write_breach(breach: Breach) -> str:
    series = ", ".join(filter(None, [breach.title, breach.mission, breach.part]))
    limit = f"{breach.comparison} the limit of {write_figure(breach.limit, breach.unit)}"
    note = f". {breach.note}" if breach.note else ""
    return f"{breach.severity.capitalize()}: {series}: {write_figure(breach.value, breach.unit)}, {limit}{note}."


def _write_note(entry: IndicatorReport) -> Note:
    pages: dict[str, list[str]] = {}
    remarks: dict[str, list[str]] = {}
    for figure in entry.figures:
        pages.setdefault(figure.source, [])
        if figure.page and figure.page not in pages[figure.source]:
            pages[figure.source].append(figure.page)
        if figure.note and not figure.is_stale:
            mission = "" if figure.mission == ALL_MISSIONS else figure.mission
            remarks.setdefault(figure.note, []).append(", ".join(filter(None, [mission, figure.part])))
    sources = (source + (f", page {', '.join(found)}" if found else "") for source, found in pages.items())
    written = [f"{'; '.join(filter(None, names))}: {note}".removeprefix(": ") for note, names in remarks.items()]
    stale = [figure for figure in entry.figures if figure.is_stale and figure.value is not None]
    if stale:
        last = (f"{figure.mission} {write_figure(figure.value, entry.unit)} ({figure.period})" for figure in stale)
        written.append(f"{NOT_REPORTED} in this cycle; last known: {', '.join(last)}")
    reported = (
        ""
        if entry.expected_missions == (ALL_MISSIONS,)
        else f", reported by {len(entry.reporters)} of {len(entry.expected_missions)}"
    )
    return Note(entry.title, entry.description, f"{entry.source}{reported}. {'; '.join(sources)}", tuple(written))
