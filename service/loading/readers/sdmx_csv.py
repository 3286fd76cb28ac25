"""Reads SDMX-CSV 1.0, 2.0 and 2.1: actions, codes and periods of the structure A4P:INDICATORS become rows of observations."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from service.errors import LoadError
from service.loading.readers.csv import SAMPLE_BYTES, TextFile, read_first_line
from service.loading.readers.row_budget import RowBudget
from service.sdmx.data import DATAFLOW
from service.sdmx.structure import ATTRIBUTES, CSV_COLUMNS, OBS_VALUE, TIME_PERIOD, Structure, read_structure
from service.warehouse.database import Connection, read_sql, run_sql

# The column of a file for a column of the checks.
COLUMN_NAMES = {
    "indicator": "INDICATOR",
    "mission": "MISSION",
    "period_start": "TIME_PERIOD",
    "period_end": "TIME_PERIOD",
    "value": "OBS_VALUE",
    "status": "OBS_STATUS",
    "source": "SOURCE_DETAIL",
    "page": "SOURCE_PAGE",
    "note": "COMMENT_OBS",
}
YEAR_START = "REPORTING_YEAR_START_DAY"
# The components of every catalogue. The column of a disaggregation has a prefix, so that it differs from all others.
FIXED = frozenset(
    ["FREQ", "INDICATOR", "MISSION", TIME_PERIOD, OBS_VALUE, YEAR_START, *(attribute.id for attribute in ATTRIBUTES)]
)
PREFIX = "d_"
# A column that is this similar to a component is a mistake; other columns are ignored.
LEAST_SIMILARITY = 0.8
# In version 1.0 the first column is DATAFLOW. Multi-valued columns have a second separator in brackets.
_HEADER = re.compile(r'\ufeff?"?(?:STRUCTURE(?:\[.\])?|DATAFLOW)"?([,;\t|])')
_TEXTS = ("SOURCE_DETAIL", "SOURCE_PAGE", "COMMENT_OBS")
_LABEL = ": "
STRUCTURES = (DATAFLOW, DATAFLOW.partition("(")[0])


def is_sdmx_csv(head: bytes) -> bool:
    """Return whether the first bytes of a file are the header of SDMX-CSV."""
    is_utf16 = head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return _HEADER.match(head.decode("utf-16" if is_utf16 else "utf-8", "ignore")) is not None


@dataclass(frozen=True)
class _Header:
    """The columns of a file: its separator, the ids of the columns, and those that are not read."""

    separator: str
    columns: tuple[str, ...]
    ignored: tuple[str, ...]
    has_labels: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns in SQL."""
        return tuple(f"c{position}" for position in range(len(self.columns)))

    def read(self, column: str, is_coded: bool = False) -> str:
        """Return the SQL of a component, null where the file does not have it."""
        if column not in self.columns:
            return "null::varchar"
        written = f"c{self.columns.index(column)}"
        return f"split_part({written}, '{_LABEL}', 1)" if self.has_labels and is_coded else written


def stage_sdmx_csv(cursor: Connection, file: Path, file_name: str, file_ordinal: int, budget: RowBudget) -> tuple[str, ...]:
    """Append the observations of an SDMX-CSV file in UTF-8 to `staged`; return notes on how it was read.

    M (merge, the default; I and A are read as M) leaves what is empty as it is, R (replace) does not, and D (delete) becomes a
    revision with status O and no value for each observation that it matches. Faults of single rows are added to `load_errors`.
    Raises LoadError or NotUtf8.
    """
    with file.open("rb") as stream:
        head = stream.read(SAMPLE_BYTES)
    structure = read_structure(cursor)
    header = _read_header(head, file_name, structure)
    source = TextFile(file, file_name, file_ordinal, header.separator, header.names)
    _read_rows(cursor, source, header, structure, budget)
    comma = _find_decimal_comma(cursor, header)
    _stage_rows(cursor, structure, file_ordinal, comma)
    summary = run_sql(cursor, "sdmx/load/summarize", file_ordinal=file_ordinal).fetchone()
    count, deletions, unmatched, deprecated = summary or (0, 0, 0, 0)
    # The rows are staged: their memory is needed for the checks.
    cursor.execute("drop view sdmx_rows")
    cursor.execute("drop table sdmx_lines")
    if count > budget.left:
        raise budget.refuse(file_name, f"changes {count:,} observations")
    budget.take(count)
    notes = ["read as SDMX-CSV"]
    if deprecated:
        notes.append("actions I and A read as M (merge)")
    if comma:
        notes.append("decimal comma")
    if deletions:
        notes.append(f"{deletions:,} observation{'s' if deletions > 1 else ''} deleted (D): status O, without a value")
    if unmatched:
        notes.append(f"{unmatched:,} row{'s' if unmatched > 1 else ''} with action D match no observation")
    if header.ignored:
        notes.append(f"columns that are no components were ignored: {', '.join(header.ignored)}")
    return tuple(notes)


