"""Query results for a terminal: an aligned table, or a record per row if the table is too wide."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

MAX_ROWS = 1000
# Text columns are wrapped, but not narrower than this. Wider results are shown as records.
MIN_FOLD_WIDTH = 24
GAP = 2
NULL = Text("null", style="dim")
_NUMBER = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL\(\d+,\d+\)|BIGNUM")


def render_rows(names: Sequence[str], kinds: Sequence[str], rows: Sequence[Sequence[object]], width: int) -> RenderableType:
    """Return rows as a table of at most `width` characters, or as records if the columns do not fit."""
    cells = [[_render(value) for value in row] for row in rows]
    columns = list(zip(*cells, strict=True)) if cells else [()] * len(names)
    widths = [
        max([cell_len(name), *(max((cell_len(line) for line in cell.plain.split("\n")), default=0) for cell in column)])
        for name, column in zip(names, columns, strict=True)
    ]
    least = sum(min(cell_width, MIN_FOLD_WIDTH) for cell_width in widths) + GAP * (len(widths) - 1)
    if least > width and rows:
        return _render_records(names, cells)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for name, kind, cell_width in zip(names, kinds, widths, strict=True):
        table.add_column(
            Text(name),
            justify="right" if _NUMBER.fullmatch(kind) else "left",
            overflow="fold",
            min_width=min(cell_width, MIN_FOLD_WIDTH),
            no_wrap=cell_width <= MIN_FOLD_WIDTH,
        )
    for row in cells:
        table.add_row(*row)
    return table


def print_rows(
    console: Console, names: Sequence[str], kinds: Sequence[str], rows: Sequence[Sequence[object]], is_cut: bool
) -> None:
    """Print rows and their number."""
    console.print(render_rows(names, kinds, rows, console.width))
    count = f"{len(rows):,} row{'s' * (len(rows) != 1)}"
    summary = f"the first {count}; --format csv writes all" if is_cut else count
    console.print(Text(f"({summary})", style="dim"))


def _render_records(names: Sequence[str], rows: Sequence[Sequence[Text]]) -> RenderableType:
    records: list[RenderableType] = []
    for number, row in enumerate(rows, 1):
        grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, GAP, 0, 0))
        grid.add_column(style="bold", no_wrap=True)
        grid.add_column(overflow="fold")
        for name, cell in zip(names, row, strict=True):
            grid.add_row(Text(name), cell)
        records += [Text(f"row {number}", style="dim"), grid]
    return Group(*records)


def _render(value: object) -> Text:
    if value is None:
        return NULL
    # Loaded text must not control the terminal.
    return Text(make_printable(write_value(value)))


def write_value(value: object) -> str:
    """Return a value as readable text: no trailing zeros, times to the second, maps as name=value."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float():
            return _write_float(value)
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case dict():
            return ", ".join(f"{write_value(key)}={write_value(item)}" for key, item in value.items())
        case list() | tuple():
            return ", ".join(map(write_value, value))
        case bytes():
            return value.hex()
        case _:
            return str(value)


def _write_float(value: float) -> str:
    if not math.isfinite(value) or (value and not 1e-4 <= abs(value) < 1e15):
        return str(value)
    return f"{value:.6f}".rstrip("0").rstrip(".")


def make_printable(text: str) -> str:
    """Replace control characters other than line ends, which a terminal would interpret."""
    return "".join(character if character.isprintable() or character == "\n" else "\ufffd" for character in text)
