"""Query results on a terminal."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from rich.console import Console

from service.queries.result_table import render_rows, write_value


def render(names: list[str], kinds: list[str], rows: list[tuple[object, ...]], width: int) -> list[str]:
    console = Console(width=width, force_terminal=False)
    with console.capture() as capture:
        console.print(render_rows(names, kinds, rows, width))
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (125.0, "125"),
        (0.5, "0.5"),
        (1 / 3, "0.333333"),
        (1e-9, "1e-09"),
        (float("nan"), "nan"),
        (0.0, "0"),
        (None, "null"),
        (True, "true"),
        (Decimal("2.50"), "2.50"),
        (date(2024, 4, 30), "2024-04-30"),
        (datetime(2024, 4, 30, 1, 2, 3, 4, tzinfo=UTC), "2024-04-30 01:02:03+00:00"),
        ({"training": "Medical"}, "training=Medical"),
        (["a", 1.0], "a, 1"),
        (b"\x01", "01"),
    ],
)
def test_values_are_written_for_people(value: object, text: str) -> None:
    assert write_value(value) == text


def test_numbers_are_right_aligned_and_text_left() -> None:
    shown = render(["mission", "n"], ["VARCHAR", "DECIMAL(38,0)"], [("UNMISS", Decimal(7)), ("UNIFIL", Decimal(125))], 40)
    assert shown[2:] == ["UNMISS      7", "UNIFIL    125"]


def test_long_text_is_wrapped_completely() -> None:
    note = "printed as None in the table, and as a dash in the annex of the same report"
    shown = render(["mission", "note"], ["VARCHAR", "VARCHAR"], [("UNMISS", note)], 50)
    assert max(map(len, shown)) <= 50
    assert "".join("".join(line[9:] for line in shown[2:]).split()) == note.replace(" ", "")


def test_a_wide_result_is_a_record_for_each_row() -> None:
    names = [f"column_{number}" for number in range(12)]
    shown = render(names, ["VARCHAR"] * 12, [tuple("x" * 20 for _ in names)] * 2, 80)
    assert shown[0] == "row 1"
    assert shown[1] == f"column_0   {'x' * 20}"
    assert shown[13] == "row 2"


def test_loaded_text_cannot_control_the_terminal() -> None:
    shown = render(["note"], ["VARCHAR"], [("\x1b[2J[bold]red[/bold]\a",)], 60)
    assert shown[2] == "�[2J[bold]red[/bold]�"


def test_no_rows_is_a_table_without_rows() -> None:
    assert render(["a"], ["INTEGER"], [], 20)[0] == "a"