def _read_header(head: bytes, file_name: str, structure: Structure) -> _Header:
    line = read_first_line(head, file_name)
    matched = _HEADER.match(line)
    assert matched is not None
    separator = matched[1]
    written = next(csv.reader([line], delimiter=separator), [])
    has_labels = any(_LABEL in name for name in written)
    names = [name.split(_LABEL)[0] for name in written]
    names[0] = names[0].partition("[")[0]
    known = {*structure.component_ids, *CSV_COLUMNS, YEAR_START}
    faults = []
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            faults.append(f"the column {name!r} is given twice")
        if name not in known and (near := get_close_matches(name, known, 1, LEAST_SIMILARITY)):
            faults.append(f"the column {name!r} is unknown (did you mean {near[0]!r}?)")
        if not name:
            faults.append("a column has no name")
    if names[0] == "STRUCTURE" and "STRUCTURE_ID" not in names:
        faults.append("the column 'STRUCTURE_ID' is missing")
    if faults:
        raise LoadError(f"{file_name}, row 1: {'; '.join(faults)}. The components are: {','.join(structure.component_ids)}")
    return _Header(separator, tuple(names), tuple(name for name in names if name not in known), has_labels)


def _read_rows(cursor: Connection, source: TextFile, header: _Header, structure: Structure, budget: RowBudget) -> None:
    """Create the table sdmx_rows: a row for each row of the file, with all components."""
    coded = [part.id for part in (*structure.dimensions, structure.time, *structure.attributes) if part.id not in _TEXTS]
    columns = ", ".join(
        f'{header.read(name, is_coded=name in coded)} as "{name if name in FIXED else PREFIX + name}"'
        for name in (*structure.component_ids, YEAR_START)
        if name != OBS_VALUE
    )
    is_first_version = "STRUCTURE" not in header.columns
    identifier = header.read("DATAFLOW" if is_first_version else "STRUCTURE_ID", is_coded=True)
    kind = "'dataflow'" if is_first_version else f"lower({header.read('STRUCTURE')})"
    texts = [header.read(name) for name in (*header.ignored, "STRUCTURE_NAME") if name in header.columns]
    marked = f"concat({', '.join(texts)})" if texts else "null::varchar"
    # A row has a byte for each column at least. A limit stops DuckDB from writing the rows in several threads.
    fits = source.file.stat().st_size // len(header.columns) < budget.left
    action = f"upper(coalesce({header.read('ACTION')}, 'M'))"
    source.run(
        cursor,
        f"""
        create or replace temp table sdmx_lines as
        select
            {action} as action, action = 'D' as is_deletion, action = 'R' as is_replacement,
            {identifier} as structure_id,
            coalesce(structure_id in {STRUCTURES} and {kind} in ('dataflow', 'datastructure'), false) as is_known_structure,
            {columns},
            nullif({header.read("OBS_VALUE")}, 'NaN') as "OBS_VALUE",
            {marked} as marks
        from {source.table}
        where (c0 is null) in (true, false) and $last_row > 0
        {"" if fits else "limit $last_row"}
        """,
        budget,
    )
    # Without a condition, a limit takes four times as long (DuckDB 1.5.5).
    # DuckDB numbers the rows of a table in the order of the file. Counting them with a window reads the file in one thread.
    _number_rows(cursor, "select rowid + 2 as file_row, * from sdmx_lines")
    (count, blank) = cursor.execute("select count(*), count(*) filter (structure_id is null) from sdmx_lines").fetchone() or (
        0,
        0,
    )
    if count > budget.left:
        raise budget.refuse(source.name, f"has more than {budget.left:,} rows")

    def count_marks() -> tuple[int, int] | None:
        return run_sql(cursor, "sdmx/load/count_marks", delimiter=header.separator, column_count=len(header.columns)).fetchone()

    rows = source.find_row_numbers(count, count_marks)
    if rows:
        _replace_rows(
            cursor, "select * replace (coalesce($rows[file_row], file_row) as file_row) from sdmx_rows", {"rows": rows}
        )
    if blank:
        filled = ", ".join(f'"{name if name in FIXED else PREFIX + name}"' for name in structure.component_ids)
        _replace_rows(cursor, f"select * from sdmx_rows where coalesce(structure_id, {filled}, nullif(marks, '')) is not null")


