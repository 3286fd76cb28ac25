"""The document of a cycle: the texts, tables and charts that HTML and PDF render."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from metrics.briefing import Sentence
from metrics.catalogue import ALL_MISSIONS
from metrics.codes import write_code
from metrics.languages import get_language, gettext, mark_message, ngettext, translate, write_date, write_percent
from metrics.mission_map import NOTE
from metrics.sparkline import WIDTH
from metrics.values import NOT_FINAL, STATUS_TEXT, Tone, judge_change, write_change, write_value
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
from service.documents.pictures import Picture, draw_pictures
from service.documents.report import CycleReport, IndicatorReport, KpiReport, PriorityReport
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
    "E": ("E", mark_message("estimated, or printed as a lower bound such as “over 5,000”")),
    "P": ("P", mark_message("provisional: the source is ambiguous, see the notes")),
    "V": (STATUS_TEXT["V"], mark_message("reported, but not yet confirmed")),
    "O": (STATUS_TEXT["O"], mark_message("the mission or department reported no value")),
    "L": (STATUS_TEXT["L"], mark_message("the mission or department does not collect it")),
    "M": (STATUS_TEXT["M"], mark_message("not applicable, for example without a host agreement")),
}


# The symbols of the map and of tables: severity, symbol and meaning.
SYMBOLS = (
    ("critical", SEVERITY_SYMBOLS["critical"], mark_message("critical breach")),
    ("warning", SEVERITY_SYMBOLS["warning"], mark_message("warning")),
    ("info", SEVERITY_SYMBOLS["info"], mark_message("information")),
    ("none", NO_BREACH_SYMBOL, mark_message("no breach")),
)


# Fixed texts of the templates.
WORDS = (
    mark_message("Contents"),
    mark_message("About this report"),
    mark_message("Marks and terms"),
    mark_message("Summary"),
    mark_message("Priorities"),
    mark_message("Key indicators"),
    mark_message("Thresholds breached"),
    mark_message("no comparable earlier value"),
    mark_message("No value breaches a threshold at the end of the cycle."),
    mark_message("By mission"),
    mark_message("Indicator"),
    mark_message("Indicator, further missions"),
    mark_message("Annex: notes on indicators and digitisation"),
    mark_message("Annex: printed figures that differ from their parts"),
    mark_message("Both values are stored as printed. The source has to decide which one is right."),
    mark_message("Action for Peacekeeping Plus"),
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
    """A sentence of the summary. `label` is the mark before it, such as warning or better, and `tone` its colour.

    `has_symbol`: the label is a severity, printed with its symbol.
    """

    has_symbol: bool
    label: str
    tone: str
    subject: str
    text: str


@dataclass(frozen=True)
class KeyValue:
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
    breach_summary: str
    unreported_summary: str
    tables: tuple[Table, ...]
    pictures: tuple[Picture, ...]
    unreported: str
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Document:
    """A cycle. `facts` are its dates, each with a name; `origin` is the same in one line. `symbols` explains marks.

    `words` are the fixed texts of the templates by English text.
    """

    language: str
    words: Mapping[str, str]
    title: str
    subtitle: str
    origin: str
    facts: tuple[tuple[str, str], ...]
    statements: tuple[Statement, ...]
    mission_map: Picture | None
    map_note: str
    symbols: tuple[tuple[str, str, str], ...]
    keys: tuple[KeyValue, ...]
    legend: tuple[tuple[str, str], ...]
    overview: Table
    breaches: Table | None
    breach_summary: str
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
        language=get_language().code,
        words={text: gettext(text) for text in WORDS},
        title=write_title(report),
        subtitle=write_span(report),
        origin=write_origin(report),
        facts=list_facts(report),
        statements=tuple(map(_write_statement, report.summary.sentences)),
        mission_map=_draw_map(report.summary),
        map_note=gettext(NOTE),
        symbols=tuple((severity, symbol, gettext(meaning)) for severity, symbol, meaning in SYMBOLS),
        keys=tuple(map(_write_key, report.summary.keys)),
        legend=explain_marks(report),
        overview=tabulate_overview(report),
        breaches=tabulate_breaches(report),
        breach_summary=_count_breaches(len(report.breaches)),
        sections=tuple(sections),
        disagreements=tabulate_disagreements(report),
    )


def list_facts(report: CycleReport) -> tuple[tuple[str, str], ...]:
    """Return the dates of a report and its state, each with its name."""
    return (
        (gettext("Reporting period"), write_span(report)),
        (gettext("Values as of"), write_date(report.period_end)),
        (gettext("As known at"), _write_time(report.known_at or report.snapshot.made_at)),
        (gettext("Reports"), _write_state(report)),
        (
            gettext("Source"),
            gettext(
                "Snapshot %(number)s of %(time)s",
                number=report.snapshot.snapshot_id,
                time=_write_time(report.snapshot.made_at),
            ),
        ),
    )


def _write_statement(sentence: Sentence) -> Statement:
    has_symbol = sentence.label == write_code(sentence.tone)
    return Statement(has_symbol, sentence.label, sentence.tone, sentence.subject, sentence.statement)


def _draw_map(summary: Summary) -> Picture | None:
    drawn = summary.mission_map
    if drawn is None:
        return None
    states = summary.states or {}
    return Picture(
        gettext("Missions by their most severe breach"),
        write_map(drawn, states),
        drawn.width,
        describe_map(drawn.marks, states),
    )


def _write_key(key: dict[str, Any]) -> KeyValue:
    """Return a key indicator. Without a reported value it has a title only."""
    title, unit = key["title"], key["unit"]
    if key["mission"] is None:
        nothing = gettext("No value reported by the end of the cycle")
        return KeyValue(title, "", "", "", "neutral", nothing, "", "", None, ("", ""))
    labels = ", ".join(translate(value) for value in key["dimensions"].values() if value != "All")
    period = key["period"] or gettext("as of %(day)s", day=write_date(key["period_end"]))
    scope = ", ".join(filter(None, [describe_scope(key), labels, period]))
    picture, axis = _draw_key(key)
    tone = judge_change(key["change"], key["better"])
    change = write_change(key["change"], unit) + (f", {write_code(tone)}" if tone in ("better", "worse") else "")
    status = key["status"] if key["status"] in NOT_FINAL else ""
    value = write_value(key["value"], unit)
    return KeyValue(title, value, status, change, tone, scope, describe_threshold(key), key["severity"] or "", picture, axis)


def _draw_key(key: dict[str, Any]) -> tuple[Picture | None, tuple[str, str]]:
    """Return the small chart of a key indicator and the texts below its left and right end."""
    title, unit, missions, history = key["title"], key["unit"], key["missions"], key["history"]
    if key["line"]:
        alt = ", ".join(f"{entry['period']}: {write_value(entry['value'], unit)}" for entry in history)
        axis = f"{write_value(history[0]['value'], unit)}, {history[0]['period']}", str(history[-1]["period"])
        return Picture(title, write_line(key["line"], title, alt), WIDTH, alt), axis
    if key["bars"]:
        alt = ", ".join(f"{entry['mission']}: {write_value(entry['value'], unit)}" for entry in missions)
        ends = [f"{entry['mission']} {write_value(entry['value'], unit)}" for entry in (missions[0], missions[-1])]
        return Picture(title, write_bars(key["bars"], {key["mission"], *key["breaching"]}, title, alt), WIDTH, alt), (
            ends[0],
            ends[1],
        )
    if unit == "ratio" and 0 <= key["value"] <= 1:
        alt = write_value(key["value"], unit)
        return Picture(title, write_share(key["value"], title, alt), WIDTH, alt), (write_percent("0"), write_percent("100"))
    return None, ("", "")


def write_title(report: CycleReport) -> str:
    """Return the title of a report."""
    return gettext("A4P+ report, cycle %(cycle)s", cycle=report.cycle)


def write_span(report: CycleReport) -> str:
    """Return the first and the last day of the cycle."""
    return gettext("%(start)s to %(end)s", start=write_date(report.period_start), end=write_date(report.period_end))


def write_origin(report: CycleReport) -> str:
    """Return the state of reporting, the snapshot of the observations, and the time at which they are known."""
    values = {
        "number": report.snapshot.snapshot_id,
        "time": _write_time(report.snapshot.made_at),
        "day": write_date(report.period_end),
    }
    if report.known_at:
        origin = gettext(
            "From snapshot %(number)s of %(time)s, as known at %(known_at)s. Values as of %(day)s.",
            known_at=_write_time(report.known_at),
            **values,
        )
    else:
        origin = gettext("From snapshot %(number)s of %(time)s. Values as of %(day)s.", **values)
    return f"{_write_state(report)} {origin}"


def _write_state(report: CycleReport) -> str:
    """Return the state of reporting of the cycle."""
    if report.reported_count == report.expected_count and report.expected_count:
        return gettext("All %(count)s expected reports were received.", count=report.expected_count)
    if report.snapshot.as_of >= report.due_on:
        due = gettext("due %(day)s, now overdue", day=write_date(report.due_on))
    else:
        due = gettext("due %(day)s", day=write_date(report.due_on))
    if not report.value_count and not report.reported_count:
        return gettext("No values reported yet; %(due)s.", due=due)
    return gettext(
        "%(count)s of %(total)s expected reports received; %(due)s.",
        count=report.reported_count,
        total=report.expected_count,
        due=due,
    )


def explain_marks(report: CycleReport) -> tuple[tuple[str, str], ...]:
    """Return the marks that the cycle uses, each with its meaning."""
    entries = [entry for priority in report.priorities for entry in priority.indicators]
    observations = [observation for entry in entries for observation in entry.observations]
    statuses = {observation.status for observation in observations if not observation.is_stale}
    is_unreported = any(entry.unreported_missions for entry in entries) or any(
        observation.is_stale for observation in observations
    )
    unreported = (gettext(NOT_REPORTED), gettext("expected, but not received for this cycle"))
    return (
        *((write_code(mark), gettext(meaning)) for status, (mark, meaning) in LEGEND.items() if status in statuses),
        *([unreported] if is_unreported else []),
        (
            gettext("+12, better or worse"),
            gettext("change from the previous value, for indicators with a preferred direction"),
        ),
        (gettext("Period"), gettext("the period of the value if it is not the cycle; * ends after the cycle")),
        *(
            [("!", gettext("impossible: above the maximum, so one of the counts is wrong; see the page /quality"))]
            if any(kpi.is_impossible(value) for p in report.priorities for kpi in p.kpis for value in kpi.values)
            else []
        ),
        (ALL_MISSIONS, gettext("peacekeeping as a whole; not always the sum of the missions")),
    )


def _count_breaches(count: int) -> str:
    return ngettext(
        "%(num)s value breaches a threshold on the last day of the cycle, the most severe first.",
        "%(num)s values breach a threshold on the last day of the cycle, the most severe first.",
        count,
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
        breach_summary=ngettext(
            "%(num)s value breaches a threshold", "%(num)s values breach a threshold", len(priority.breaches)
        ),
        unreported_summary=gettext("No value by the end of the cycle: %(titles)s.", titles="; ".join(priority.unreported)),
        tables=tuple(table for table in tables if table),
        pictures=draw_pictures(report, priority, engine),
        unreported="; ".join(priority.unreported),
        notes=(
            *map(_write_note, priority.indicators),
            *(
                Note(gettext("KPI: %(title)s", title=kpi.title), kpi.description, gettext("Computed"), ())
                for kpi in priority.kpis
            ),
        ),
    )


def _summarise(priority: PriorityReport) -> str:
    judged = priority.judge_observations()
    reported = sum(observation.value is not None for observation, _ in judged)
    parts = [
        ngettext(
            "%(num)s indicator, %(values)s values", "%(num)s indicators, %(values)s values", len(priority.indicators),
            values=reported,
        )
    ]  # fmt: skip
    if better := sum(judgement == "better" for _, judgement in judged):
        parts.append(ngettext("%(num)s better than before", "%(num)s better than before", better))
    if worse := sum(judgement == "worse" for _, judgement in judged):
        parts.append(ngettext("%(num)s worse than before", "%(num)s worse than before", worse))
    if unreported := priority.expected_count - sum(len(entry.reporters) for entry in priority.indicators):
        parts.append(gettext("%(count)s of %(total)s expected values missing", count=unreported, total=priority.expected_count))
    return "; ".join(parts) + "."


def _write_kpi_note(kpi: KpiReport) -> Note:
    return Note(gettext("KPI: %(title)s", title=kpi.title), kpi.description, gettext("Computed"), ())


def _write_note(entry: IndicatorReport) -> Note:
    pages: dict[str, list[str]] = {}
    remarks: dict[str, list[str]] = {}
    for observation in entry.observations:
        pages.setdefault(observation.source, [])
        if observation.page and observation.page not in pages[observation.source]:
            pages[observation.source].append(observation.page)
        if observation.note and not observation.is_stale:
            mission = "" if observation.mission == ALL_MISSIONS else observation.mission
            remarks.setdefault(observation.note, []).append(", ".join(filter(None, [mission, observation.part])))
    sources = (source + (gettext(", page %(page)s", page=", ".join(found)) if found else "") for source, found in pages.items())
    written = [f"{'; '.join(filter(None, names))}: {note}".removeprefix(": ") for note, names in remarks.items()]
    stale = [
        observation
        for observation in entry.observations
        if observation.is_stale and entry.expects(observation) and observation.value is not None
    ]
    if stale:
        last = (
            f"{observation.mission} {write_value(observation.value, entry.unit)} ({observation.period})"
            for observation in stale
        )
        written.append(gettext("not reported in this cycle; last known: %(values)s", values=", ".join(last)))
    reported = (
        ""
        if entry.expected_missions == (ALL_MISSIONS,)
        else gettext(", reported by %(count)s of %(total)s", count=len(entry.reporters), total=len(entry.expected_missions))
    )
    return Note(entry.title, entry.description, f"{entry.source}{reported}. {'; '.join(sources)}", tuple(written))
