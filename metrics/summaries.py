"""Sentences that summarize the latest values of one indicator or KPI."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from metrics.catalogue import ALL_MISSIONS
from metrics.languages import gettext, ngettext
from metrics.values import judge_change, write_change, write_value

# A sentence does not list more missions than this.
MAX_NAMED = 3


def summarize_values(rows: Sequence[Mapping[str, Any]], breach_count: int) -> list[str]:
    """Return up to three sentences on latest values: the total or the extremes over missions, changes, and breaches.

    A row has `mission`, `dimensions`, `value` (None if missing), `unit`, `better`, `change` and `period` (None for KPIs), and
    `series_count` if it stands for several series.
    Values of disaggregations are not comparable with each other, so an indicator with several of them has no extremes.
    """
    given = [row for row in rows if row["value"] is not None]
    plain = [row for row in given if not row["dimensions"]]
    missions = [row for row in plain if row["mission"] != ALL_MISSIONS]
    totals = [row for row in plain if row["mission"] == ALL_MISSIONS]
    sentences = [_write_total(totals[0], bool(missions))] if totals else []
    if len(missions) > 1:
        sentences.append(_write_extremes(missions))
    sentences += _write_directions([row for row in given if row["mission"] != ALL_MISSIONS])
    if breach_count:
        sentences.append(
            ngettext("%(num)s value is beyond a threshold.", "%(num)s values are beyond a threshold.", breach_count)
        )
    return sentences


def _write_total(row: Mapping[str, Any], has_missions: bool) -> str:
    value = write_value(row["value"], row["unit"])
    if row.get("period"):
        value = f"{value} ({row['period']})"
    if row["change"]:
        change = write_change(row["change"], row["unit"])
        value = gettext("%(value)s, %(change)s since the previous period", value=value, change=change)
    if has_missions:
        return gettext("Peacekeeping as a whole: %(value)s.", value=value)
    return gettext("Latest value: %(value)s.", value=value)


def _write_extremes(rows: Sequence[Mapping[str, Any]]) -> str:
    unit = rows[0]["unit"]
    if unit == "boolean":
        negative = [row["mission"] for row in rows if not row["value"]]
        count = len(rows) - len(negative)
        if not negative:
            return gettext("Yes in %(count)s of %(total)s missions.", count=count, total=len(rows))
        return gettext(
            "Yes in %(count)s of %(total)s missions, no in %(missions)s.",
            count=count,
            total=len(rows),
            missions=_name(negative),
        )
    values = [row["value"] for row in rows]
    low, high = min(values), max(values)
    if low == high:
        return gettext("%(value)s in each of %(count)s missions.", value=write_value(low, unit), count=len(rows))
    # While a cycle is being reported, the latest values are of different periods.
    are_mixed = len({row["period"] for row in rows}) > 1
    return gettext(
        "Highest in %(highest)s. Lowest in %(lowest)s.",
        highest=_name_at(rows, high, are_mixed),
        lowest=_name_at(rows, low, are_mixed),
    )


def _name_at(rows: Sequence[Mapping[str, Any]], value: float, has_period: bool) -> str:
    """Return the missions with this value, and the value, with its periods if requested."""
    chosen = [row for row in rows if row["value"] == value]
    periods = dict.fromkeys(row["period"] for row in chosen if has_period and row["period"])
    missions = _name([row["mission"] for row in chosen])
    text = gettext("%(missions)s: %(value)s", missions=missions, value=write_value(value, chosen[0]["unit"]))
    return f"{text} ({', '.join(periods)})" if periods else text


def _write_directions(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a sentence on how many values became better and worse; none if none did or the indicator has no direction."""
    counts: Counter[str] = Counter()
    for row in rows:
        counts[judge_change(row["change"], row["better"])] += row.get("series_count", 1)
    better, worse = counts["better"], counts["worse"]
    changed = []
    if better:
        changed.append(ngettext("%(num)s value is better", "%(num)s values are better", better))
    if worse:
        changed.append(ngettext("%(num)s value is worse", "%(num)s values are worse", worse))
    if not changed:
        return []
    return [gettext("Since the previous period, %(changes)s.", changes=_join(changed))]


def _name(missions: Sequence[str]) -> str:
    if len(missions) > MAX_NAMED:
        return ngettext("%(num)s mission", "%(num)s missions", len(missions))
    return _join(missions)


def _join(texts: Sequence[str]) -> str:
    if len(texts) == 1:
        return texts[0]
    return gettext("%(first)s and %(last)s", first=", ".join(texts[:-1]), last=texts[-1])
