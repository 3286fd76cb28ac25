"""Sentences that summarize the latest values of one indicator or KPI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from metrics.catalogue import ALL_MISSIONS
from metrics.figures import judge_change, write_change, write_figure

# A sentence does not list more missions than this.
MAX_NAMED = 3


def summarize_values(rows: Sequence[Mapping[str, Any]], breach_count: int) -> list[str]:
    """Return up to three sentences on latest values: the total or the extremes over missions, changes, and breaches.

    A row has `mission`, `dimensions`, `value` (None if missing), `unit`, `better`, `change` and `period` (None for KPIs).
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
        sentences.append(f"{breach_count} value{'s are' if breach_count > 1 else ' is'} beyond a threshold.")
    return sentences


def _write_total(row: Mapping[str, Any], has_missions: bool) -> str:
    text = f"{'Peacekeeping as a whole: ' if has_missions else 'Latest value: '}{write_figure(row['value'], row['unit'])}"
    if row.get("period"):
        text += f" ({row['period']})"
    if row["change"]:
        text += f", {write_change(row['change'], row['unit'])} since the previous period"
    return f"{text}."


def _write_extremes(rows: Sequence[Mapping[str, Any]]) -> str:
    unit = rows[0]["unit"]
    if unit == "boolean":
        negative = [row["mission"] for row in rows if not row["value"]]
        text = f"Yes in {len(rows) - len(negative)} of {len(rows)} missions"
        return f"{text}, no in {_name(negative)}." if negative else f"{text}."
    values = [row["value"] for row in rows]
    low, high = min(values), max(values)
    if low == high:
        return f"{write_figure(low, unit)} in each of {len(rows)} missions."
    # While a cycle is being reported, the latest values are of different periods.
    are_mixed = len({row["period"] for row in rows}) > 1
    return f"Highest in {_name_at(rows, high, are_mixed)}. Lowest in {_name_at(rows, low, are_mixed)}."


def _name_at(rows: Sequence[Mapping[str, Any]], value: float, has_period: bool) -> str:
    """Return the missions with this value, and the value, with its periods if requested."""
    chosen = [row for row in rows if row["value"] == value]
    periods = dict.fromkeys(row["period"] for row in chosen if has_period and row["period"])
    text = f"{_name([row['mission'] for row in chosen])}: {write_figure(value, chosen[0]['unit'])}"
    return f"{text} ({', '.join(periods)})" if periods else text


def _write_directions(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a sentence on how many values became better and worse; none if none did or the indicator has no direction."""
    tones = [judge_change(row["change"], row["better"]) for row in rows]
    counts = [(tones.count(tone), tone) for tone in ("better", "worse")]
    changed = [f"{count} value{' is' if count == 1 else 's are'} {tone}" for count, tone in counts if count]
    return [f"Since the previous period, {' and '.join(changed)}."] if changed else []


def _name(missions: Sequence[str]) -> str:
    if len(missions) > MAX_NAMED:
        return f"{len(missions)} missions"
    return " and ".join([", ".join(missions[:-1]), missions[-1]]) if len(missions) > 1 else missions[0]
