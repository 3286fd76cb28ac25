"""Sentences on the latest values of an indicator, from given rows."""

from __future__ import annotations

from typing import Any

import pytest

from metrics.summaries import summarize_values


def make_row(mission: str, value: float | None, change: float | None = None, **other: Any) -> dict[str, Any]:
    row = {"mission": mission, "value": value, "change": change, "dimensions": {}, "unit": "count", "better": "lower"}
    return {**row, "period": "cycle 5", **other}


@pytest.mark.parametrize(
    ("rows", "breaches", "expected"),
    [
        ([], 0, []),
        ([make_row("UNMISS", None)], 0, []),
        ([make_row("UNMISS", 3)], 0, []),
        (
            [make_row("UNMISS", 125), make_row("UNIFIL", 43), make_row("UNDOF", 0), make_row("UNFICYP", 0)],
            1,
            ["Highest in UNMISS: 125. Lowest in UNDOF and UNFICYP: 0.", "1 value is beyond a threshold."],
        ),
        ([make_row("A", 1), *(make_row(name, 0) for name in "BCDE")], 0, ["Highest in A: 1. Lowest in 4 missions: 0."]),
        (
            [make_row("UNMISS", 140, 15, period="cycle 6"), make_row("UNIFIL", 43), make_row("UNDOF", 0)],
            0,
            [
                "Highest in UNMISS: 140 (cycle 6). Lowest in UNDOF: 0 (cycle 5).",
                "Since the previous period, 1 value is worse.",
            ],
        ),
        ([make_row("A", 2), make_row("B", 2)], 0, ["2 in each of 2 missions."]),
        (
            [make_row("A", 1, unit="boolean"), make_row("B", 0, unit="boolean"), make_row("C", None, unit="boolean")],
            0,
            ["Yes in 1 of 2 missions, no in B."],
        ),
        ([make_row("A", 1, unit="boolean"), make_row("B", 1, unit="boolean")], 0, ["Yes in 2 of 2 missions."]),
        ([make_row("ALL", 914, 403)], 0, ["Latest value: 914 (cycle 5), +403 since the previous period."]),
        ([make_row("ALL", 0.5, period=None, unit="ratio")], 0, ["Latest value: 50\N{NO-BREAK SPACE}%."]),
        (
            [make_row("ALL", 12), make_row("A", 4, 1), make_row("B", 8, -2), make_row("C", 5, -1)],
            2,
            [
                "Peacekeeping as a whole: 12 (cycle 5).",
                "Highest in B: 8. Lowest in A: 4.",
                "Since the previous period, 2 values are better and 1 value is worse.",
                "2 values are beyond a threshold.",
            ],
        ),
        # A neutral indicator has no better or worse; causes are not compared with each other.
        (
            [make_row("A", 4, 1, better="neutral"), make_row("B", 5, 1, better="neutral")],
            0,
            ["Highest in B: 5. Lowest in A: 4."],
        ),
        ([make_row("A", 4, dimensions={"cause": "Equipment"}), make_row("A", 5, dimensions={"cause": "Personnel"})], 0, []),
    ],
)
def test_sentences_summarize_the_rows(rows: list[dict[str, Any]], breaches: int, expected: list[str]) -> None:
    assert summarize_values(rows, breaches) == expected
