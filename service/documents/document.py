"""The document of a cycle: the texts, tables and charts that HTML and PDF render."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from metrics.briefing import Sentence
from metrics.catalogue import ALL_MISSIONS
from metrics.figures import NO_BREAK, NOT_FINAL, STATUS_TEXT, Tone, judge_change, write_change, write_figure
from metrics.mission_map import NOTE
from metrics.sparkline import WIDTH
from metrics.vega import Engine, run_engine
from service.documents.drawings import (
    NO_BREACH_SYMBOL,
    SEVERITY_SYMBOLS,
    describe_map,
    write_bars,
    write_line,
    write_map,
    write_share,
)
from service.documents.figures import CycleReport, IndicatorReport, PriorityReport
from service.documents.pictures import Picture, draw_pictures
from service.documents.summary import Summary, describe_scope, describe_threshold
from service.documents.tables import (
    NOT_REPORTED,
    Table,
    tabulate_breaches,
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


# The symbols of the map and of tables: severity, symbol and meaning.
SYMBOLS = (
    ("critical", SEVERITY_SYMBOLS["critical"], "critical breach"),
    ("warning", SEVERITY_SYMBOLS["warning"], "warning"),
    ("info", SEVERITY_SYMBOLS["info"], "information"),
    ("none", NO_BREACH_SYMBOL, "no breach"),
)


@dataclass(frozen=True)
class Note:
    """A note on an indicator or KPI below the tables: description, source, page and remarks."""

    title: str
    text: str
    source: str
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """A sentence of the summary. `label` is the mark before it, such as warning or better, and `tone` its colour."""

    label: str
    tone: str
    subject: str
    text: str


@dataclass(frozen=True)
class KeyFigure:
    """A key indicator: its value, change and threshold state as texts, and its small chart, if it has one."""

    title: str
    value: str
    status: str
    change: str
    tone: Tone
    scope: str
    threshold: str
    severity: str
    picture: Picture | None
    axis: tuple[str, str]


@dataclass(frozen=True)
class Section:
    """A priority. `anchor` is its name in links. `unreported` lists the indicators without reports so far."""

    anchor: str
    heading: str
    description: str
    summary: str
    statements: tuple[Statement, ...]
    breach_count: int
    tables: tuple[Table, ...]
    pictures: tuple[Picture, ...]
    unreported: str
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Document:
    """A cycle. `facts` are its dates, each with a name; `origin` is the same in one line. `symbols` explains marks."""

    title: str
    subtitle: str
    origin: str
    facts: tuple[tuple[str, str], ...]
    statements: tuple[Statement, ...]
    mission_map: Picture | None
    map_note: str
    symbols: tuple[tuple[str, str, str], ...]
    keys: tuple[KeyFigure, ...]
    legend: tuple[tuple[str, str], ...]
    overview: Table
    breaches: Table | None
    sections: tuple[Section, ...]
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
        facts=list_facts(report),
        statements=tuple(map(_write_statement, report.summary.sentences)),
        mission_map=_draw_map(report.summary),
        map_note=NOTE,
        symbols=SYMBOLS,
        keys=tuple(map(_write_key, report.summary.keys)),
        legend=explain_marks(report),
        overview=tabulate_overview(report),
        breaches=tabulate_breaches(report),
        sections=tuple(sections),
        disagreements=tabulate_disagreements(report),
    )


def list_facts(report: CycleReport) -> tuple[tuple[str, str], ...]:
    """Return the dates of a report and its state, each with its name."""
    return (
        ("Reporting period", f"{write_date(report.period_start)} to {write_date(report.period_end)}"),
        ("Values as of", write_date(report.period_end)),
        ("As known at", _write_time(report.known_at or report.snapshot.made_at)),
        ("Reports", _write_state(report)),
        ("Source", f"Snapshot {report.snapshot.snapshot_id} of {_write_time(report.snapshot.made_at)}"),
    )


def _write_statement(sentence: Sentence) -> Statement:
    return Statement(sentence.label, sentence.tone, sentence.subject, sentence.statement)


def _draw_map(summary: Summary) -> Picture | None:
    drawn = summary.mission_map
    if drawn is None:
        return None
    states = summary.states or {}
    return Picture(
        "Missions by their most severe breach", write_map(drawn, states), drawn.width, describe_map(drawn.marks, states)
    )


def _write_key(key: dict[str, Any]) -> KeyFigure:
    """Return a key indicator. Without a reported value it has a title only."""
    title, unit = key["title"], key["unit"]
    if key["mission"] is None:
        return KeyFigure(title, "", "", "", "neutral", "No value reported by the end of the cycle", "", "", None, ("", ""))
    labels = ", ".join(value for value in key["dimensions"].values() if value != "All")
    scope = ", ".join(filter(None, [describe_scope(key), labels, key["period"] or f"as of {write_date(key['period_end'])}"]))
    picture, axis = _draw_key(key)
    tone = judge_change(key["change"], key["better"])
    change = write_change(key["change"], unit) + (f", {tone}" if tone in ("better", "worse") else "")
    status = key["status"] if key["status"] in NOT_FINAL else ""
    value = write_figure(key["value"], unit)
    return KeyFigure(title, value, status, change, tone, scope, describe_threshold(key), key["severity"] or "", picture, axis)


def _draw_key(key: dict[str, Any]) -> tuple[Picture | None, tuple[str, str]]:
    """Return the small chart of a key indicator and the texts below its left and right end."""
    title, unit, missions, history = key["title"], key["unit"], key["missions"], key["history"]
    if key["line"]:
        alt = ", ".join(f"{entry['period']}: {write_figure(entry['value'], unit)}" for entry in history)
        axis = f"{write_figure(history[0]['value'], unit)}, {history[0]['period']}", str(history[-1]["period"])
        return Picture(title, write_line(key["line"], title, alt), WIDTH, alt), axis
    if key["bars"]:
        alt = ", ".join(f"{entry['mission']}: {write_figure(entry['value'], unit)}" for entry in missions)
        ends = [f"{entry['mission']} {write_figure(entry['value'], unit)}" for entry in (missions[0], missions[-1])]
        return Picture(title, write_bars(key["bars"], {key["mission"], *key["breaching"]}, title, alt), WIDTH, alt), (
            ends[0],
            ends[1],
        )
    if unit == "ratio" and 0 <= key["value"] <= 1:
        alt = write_figure(key["value"], unit)
        return Picture(title, write_share(key["value"], title, alt), WIDTH, alt), (f"0{NO_BREAK}%", f"100{NO_BREAK}%")
    return None, ("", "")


def write_date(day: date) -> str:
    """Return a date as a report prints it: 30 April 2024."""
    return f"{day.day} {day:%B %Y}"


def write_origin(report: CycleReport) -> str:
    """Return the state of reporting, the snapshot of the figures, and the time at which they are known."""
    snapshot = f"snapshot {report.snapshot.snapshot_id} of {_write_time(report.snapshot.made_at)}"
    known = f", as known at {_write_time(report.known_at)}" if report.known_at else ""
    return f"{_write_state(report)} From {snapshot}{known}. Values as of {write_date(report.period_end)}."


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
        ("+12, better or worse", "change from the previous value, for indicators with a preferred direction"),
        ("Period", "the period of the value if it is not the cycle; * ends after the cycle"),
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
        tabulate_whole(priority.indicators, priority.kpis, report.severities),
        tabulate_missions(priority.indicators, priority.kpis, missions, report.severities),
    )
    return Section(
        anchor=priority.priority,
        heading=priority.heading,
        description=priority.description,
        summary=_summarise(priority),
        statements=tuple(map(_write_statement, report.summary.findings.get(priority.priority, ()))),
        breach_count=len(priority.breaches),
        tables=tuple(table for table in tables if table),
        pictures=draw_pictures(report, priority, engine),
        unreported="; ".join(priority.unreported),
        notes=(
            *map(_write_note, priority.indicators),
            *(Note(f"KPI: {kpi.title}", kpi.description, "Computed", ()) for kpi in priority.kpis),
        ),
    )


def _summarise(priority: PriorityReport) -> str:
    judged = priority.judge_figures()
    reported = sum(figure.value is not None for figure, _ in judged)
    parts = [f"{len(priority.indicators)} indicator{'s' if len(priority.indicators) != 1 else ''}, {reported} values"]
    for tone in ("better", "worse"):
        if count := sum(judgement == tone for _, judgement in judged):
            parts.append(f"{count} {tone} than before")
    if unreported := priority.expected_count - sum(len(entry.reporters) for entry in priority.indicators):
        parts.append(f"{unreported} of {priority.expected_count} expected values missing")
    return "; ".join(parts) + "."


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
    stale = [figure for figure in entry.figures if figure.is_stale and entry.expects(figure) and figure.value is not None]
    if stale:
        last = (f"{figure.mission} {write_figure(figure.value, entry.unit)} ({figure.period})" for figure in stale)
        written.append(f"{NOT_REPORTED} in this cycle; last known: {', '.join(last)}")
    reported = (
        ""
        if entry.expected_missions == (ALL_MISSIONS,)
        else f", reported by {len(entry.reporters)} of {len(entry.expected_missions)}"
    )
    return Note(entry.title, entry.description, f"{entry.source}{reported}. {'; '.join(sources)}", tuple(written))
