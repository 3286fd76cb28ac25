"""The sentences at the top of the overview and of a cycle document: three to five, always by the same rule.

1. Up to two breaches: the most severe one, then the largest excess relative to its limit, of different metrics.
2. The largest relative change for the worse and the one for the better in the newest reported cycle, other than those breaches.
   Counts below 10, which change by chance, and booleans only if nothing else changed.
3. The number of overdue reports, and the mission with the most.

A sentence is written even if there is nothing to report. sql/overview/ and sql/pages/list_overdue.sql have the order and the
numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from metrics.catalogue import ALL_MISSIONS
from metrics.figures import MINUS, NO_BREAK, STATUS_TEXT, write_figure

MAX_BREACHES = 2
# With fewer missions, the highest value says little.
MIN_PEERS = 3
Row = dict[str, Any]


@dataclass(frozen=True)
class Sentence:
    """A sentence: what it is about, linked to its values, and what it states. `label` and `tone` are for the mark before it."""

    label: str
    tone: str
    subject: str
    statement: str
    path: str
    parts: tuple[str, ...] = ()
    query: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return f"{self.subject} {self.statement}"


def write_briefing(
    cycle: int | None, breaches: Sequence[Row], changes: Sequence[Row], overdue: Sequence[Row]
) -> list[Sentence]:
    """Return the sentences from the rows of the queries of the overview. `cycle` is the newest reported one."""
    sentences = write_findings(breaches, changes if cycle is not None else [])
    if not breaches:
        statement = "breaches a threshold." if cycle is not None else "is reported by this date."
        path = "/thresholds" if cycle is not None else "/cycles"
        sentences = [Sentence("–", "none", "No value", statement, path), *sentences]
    if cycle is not None and not any(sentence.tone in ("worse", "better") for sentence in sentences):
        statement = "is better or worse than in the period before."
        sentences.append(Sentence("–", "none", f"No value of cycle {cycle}", statement, "/cycles", (str(cycle),)))
    return [*sentences, write_overdue(overdue)]


def write_findings(breaches: Sequence[Row], changes: Sequence[Row]) -> list[Sentence]:
    """Return the sentences on breaches and changes, none if there are none."""
    groups = [list(rows) for _, rows in groupby(breaches, key=lambda row: row["place"])]
    shown = [rows for rows in groups if rows[0]["metric_place"] == 1][:MAX_BREACHES]
    mentioned = {_identify(row["name"], row) for rows in shown for row in rows}
    new = [row for row in changes if row["is_newest"] and _identify(row["indicator"], row) not in mentioned]
    changed = [
        min((row for row in new if row["tone"] == tone), key=lambda row: row["place"], default=None)
        for tone in ("worse", "better")
    ]
    return [*(_write_breach(rows) for rows in shown), *(_write_change(row) for row in changed if row)]


def _write_breach(rows: Sequence[Row]) -> Sentence:
    """Return the sentence about the breaches of one metric by one mission, the largest first."""
    first = rows[0]
    same = [row for row in rows if (row["value"], row["limit_value"], row["comparison"]) == _value_of(first)]
    labels = list(dict.fromkeys(_write_labels(row) for row in same if row["dimensions"]))
    statement = _write_figures(first)
    if len(labels) > 1:
        statement += f" for {_join(labels)}"
    if first["unit"] == "boolean":
        statement += ", which breaches a threshold"
    else:
        statement += f", {first['comparison']} the limit of {_write(first['limit_value'], first)}"
    if first["leads"] and first["peers"] >= MIN_PEERS:
        statement += f" and the {'highest' if first['comparison'] == 'above' else 'lowest'} of {first['peers']} missions"
    if others := len({_write_labels(row) for row in rows} - {_write_labels(row) for row in same}):
        statement += f"; {others} more {'values breach' if others > 1 else 'value breaches'} a limit"
    query = {} if first["mission"] == ALL_MISSIONS else {"mission": first["mission"]}
    subject = _write_subject(first, labels[0] if len(labels) == 1 else "")
    return Sentence(
        first["severity"],
        first["severity"],
        subject,
        f"{statement} ({_write_period(first)}).",
        "/indicators",
        (first["name"],),
        query,
    )


def _write_change(row: Row) -> Sentence:
    query = {} if row["mission"] == ALL_MISSIONS else {"mission": row["mission"]}
    subject = _write_subject(row, _write_labels(row))
    statement = f"{_write_figures(row)} ({_write_period(row)})."
    return Sentence(row["tone"], row["tone"], subject, statement, "/indicators", (row["indicator"],), query)


def write_overdue(rows: Sequence[Row], is_due: bool = True) -> Sentence:
    """Return the sentence on overdue reports by mission or, before the deadline, on those that were not received yet."""
    counts: dict[str, list[int]] = {}
    for row in rows:
        counted = counts.setdefault(row["mission"], [0, 0])
        counted[0] += len(row["indicators"])
        counted[1] += row["expected_count"]
    total = sum(count for count, _ in counts.values())
    if total == 0:
        return Sentence("–", "none", "No report", "is overdue." if is_due else "is outstanding.", "#late")
    subject = "1 report" if total == 1 else f"{total:,} reports"
    missions = {mission: counted for mission, counted in counts.items() if mission != ALL_MISSIONS}
    most = max((count for count, _ in missions.values()), default=0)
    first, *others = [mission for mission, (count, _) in missions.items() if count == most] or [ALL_MISSIONS]
    statement = f"{'is' if total == 1 else 'are'} {'overdue' if is_due else 'outstanding'}"
    if not missions:
        statement += ", about peacekeeping as a whole"
    elif len(missions) == 1:
        statement += f", from {first}"
    elif others:
        statement += f", from {len(missions)} missions"
    else:
        statement += f", from {len(missions)} missions; {first} has the most, {most} of {missions[first][1]}"
    return Sentence("overdue" if is_due else "due", "warning" if is_due else "none", subject, f"{statement}.", "#late")


def _write_subject(row: Row, labels: str) -> str:
    about = f"{row['title']} ({labels})" if labels else row["title"]
    return f"{about} in {'peacekeeping as a whole' if row['mission'] == ALL_MISSIONS else row['mission']}"


def _write_figures(row: Row) -> str:
    """Return the value with the one before. Past tense: titles are singular or plural."""
    value, before = _write(row["value"], row), row["previous_value"]
    if row["unit"] == "boolean":
        return (
            f"changed from {_write(before, row)} to {value}"
            if before not in (None, row["value"])
            else f"was reported as {value}"
        )
    if before is None:
        return f"stood at {value}"
    if before == row["value"]:
        return f"stayed at {value}"
    return f"{'rose' if row['value'] > before else 'fell'} from {_write(before, row)} to {value}"


def _write_period(row: Row) -> str:
    """Return the period of a value, with its status if it is not final."""
    period = row["period"].replace(" ", NO_BREAK)
    return f"{period}, {STATUS_TEXT[row['status']]}" if row.get("status") in ("E", "P") else period


def _write(value: float, row: Row) -> str:
    """Return a value; a change in a ratio is in points."""
    text = write_figure(value, row["unit"])
    if row.get("is_change") and row["unit"] in ("boolean", "level"):
        return f"{value:+g}".replace("-", MINUS)
    return text.replace("%", "points") if row.get("is_change") and row["unit"] == "ratio" else text


def _write_labels(row: Row) -> str:
    return ", ".join(row["dimensions"].values())


def _value_of(row: Row) -> tuple[object, ...]:
    return row["value"], row["limit_value"], row["comparison"]


def _identify(name: str, row: Row) -> tuple[object, ...]:
    return name, row["mission"], tuple(sorted(row["dimensions"].items()))


def _join(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
