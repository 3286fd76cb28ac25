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
from metrics.codes import write_code
from metrics.languages import NO_BREAK, gettext, localize, ngettext, translate
from metrics.values import MINUS, STATUS_TEXT, write_points, write_value

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
        statement = gettext("breaches a threshold.") if cycle is not None else gettext("is reported by this date.")
        path = "/thresholds" if cycle is not None else "/cycles"
        sentences = [Sentence("–", "none", gettext("No value"), statement, path), *sentences]
    if cycle is not None and not any(sentence.tone in ("worse", "better") for sentence in sentences):
        statement = gettext("is better or worse than in the period before.")
        subject = gettext("No value of cycle %(cycle)s", cycle=cycle)
        sentences.append(Sentence("–", "none", subject, statement, "/cycles", (str(cycle),)))
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
    statement = _write_values(first)
    if len(labels) > 1:
        statement = gettext("%(statement)s for %(labels)s", statement=statement, labels=_join(labels))
    limit, is_above = _write(first["limit_value"], first), first["comparison"] == "above"
    if first["unit"] == "boolean":
        statement = gettext("%(statement)s, which breaches a threshold", statement=statement)
    elif is_above:
        statement = gettext("%(statement)s, above the limit of %(limit)s", statement=statement, limit=limit)
    else:
        statement = gettext("%(statement)s, below the limit of %(limit)s", statement=statement, limit=limit)
    if first["leads"] and first["peers"] >= MIN_PEERS:
        if is_above:
            statement = gettext(
                "%(statement)s and the highest of %(count)s missions", statement=statement, count=first["peers"]
            )
        else:
            statement = gettext("%(statement)s and the lowest of %(count)s missions", statement=statement, count=first["peers"])
    if others := len({_write_labels(row) for row in rows} - {_write_labels(row) for row in same}):
        statement = ngettext(
            "%(statement)s; %(num)s more value breaches a limit",
            "%(statement)s; %(num)s more values breach a limit",
            others,
            statement=statement,
        )
    query = {} if first["mission"] == ALL_MISSIONS else {"mission": first["mission"]}
    subject = _write_subject(first, labels[0] if len(labels) == 1 else "")
    return Sentence(
        write_code(first["severity"]),
        first["severity"],
        subject,
        gettext("%(statement)s (%(period)s).", statement=statement, period=_write_period(first)),
        "/indicators",
        (first["name"],),
        query,
    )


def _write_change(row: Row) -> Sentence:
    query = {} if row["mission"] == ALL_MISSIONS else {"mission": row["mission"]}
    subject = _write_subject(row, _write_labels(row))
    statement = gettext("%(statement)s (%(period)s).", statement=_write_values(row), period=_write_period(row))
    return Sentence(write_code(row["tone"]), row["tone"], subject, statement, "/indicators", (row["indicator"],), query)


def write_overdue(rows: Sequence[Row], is_due: bool = True) -> Sentence:
    """Return the sentence on overdue reports by mission or, before the deadline, on those that were not received yet."""
    counts: dict[str, list[int]] = {}
    for row in rows:
        counted = counts.setdefault(row["mission"], [0, 0])
        counted[0] += len(row["indicators"])
        counted[1] += row["expected_count"]
    total = sum(count for count, _ in counts.values())
    if total == 0:
        statement = gettext("is overdue.") if is_due else gettext("is outstanding.")
        return Sentence("–", "none", gettext("No report"), statement, "#late")
    subject = ngettext("%(num)s report", "%(num)s reports", total)
    missions = {mission: counted for mission, counted in counts.items() if mission != ALL_MISSIONS}
    most = max((count for count, _ in missions.values()), default=0)
    first, *others = [mission for mission, (count, _) in missions.items() if count == most] or [ALL_MISSIONS]
    forms = ngettext("is overdue", "are overdue", total), ngettext("is outstanding", "are outstanding", total)
    statement = forms[0] if is_due else forms[1]
    if not missions:
        statement = gettext("%(statement)s, about peacekeeping as a whole.", statement=statement)
    elif len(missions) == 1:
        statement = gettext("%(statement)s, from %(mission)s.", statement=statement, mission=first)
    elif others:
        statement = gettext("%(statement)s, from %(count)s missions.", statement=statement, count=len(missions))
    else:
        statement = gettext(
            "%(statement)s, from %(count)s missions; %(mission)s has the most, %(most)s of %(expected)s.",
            statement=statement,
            count=len(missions),
            mission=first,
            most=most,
            expected=missions[first][1],
        )
    label = "overdue" if is_due else "due"
    return Sentence(write_code(label), "warning" if is_due else "none", subject, statement, "#late")


def _write_subject(row: Row, labels: str) -> str:
    about = f"{row['title']} ({labels})" if labels else row["title"]
    if row["mission"] == ALL_MISSIONS:
        return gettext("%(title)s in peacekeeping as a whole", title=about)
    return gettext("%(title)s in %(mission)s", title=about, mission=row["mission"])


def _write_values(row: Row) -> str:
    """Return the value with the one before. Past tense: titles are singular or plural."""
    value, before = _write(row["value"], row), row["previous_value"]
    if row["unit"] == "boolean":
        if before in (None, row["value"]):
            return gettext("was reported as %(value)s", value=value)
        return gettext("changed from %(before)s to %(value)s", before=_write(before, row), value=value)
    if before is None:
        return gettext("stood at %(value)s", value=value)
    if before == row["value"]:
        return gettext("stayed at %(value)s", value=value)
    if row["value"] > before:
        return gettext("rose from %(before)s to %(value)s", before=_write(before, row), value=value)
    return gettext("fell from %(before)s to %(value)s", before=_write(before, row), value=value)


def _write_period(row: Row) -> str:
    """Return the period of a value, with its status if it is not final."""
    period = row["period"].replace(" ", NO_BREAK)
    return f"{period}, {write_code(STATUS_TEXT[row['status']])}" if row.get("status") in ("E", "P") else period


def _write(value: float, row: Row) -> str:
    """Return a value; a change in a ratio is in points."""
    if row.get("is_change") and row["unit"] in ("boolean", "level"):
        return localize(f"{value:+g}").replace("-", MINUS)
    return write_points(value) if row.get("is_change") and row["unit"] == "ratio" else write_value(value, row["unit"])


def _write_labels(row: Row) -> str:
    return ", ".join(map(translate, row["dimensions"].values()))


def _value_of(row: Row) -> tuple[object, ...]:
    return row["value"], row["limit_value"], row["comparison"]


def _identify(name: str, row: Row) -> tuple[object, ...]:
    return name, row["mission"], tuple(sorted(row["dimensions"].items()))


def _join(texts: Sequence[str]) -> str:
    if len(texts) == 1:
        return texts[0]
    return gettext("%(first)s and %(last)s", first=", ".join(texts[:-1]), last=texts[-1])
