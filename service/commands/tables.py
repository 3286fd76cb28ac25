"""Tables that commands print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.queries.result_table import make_printable

PIPE_WIDTH = 200


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows below the names of the columns, as `print_wide` does."""
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        # Names and addresses come from other users.
        table.add_row(*(Text(make_printable(cell)) for cell in row))
    print_wide(table)


def print_wide(table: Table) -> None:
    """Print a table as wide as the terminal, or PIPE_WIDTH in a pipe."""
    console = Console()
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    console.print(table)


def write_moment(text: str | None) -> str:
    """Return a time of the access store for a table, to the second."""
    return "" if text is None else text[:19].replace("T", " ")
