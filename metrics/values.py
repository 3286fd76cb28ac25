"""Text of values, changes and statuses, by unit."""

from __future__ import annotations

from typing import Literal

from metrics.languages import NO_BREAK, get_language, gettext, localize, write_percent

MINUS = "\N{MINUS SIGN}"
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
SUFFIXES = {"meters": "m", "square_meters": "m\N{SUPERSCRIPT TWO}"}
METERS_A_KILOMETER = 1000

Tone = Literal["better", "worse", "same", "neutral"]


def write_value(value: float | None, unit: str) -> str:
    """Return the text of a value, such as 1,234, 27.3 %, yes, medium or 30 days; empty for None."""
    if value is None:
        return ""
    if unit == "boolean" and value in (0, 1):
        return gettext("yes") if value else gettext("no")
    if unit == "level" and value in LEVELS:
        return gettext(LEVELS[value])
    if unit == "ratio":
        return write_percent(_write_number(value * 100, 1))
    return _write_with_unit(value, unit)


def write_change(change: float | None, unit: str) -> str:
    """Return a change with its sign, such as +12, +3 points (of a ratio) or 'now yes'; empty for None."""
    if change is None:
        return ""
    if unit == "boolean" and change in (-1, 1):
        return gettext("now yes") if change > 0 else gettext("now no")
    if change == 0:
        return gettext("no change")
    written = write_points(change) if unit == "ratio" else _write_with_unit(change, unit)
    return written if change < 0 else f"+{written}"


def write_points(change: float) -> str:
    """Return a change of a ratio in percentage points, such as 3 points."""
    return f"{_write_number(change * 100, 1)}{NO_BREAK}{gettext('points')}"


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
        suffix = gettext("days") if unit == "days" else SUFFIXES.get(unit, "")
    return f"{_write_number(value, 2)}{NO_BREAK}{suffix}" if suffix else _write_number(value, 2)


def _write_number(value: float, decimals: int) -> str:
    text = f"{abs(value):,.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if not get_language().is_source:
        text = localize(text)
    return MINUS + text if value < 0 and text != "0" else text
