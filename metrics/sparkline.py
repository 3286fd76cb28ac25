"""Small charts beside a value: a line over time, or bars by mission if there is one period only. Positions are in pixels.

The large charts are drawn by Vega (metrics/charts.py), which takes 20 to 150 ms for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

WIDTH = 240
HEIGHT = 56
# Room for the dot of the newest value and the width of lines.
MARGIN = 5.0
MAX_BAR_WIDTH = 22.0
MIN_BAR_HEIGHT = 1.5


@dataclass(frozen=True)
class Line:
    """The points of a line, oldest first, and the height of 0. The scale begins at 0, or at the smallest value below it."""

    points: tuple[tuple[float, float], ...]
    base: float

    @property
    def path(self) -> str:
        return " ".join(f"{x:g},{y:g}" for x, y in self.points)


@dataclass(frozen=True)
class Bar:
    """The bar of a mission: left edge, upper edge, width and height."""

    mission: str
    x: float
    y: float
    width: float
    height: float


def draw_line(values: Sequence[tuple[date, float]]) -> Line | None:
    """Return the line of values at the ends of their periods, None for fewer than two."""
    if len(values) < 2:
        return None
    first, last = values[0][0], values[-1][0]
    low, high = _find_range(value for _, value in values)
    days = max((last - first).days, 1)
    return Line(
        tuple(
            (
                round(MARGIN + (day - first).days / days * (WIDTH - 2 * MARGIN), 1),
                round(MARGIN + (high - value) / (high - low) * (HEIGHT - 2 * MARGIN), 1),
            )
            for day, value in values
        ),
        round(MARGIN + high / (high - low) * (HEIGHT - 2 * MARGIN), 1),
    )


def draw_bars(values: Sequence[tuple[str, float]]) -> tuple[Bar, ...]:
    """Return a bar for each mission, in the given order; none for fewer than two missions. A value of 0 has a thin bar."""
    if len(values) < 2:
        return ()
    low, high = _find_range(value for _, value in values)
    step = min((WIDTH - 2 * MARGIN) / len(values), MAX_BAR_WIDTH * 1.3)
    scale = (HEIGHT - 2 * MARGIN) / (high - low)
    bars = []
    for place, (mission, value) in enumerate(values):
        height = max(abs(value) * scale, MIN_BAR_HEIGHT)
        base = MARGIN + high * scale
        y = base - height if value >= 0 else base
        bars.append(Bar(mission, round(MARGIN + place * step, 1), round(y, 1), round(step / 1.3, 1), round(height, 1)))
    return tuple(bars)


def _find_range(values: Iterable[float]) -> tuple[float, float]:
    numbers = [0.0, *values]
    low, high = min(numbers), max(numbers)
    return (low, high) if high > low else (low, low + 1)
