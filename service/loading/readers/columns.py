"""The columns of an observation file and how each is staged, for every format."""

from __future__ import annotations

from service.errors import LoadError
from service.loading.readers.dialect import STANDARD, Dialect
from service.names import find_similar

REQUIRED = ("indicator", "mission", "period_start", "period_end", "value", "source")
OPTIONAL = ("dimensions", "status", "page", "note")
KNOWN = (*REQUIRED, *OPTIONAL)
# Columns that the view `observations` adds: a file written from the view can be loaded unchanged.
IGNORED = ("batch_id", "recorded_at")


def fold_columns(written: list[str]) -> list[str]:
    """Return column names as the warehouse has them: lower case, stripped, `_` for spaces within."""
    return ["_".join(name.lower().split()) for name in written]


def check_columns(file_name: str, columns: list[str]) -> None:
    """Raise LoadError with all missing, unknown and duplicate columns, and the fix."""
    faults = []
    unknown = [column for column in columns if column not in KNOWN and column not in IGNORED]
    for column in unknown:
        near = find_similar(column, KNOWN)
        faults.append(
            f"the column {column!r} is unknown"
            + (f" (did you mean {' or '.join(map(repr, near))}?)" if near else "; remove it")
        )
    faults += [f"the column {column!r} is missing" for column in REQUIRED if column not in columns]
    faults += [f"the column {column!r} is given twice" for column in (*KNOWN, *IGNORED) if columns.count(column) > 1]
    if faults:
        raise LoadError(f"{file_name}, row 1: {'; '.join(faults)}. The header is: {','.join(KNOWN)}")


def select_staged(columns: list[str], map_dimensions: bool, dialect: Dialect = STANDARD) -> str:
    """Return the select list that turns a file's columns into those of `staged`, after file_ordinal and file_row.

    `columns` must have passed check_columns. `map_dimensions` is true if dimensions is a MAP already. A dialect other than
    the standard one needs text columns.
    """

    def written(column: str) -> str:
        return f"nullif(trim({column}::varchar), '')" if column in columns else "null::varchar"

    def parse(column: str, reading: str) -> str:
        return f"{reading} as {column}, if({reading} is null, {written(column)}, null) as {column}_text"

    def number() -> str:
        text = "value"
        for is_used, mark in ((dialect.grouping_points, r"\."), (dialect.grouping_spaces, r"[ \x{a0}\x{202f}]")):
            if is_used:
                grouped = rf"regexp_full_match(trim({text}), '[-+]?\d{{1,3}}({mark}\d{{3}})+(,\d+)?')"
                text = f"if({grouped}, regexp_replace(trim({text}), '{mark}', '', 'g'), {text})"
        if not dialect.decimal_comma:
            return f"try_cast({text} as double)"
        return rf"if(regexp_full_match(trim({text}), '[-+]?\d*,?\d+'), try_cast(replace({text}, ',', '.') as double), null)"

    if map_dimensions:
        dimensions = "coalesce(dimensions, map([]::varchar[], []::varchar[])) as dimensions, null::varchar as dimensions_text"
    else:
        # Before DuckDB 2.0 a map text with a duplicate key fails the whole statement.
        dimensions = parse("dimensions", f"try(parse_dimensions({written('dimensions')}))")
    return f"""
            coalesce({written("indicator")}, '') as indicator,
            coalesce({written("mission")}, '') as mission,
            {dimensions},
            {parse("period_start", select_date("period_start", dialect))},
            {parse("period_end", select_date("period_end", dialect))},
            {parse("value", number())},
            coalesce({written("status")}, if({written("value")} is null, '', 'A')) as status,
            coalesce({written("source")}, '') as source,
            {written("page")} as page,
            {written("note")} as note"""


def select_date(column: str, dialect: Dialect) -> str:
    """Return the SQL of the date in a text column, null where it is not a date in ISO format or a format of the dialect."""
    # Before DuckDB 2.0 a cast to date ignores any text after the date; a cast to timestamp does not.
    day, text = f"try_cast({column} as date)", f"{column}::varchar"
    readings = [f"if({day}::varchar = {text} or try_cast(trim({text}) as timestamp) is not null, {day}, null)"]
    for is_used, mark in ((dialect.dotted_dates, "."), (dialect.slashed_dates, "/")):
        if is_used:
            # strptime would accept a year of two digits.
            form = rf"regexp_full_match(trim({text}), '\d{{1,2}}[{mark}]\d{{1,2}}[{mark}]\d{{4}}')"
            readings.append(f"if({form}, try_strptime(trim({text}), '%d{mark}%m{mark}%Y')::date, null)")
    return readings[0] if len(readings) == 1 else f"coalesce({', '.join(readings)})"
