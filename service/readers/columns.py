"""The columns of an observation file and how each is staged, whatever the format."""

from __future__ import annotations

import difflib

from service.errors import LoadError

REQUIRED = ("indicator", "mission", "period_start", "period_end", "value", "source")
OPTIONAL = ("dimensions", "status", "page", "note")
KNOWN = (*REQUIRED, *OPTIONAL)
# What the `observations` view adds: a file written from it can be loaded as it is.
IGNORED = ("batch_id", "recorded_at")


def check_columns(file_name: str, columns: list[str]) -> None:
    """Raise LoadError naming every column that is missing, unknown or given twice, and the mend."""
    faults = []
    unknown = [column for column in columns if column not in KNOWN and column not in IGNORED]
    for column in unknown:
        near = difflib.get_close_matches(column, KNOWN, n=1)
        faults.append(f"the column {column!r} is unknown" + (f" (did you mean {near[0]!r}?)" if near else "; remove it"))
    faults += [f"the column {column!r} is missing" for column in REQUIRED if column not in columns]
    faults += [f"the column {column!r} is given twice" for column in (*KNOWN, *IGNORED) if columns.count(column) > 1]
    if faults:
        raise LoadError(f"{file_name}, row 1: {'; '.join(faults)}. The header is: {','.join(KNOWN)}")


def select_staged(columns: list[str], map_dimensions: bool) -> str:
    """Return the select list that turns a file's columns into those of `staged`, after file_ordinal and file_row.

    `columns` must have passed check_columns; `map_dimensions` says that dimensions is a MAP already.
    """

    def written(column: str) -> str:
        return f"nullif(trim({column}::varchar), '')" if column in columns else "null::varchar"

    def understand(column: str, reading: str) -> str:
        return f"{reading} as {column}, if({reading} is null, {written(column)}, null) as {column}_text"

    def date(column: str) -> str:
        # Before DuckDB 2.0 a cast to date drops what follows the date, whatever it is; one to timestamp does not.
        day, text = f"try_cast({column} as date)", f"{column}::varchar"
        return understand(
            column, f"if({day}::varchar = {text} or try_cast(trim({text}) as timestamp) is not null, {day}, null)"
        )

    if map_dimensions:
        dimensions = "coalesce(dimensions, map([]::varchar[], []::varchar[])) as dimensions, null::varchar as dimensions_text"
    else:
        # Before DuckDB 2.0 a map text that names a key twice is an error of the whole statement.
        dimensions = understand("dimensions", f"try(parse_dimensions({written('dimensions')}))")
    return f"""
            coalesce({written("indicator")}, '') as indicator,
            coalesce({written("mission")}, '') as mission,
            {dimensions},
            {date("period_start")},
            {date("period_end")},
            {understand("value", "try_cast(value as double)")},
            coalesce({written("status")}, if({written("value")} is null, '', 'A')) as status,
            coalesce({written("source")}, '') as source,
            {written("page")} as page,
            {written("note")} as note"""
