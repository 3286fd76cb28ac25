"""Small charts beside a value."""

from __future__ import annotations

from datetime import date

from metrics.sparkline import HEIGHT, MARGIN, MIN_BAR_HEIGHT, WIDTH, draw_bars, draw_line


def test_a_line_spans_the_width_by_date_and_begins_at_zero() -> None:
    line = draw_line([(date(2022, 1, 1), 5.0), (date(2022, 1, 11), 10.0), (date(2022, 2, 10), 0.0)])
    assert line is not None
    assert line.points == ((MARGIN, HEIGHT / 2), (62.5, MARGIN), (WIDTH - MARGIN, HEIGHT - MARGIN))
    assert line.base == HEIGHT - MARGIN


def test_negative_values_are_below_zero() -> None:
    line = draw_line([(date(2022, 1, 1), -1.0), (date(2023, 1, 1), 1.0)])
    assert line is not None
    assert line.points[0][1] > line.base > line.points[1][1]
    first, second = draw_bars([("UNMISS", 1.0), ("UNIFIL", -1.0)])
    assert first.y + first.height == second.y == HEIGHT / 2


def test_one_value_has_no_line_and_one_mission_no_bars() -> None:
    assert draw_line([(date(2022, 1, 1), 5.0)]) is None
    assert draw_bars([("UNMISS", 5.0)]) == ()


def test_zero_has_a_thin_bar() -> None:
    assert [bar.height for bar in draw_bars([("UNMISS", 0.0), ("UNIFIL", 0.0)])] == [MIN_BAR_HEIGHT] * 2