def _number_rows(cursor: Connection, query: str) -> None:
    cursor.execute(f"create or replace temp view sdmx_rows as {query}")


def _replace_rows(cursor: Connection, query: str, parameters: Mapping[str, object] | None = None) -> None:
    """Replace the rows by some of them, or with other numbers."""
    cursor.execute(f"create or replace temp table sdmx_kept as {query}", parameters)
    cursor.execute("create or replace temp table sdmx_numbered as from sdmx_kept")
    _number_rows(cursor, "from sdmx_numbered")


def _find_decimal_comma(cursor: Connection, header: _Header) -> bool:
    """Return whether values have a decimal comma: the separator is another character, and no value has a point."""
    if header.separator == ",":
        return False
    row = cursor.execute(read_sql("sdmx/load/find_marks")).fetchone() or (False, False)
    has_comma, has_point = row
    return bool(has_comma and not has_point)


def _stage_rows(cursor: Connection, structure: Structure, file_ordinal: int, has_decimal_comma: bool) -> None:
    dimensions = [part for part in structure.dimensions if part.dimension]
    names = ("FREQ", "INDICATOR", "UNIT_MEASURE", "UNIT_MULT", *(f"{PREFIX}{part.id}" for part in dimensions))
    same_key = " and ".join(f'r."{name}" is not distinct from k."{name}"' for name in names)
    entries = ", ".join(
        f"""{{'dimension': $dimension_{part.id}, 'component': '{part.id}', 'code': c."{PREFIX}{part.id}"}}"""
        for part in dimensions
    )
    value = "replace(r.\"OBS_VALUE\", ',', '.')" if has_decimal_comma else 'r."OBS_VALUE"'
    template = {
        "columns": ", ".join(f'"{PREFIX}{part.id}"' for part in dimensions) or "null as no_dimension",
        "entries": f"[{entries}]",
        "same_key": f"r.is_deletion = k.is_deletion and {same_key}",
        "value": f"try_cast({value} as double)",
        "value_text": 'r."OBS_VALUE"',
    }
    parameters = {f"dimension_{part.id}": part.dimension for part in dimensions}
    cursor.execute(read_sql("sdmx/load/find_keys").format(**template), parameters)
    cursor.execute(read_sql("sdmx/load/find_periods"))
    ordinal = {"file_ordinal": file_ordinal}
    (may_have_faults,) = run_sql(cursor, "sdmx/load/may_have_faults").fetchone() or (True,)
    if may_have_faults:
        _drop_faulty(cursor, template, file_ordinal)
    cursor.execute(read_sql("sdmx/load/stage_merged").format(**template), ordinal)
    cursor.execute(read_sql("sdmx/load/stage_deleted").format(**template), ordinal)


def _drop_faulty(cursor: Connection, template: Mapping[str, str], file_ordinal: int) -> None:
    """Add the faults of rows to `load_errors`. Faulty rows are not checked further: their cells would be reported again."""
    ordinal = {"file_ordinal": file_ordinal}
    cursor.execute(read_sql("sdmx/load/list_faults").format(**template), ordinal)
    found = cursor.execute("select count(*) from load_errors where file_ordinal = $file_ordinal", ordinal).fetchone()
    if found != (0,):
        _replace_rows(cursor, read_sql("sdmx/load/list_faultless"), ordinal)
