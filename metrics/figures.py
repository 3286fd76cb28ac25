"""Text of values, changes and statuses, by unit."""

from __future__ import annotations

from typing import Literal

MINUS = "\N{MINUS SIGN}"
NO_BREAK = "\N{NO-BREAK SPACE}"
# Codes of SDMX CL_OBS_STATUS.
STATUS_TEXT = {
    "A": "normal",
    "E": "estimated",
    "P": "provisional",
    "V": "under validation",
    "O": "missing",
    "L": "not collected",
    "M": "not applicable",
}
# Printed where a value is missing, by its status.
MARKS = {"O": "×", "L": "×", "V": "?", "M": "–"}
# Statuses of values that may change.
NOT_FINAL = ("E", "P", "V")
LEVELS = {1.0: "low", 2.0: "medium", 3.0: "high"}
SUFFIXES = {"days": "days", "meters": "m", "square_meters": "m\N{SUPERSCRIPT TWO}"}
METERS_A_KILOMETER = 1000

Tone = Literal["better", "worse", "same", "neutral"]


def write_figure(value: float | None, unit: str) -> str:
    """Return the text of a value, such as 1,234, 27.3 %, yes, medium or 30 days; empty for None."""
    if value is None:
        return ""
    if unit == "boolean" and value in (0, 1):
        return "yes" if value else "no"
    if unit == "level" and value in LEVELS:
        return LEVELS[value]
    if unit == "ratio":
        return f"{_write_number(value * 100, 1)}{NO_BREAK}%"
    return _write_with_unit(value, unit)


def write_change(change: float | None, unit: str) -> str:
    """Return a change with its sign, such as +12, +3 points (of a ratio) or 'now yes'; empty for None."""
    if change is None:
        return ""
    if unit == "boolean" and change in (-1, 1):
        return "now yes" if change > 0 else "now no"
    if change == 0:
        return "no change"
    written = f"{_write_number(change * 100, 1)}{NO_BREAK}points" if unit == "ratio" else _write_with_unit(change, unit)
    return written if change < 0 else f"+{written}"


def judge_change(change: float | None, better: str) -> Tone:
    """Return whether a change is for the better or the worse, given which direction is better."""
    if change is None or better == "neutral":
        return "neutral"
    if change == 0:
        return "same"
    return "better" if (change > 0) == (better == "higher") else "worse"


def _write_with_unit(value: float, unit: str) -> str:
    if unit == "meters" and abs(value) >= METERS_A_KILOMETER:
        value, suffix = value / METERS_A_KILOMETER, "km"
    else:
        suffix = SUFFIXES.get(unit, "")
    return f"{_write_number(value, 2)}{NO_BREAK}{suffix}" if suffix else _write_number(value, 2)


def _write_number(value: float, decimals: int) -> str:
    text = f"{abs(value):,.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return MINUS + text if value < 0 and text != "0" else text
