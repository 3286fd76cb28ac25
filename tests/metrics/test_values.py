"""How values are written for people."""

from __future__ import annotations

import pytest

from metrics.values import judge_change, write_change, write_value


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{MINUS SIGN}", "-")


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (None, "count", ""), (0.0, "count", "0"), (1234.0, "count", "1,234"), (7.5, "count", "7.5"), (-3.0, "count", "-3"),
        (-0.0001, "count", "0"), (0.27, "ratio", "27 %"), (0.2727, "ratio", "27.3 %"), (2.0, "ratio", "200 %"),
        (0.0, "boolean", "no"), (1.0, "boolean", "yes"), (0.5, "boolean", "0.5"), (2.0, "level", "medium"), (9.0, "level", "9"),
        (247.0, "days", "247 days"), (540_000.0, "meters", "540 km"), (999.0, "meters", "999 m"),
        (1_600_000.0, "square_meters", "1,600,000 m\N{SUPERSCRIPT TWO}"),
    ],
)  # fmt: skip
def test_a_value_is_written_in_its_unit(value: float | None, unit: str, written: str) -> None:
    assert plain(write_value(value, unit)) == written


@pytest.mark.parametrize(
    ("change", "unit", "written"),
    [
        (None, "count", ""), (0.0, "count", "no change"), (12.0, "count", "+12"), (-3.0, "count", "-3"),
        (-0.03, "ratio", "-3 points"), (1.0, "boolean", "now yes"), (-1.0, "boolean", "now no"), (0.0, "boolean", "no change"),
        (-2000.0, "meters", "-2 km"),
    ],
)  # fmt: skip
def test_a_change_is_written_with_its_sign(change: float | None, unit: str, written: str) -> None:
    assert plain(write_change(change, unit)) == written


def test_a_change_is_judged_by_the_direction_that_is_better() -> None:
    assert judge_change(2, "lower") == "worse" and judge_change(-2, "lower") == "better"
    assert judge_change(2, "higher") == "better" and judge_change(-2, "higher") == "worse"
    assert judge_change(0, "lower") == "same"
    assert judge_change(5, "neutral") == judge_change(None, "lower") == "neutral"
