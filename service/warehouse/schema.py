"""What SQL users find in a read copy: views, macros and columns with their comments; and docs/sql.md, which lists them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from service.queries.examples import Example
from service.warehouse.database import Connection, open_warehouse, run_sql


@dataclass(frozen=True)
class Column:
    """A column of a view."""

    name: str
    kind: str
    comment: str


@dataclass(frozen=True)
class View:
    """A view, or a table macro: `call` is how a query names it; a macro has no columns of its own."""

    name: str
    call: str
    comment: str
    columns: tuple[Column, ...] = ()


def read_schema(connection: Connection) -> tuple[View, ...]:
    """Return the views and table macros for users, by name."""
    rows = run_sql(connection, "schema/list_columns").fetchall()
    views = [
        View(name, name, comment or "", tuple(Column(column, kind, told or "") for *_, column, kind, told in columns))
        for (name, comment), columns in groupby(rows, key=lambda row: row[:2])
    ]
    macros = [
        View(name, f"{name}({', '.join(parameters)})", comment)
        for name, parameters, comment in run_sql(connection, "schema/list_macros").fetchall()
    ]
    return tuple(sorted([*views, *macros], key=lambda view: view.name))


def read_shipped_schema() -> tuple[View, ...]:
    """Return the schema that this version's migrations and views make."""
    with TemporaryDirectory() as folder:
        warehouse = open_warehouse(Path(folder) / "warehouse.duckdb", threads=1, memory_limit="1GB")
        try:
            with warehouse.cursor() as cursor:
                return read_schema(cursor)
        finally:
            warehouse.close()


def render_sql_reference(views: tuple[View, ...], examples: tuple[Example, ...]) -> str:
    """Return docs/sql.md: how to ask, the questions of sql/examples, and every view and column."""
    lines = [
        REFERENCE_HEAD,
        "## Questions",
        "",
        "Each is a file in `sql/examples/` and has its answer in `tests/queries/examples/`.",
        "",
    ]
    for example in examples:
        lines += [f"### {example.question}", "", "```sql", example.sql, "```", ""]
    lines += ["## Views and columns", ""]
    for view in views:
        lines += [f"### {view.call}", "", view.comment, ""]
        if view.columns:
            lines += ["| column | type | what |", "|---|---|---|"]
            lines += [
                f"| `{column.name}` | {column.kind} | {column.comment.replace('|', chr(92) + '|')} |" for column in view.columns
            ]
            lines.append("")
    return "\n".join(lines)


REFERENCE_HEAD = """\
# Ask in SQL

Written from the comments of views and columns and from `sql/examples/` by `make generate`; change those, not this page.

    a4p sql                                                    # a prompt: completion, history, .help
    a4p sql "select mission, value from latest where indicator = 'sofa_incidents_total'"
    a4p sql -f question.sql --format csv > answer.csv
    a4p sql --as-of 2023-10-31 "from kpi_latest"               # what held on that day
    a4p sql --known-at 2024-07-01 "from latest"                # without corrections recorded later
    echo "from missions" | a4p sql --format json

The SQL is DuckDB's. It runs on the read copy, which the service replaces whole after each snapshot and load, so it never
waits for the service and never sees half a load; `from snapshot_info` says which snapshot it is, the one that `/metrics`
shows as `a4p_snapshot_info`. Any DuckDB opens `data/warehouse-read.duckdb` too.

Three things to know:

- A null is not zero: the figure is missing, under validation or not applicable, and `status` says which.
- `mission = 'ALL'` is peacekeeping as a whole, as the report prints it. A sum over missions leaves it out.
- `dimensions` is a map: `dimensions['training']` is null where a figure is not broken down by training.

## Over HTTP

`POST /api/v1/sql` takes `{"sql", "as_of", "known_at", "max_rows", "format"}`, of which all but `sql` may be left out;
`GET` takes the same as parameters, for links. The answer is JSON, CSV, an Arrow IPC stream or Parquet, by `Accept`
(`application/json`, `text/csv`, `application/vnd.apache.arrow.stream`, `application/vnd.apache.parquet`) or `format`:

    {"columns": [{"name", "type"}], "rows": [[...]], "truncated": false, "snapshot": "12"}

JSON has at most 1,000 rows unless `max_rows` says otherwise, the other formats as many as the service allows; `truncated`
and the header `A4P-Truncated` say that there were more. In JSON an integer beyond 2^53, a NaN and an infinity are text.

One query is answered, and only one that reads: SELECT, FROM, WITH, VALUES, PIVOT, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN.
What is refused or fails is 400 with problem details that name `line` and `column`; what takes too long 408, too much
memory 413; 429 and 503 come with `Retry-After`. Settings `A4P_SQL_*` have the limits and the token.
"""
