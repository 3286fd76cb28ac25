"""The state of a mission in each priority, and the places of dots."""

from __future__ import annotations

from typing import Any

import pytest

from metrics.catalogue import read_catalogue
from metrics.standing import STRIP_MARGIN, STRIP_WIDTH, judge_priorities, place_dots
from service.settings import find_in_tree

PRIORITY = read_catalogue(find_in_tree("metrics")).priorities[1]


def make_value(value: float | None = 5, change: float | None = None) -> dict[str, Any]:
    return {"priority": PRIORITY.priority, "value": value, "change": change, "better": "higher"}


def make_row(severity: str = "info") -> dict[str, Any]:
    return {"priority": PRIORITY.priority, "severity": severity}


@pytest.mark.parametrize(
    ("rows", "breaches", "near", "unreported", "state"),
    [
        ([make_value(change=-1)], [make_row("info"), make_row("critical")], [make_row()], [make_row()], "critical"),
        ([make_value(change=-1)], [], [make_row()], [], "near"),
        ([make_value(change=-1), make_value(change=3)], [], [], [make_row()], "worse"),
        ([make_value(change=0)], [], [], [make_row()], "fine"),
        ([make_value(None)], [], [], [], "unreported"),
        ([], [], [], [make_row()], "unreported"),
        ([], [], [], [], "unexpected"),
    ],
)
def test_the_state_of_a_priority_is_its_most_severe_finding(
    rows: Any, breaches: Any, near: Any, unreported: Any, state: str
) -> None:
    (standing,) = judge_priorities([PRIORITY], rows, breaches, near, unreported)
    assert standing.state == state


def test_dots_of_equal_values_are_drawn_once() -> None:
    strip = place_dots([0, 0, 10, 20], 5, 20)
    assert strip is not None
    assert strip.dots == (STRIP_MARGIN, STRIP_WIDTH / 2, STRIP_WIDTH - STRIP_MARGIN) and strip.own == STRIP_WIDTH - STRIP_MARGIN
    assert place_dots([3, 3], 3, 3) is None and place_dots([], 0, None) is None
