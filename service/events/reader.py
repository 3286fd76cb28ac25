"""Reads the export of a feed into the table `staged_events`: only columns that the feed names, as typed fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from metrics.catalogue import ALL_MISSIONS
from metrics.feeds import EPOCH, HXL_TAG, Feed, TextField, TimeField
from service.errors import LoadError
from service.loading.readers import check_is_text
from service.loading.readers.columns import select_date
from service.loading.readers.csv import SAMPLE_BYTES, TextFile, find_forms, read_header, stage_csv
from service.loading.readers.dialect import STANDARD, Dialect
from service.loading.readers.row_budget import RowBudget
from service.names import find_similar
from service.warehouse.database import Connection, run_sql

# Blanks, tabs and no-break spaces around a text are removed.
BLANKS = " \t\u00a0\u202f"
# The row number of the first row below the header.
FIRST_ROW = 2
# The texts of an event together. A longer text cannot be the name of a kind or a place.
MAX_TEXT_BYTES = 2000


@dataclass(frozen=True)
class _Column:
    """A column that the feed reads: its name, and the SQL names of its text and of whether blanks were removed."""

    name: str
    written: str

    @property
    def text(self) -> str:
        return f"text_{self.written}"

    @property
    def blank(self) -> str:
        return f"blank_{self.written}"


def stage_export(
    cursor: Connection, feed: Feed, missions: Sequence[str], file: Path, file_name: str, budget: RowBudget
) -> tuple[str, ...]:
    """Create `staged_events`, and the view `staged_content`, with the rows of an export; return notes on how it was read.

    `missions` are those of the catalogue. Raises LoadError when it is not an export of the feed, or has more rows than
    `budget` has left.
    """
    check_is_text(file, file_name)

    def stage(cursor: Connection, copy: Path, name: str, ordinal: int, budget: RowBudget) -> tuple[str, ...]:
        return _stage_utf8(cursor, feed, missions, copy, name, budget)

    return stage_csv(cursor, file, file_name, 0, budget, stage)


def _stage_utf8(
    cursor: Connection, feed: Feed, missions: Sequence[str], file: Path, file_name: str, budget: RowBudget
) -> tuple[str, ...]:
    with file.open("rb") as stream:
        head = stream.read(SAMPLE_BYTES)
    delimiter, header = read_header(head, file_name, feed.columns)
    _check_header(feed, file_name, header)
    # Positions as names: a header may repeat a column that is not read, or have one without a name.
    source = TextFile(file, file_name, 0, delimiter, tuple(f"c{number}" for number in range(len(header))))
    columns = {name: _Column(name, f"c{header.index(name)}") for name in feed.columns}
    is_tagged = _has_hxl_tags(head, delimiter)
    first_row = FIRST_ROW + is_tagged
    _stage_rows(cursor, feed, missions, source, columns, first_row, STANDARD, budget)
    (count,) = cursor.execute("select count(*) from staged_events").fetchone() or (0,)
    rows = source.find_row_numbers(count + is_tagged, lambda: _count_marks(cursor, source))
    dialect = _find_dialect(cursor, feed, source, columns, first_row, rows)
    if dialect != STANDARD:
        _stage_rows(cursor, feed, missions, source, columns, first_row, dialect, budget)
    if rows:
        cursor.execute("update staged_events set file_row = coalesce($rows[file_row], file_row)", {"rows": rows})
    _write_content_view(cursor, feed)
    if not count:
        raise LoadError(f"{file_name} has a header and no rows; export it again")
    budget.take(count)
    dropped = [name for name in header if name and name not in feed.columns and name not in feed.ignored]
    return (
        *(["the row of HXL tags was skipped"] if is_tagged else []),
        *dialect.notes,
        *([f"columns not in the feed, not stored: {', '.join(dropped)}"] if dropped else []),
        *_list_gaps(cursor, feed, columns),
    )


def _check_header(feed: Feed, file_name: str, header: list[str]) -> None:
    faults = []
    for column in feed.columns:
        if column not in header:
            near = find_similar(column, header)
            faults.append(f"the column {column!r} is missing" + (f" (is it {near[0]!r}?)" if near else ""))
        elif header.count(column) > 1:
            faults.append(f"the column {column!r} is given twice")
    if faults:
        raise LoadError(
            f"{file_name}, row 1: {'; '.join(faults)}. The feed {feed.feed} reads the columns {', '.join(feed.columns)}; "
            f"export them, or change metrics/feeds/{feed.feed}.yaml"
        )


def _has_hxl_tags(head: bytes, delimiter: str) -> bool:
    """Return whether the second row has tags of the Humanitarian Exchange Language only."""
    lines = head.decode("utf-8-sig", "replace").splitlines()
    cells = [cell.strip('" \t') for cell in lines[1].split(delimiter)] if len(lines) > 1 else []
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(HXL_TAG.match(cell) for cell in filled)


def _stage_rows(
    cursor: Connection, feed: Feed, missions: Sequence[str], source: TextFile, columns: dict[str, _Column], first_row: int,
    dialect: Dialect, budget: RowBudget,
) -> None:  # fmt: skip
    statement = _Statement(columns, dialect)
    fields = ",\n            ".join(statement.list_fields(feed, missions))
    texts = ", ".join(
        f"nullif(trim({column.written}, $blanks), '') as {column.text}, "
        f"coalesce({column.written} <> trim({column.written}, $blanks), false) as {column.blank}"
        for column in columns.values()
    )
    filled = ", ".join(column.written for column in columns.values())
    source.run(
        cursor,
        f"""
        create or replace temp table staged_events as
        with lines as ({source.lines}),
        texts as (
            select file_row, {texts}
            from lines
            where {source.within_limit} and file_row >= $first_row and coalesce({filled}) is not null
        )
        select
            file_row,
            {fields}
        from texts
        """,
        budget,
        blanks=BLANKS,
        first_row=first_row,
        **statement.parameters,
    )


class _Statement:
    """The select list of `staged_events`, and the parameters that it binds."""

    def __init__(self, columns: dict[str, _Column], dialect: Dialect) -> None:
        self._columns = columns
        self._dialect = dialect
        self.parameters: dict[str, object] = {}

    def list_fields(self, feed: Feed, missions: Sequence[str]) -> Iterator[str]:
        """Yield each column of `staged_events` after file_row."""
        yield f"{self._columns[feed.event_id].text} as event_id"
        yield f"{self._read_text(feed.kind)} as kind"
        yield f"{self._write_text(feed.kind)} as kind_text"
        yield f"{self._read_date(feed.occurred_on)} as occurred_on"
        yield f"{self._columns[feed.occurred_on.column].text} as occurred_on_text"
        mission = self._columns[feed.mission.column].text
        known = self._look_up({**dict(zip(missions, missions, strict=True)), **feed.mission.values}, mission)
        unknown = f"if({mission} is null, null, '{ALL_MISSIONS}')" if feed.mission.unknown == "ALL" else "null"
        yield f"coalesce({known}, {unknown}) as mission"
        yield f"{mission} as mission_text"
        yield f"{self._read_text(feed.state)} as state"
        yield f"{self._write_text(feed.state)} as state_text"
        yield f"{self._read_time(feed.updated_at)} as updated_at"
        yield f"{self._columns[feed.updated_at.column].text} as updated_at_text"
        for number, name in enumerate(sorted(feed.attributes)):
            yield f"{self._read_text(feed.attributes[name])} as attribute_{number}"
        yield f"{self._find_unknown_attribute(feed)} as unknown_attribute"
        yield f"{self._leave_out(feed, known)} as left_out"
        free = [field for field in (feed.kind, *feed.attributes.values()) if field.column and field.keeps_others]
        stored = f"concat({', '.join([self._columns[feed.event_id].text, *map(self._write_text, free)])})"
        yield f"strlen({stored}) > {MAX_TEXT_BYTES} as is_long"
        yield rf"regexp_matches({stored}, '[\x00-\x1F\x7F\x{{80}}-\x{{9F}}\x{{FFFE}}\x{{FFFF}}]') as has_control_character"
        yield from (f"{column.text} is null as {column.text}_is_null, {column.blank}" for column in self._columns.values())

    def _bind(self, value: object) -> str:
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"

    def _look_up(self, values: dict[str, str], text: str) -> str:
        """Return the SQL of the value of a text in upper or lower case, null where there is none."""
        if not values:
            return "null::varchar"
        keys, stored = self._bind([key.lower() for key in values]), self._bind(list(values.values()))
        return f"map({keys}::varchar[], {stored}::varchar[])[lower({text})]"

    def _write_text(self, field: TextField) -> str:
        return self._columns[field.column].text if field.column else "null::varchar"

    def _read_text(self, field: TextField) -> str:
        if field.constant is not None:
            return f"{self._bind(field.constant)}::varchar"
        text = self._write_text(field)
        found = [self._look_up(field.values, text)] if field.values else []
        if field.default is not None:
            found.append(self._bind(field.default))
        elif field.keeps_others:
            found.append(text)
        return f"coalesce({', '.join(found)})"

    def _read_date(self, field: TimeField) -> str:
        text = self._columns[field.column].text
        further = [f"try_strptime({text}, {self._bind(form)})::date" for form in field.formats]
        return f"coalesce({', '.join([select_date(text, self._dialect), *further])})"

    def _read_time(self, field: TimeField) -> str:
        text = self._columns[field.column].text
        readings = [f"try_cast({text} as timestamptz)"]
        for form in field.formats:
            if form == EPOCH:
                # A year, such as 2024, would be a time in 1970.
                seconds = f"try_cast({text} as bigint)"
                readings.insert(0, f"if({seconds} between 1e8 and 1e11, to_timestamp({seconds}), null)")
            else:
                readings.append(f"try_strptime({text}, {self._bind(form)})::timestamptz")
        if self._dialect != STANDARD:
            readings.append(f"({select_date(text, self._dialect)})::timestamptz")
        return f"coalesce({', '.join(readings)})"

    def _find_unknown_attribute(self, feed: Feed) -> str:
        """Return the SQL of the column and text of the first attribute whose text is not one of its values."""
        cases = "".join(
            f" when {self._write_text(field)} is not null and {self._read_text(field)} is null"
            f" then {{'column': {self._bind(field.column)}, 'text': {self._write_text(field)}}}"
            for field in feed.attributes.values()
            if field.stored_values is not None and field.default is None
        )
        return f"case{cases} end" if cases else 'null::struct("column" varchar, "text" varchar)'

    def _leave_out(self, feed: Feed, known_mission: str) -> str:
        """Return the SQL of the reason why a row is left out, null for the rows to read."""
        reasons = []
        for entry in feed.only:
            text = self._columns[entry.column].text
            retained = self._bind([value.lower() for value in entry.values])
            reasons.append(f"if(list_contains({retained}::varchar[], lower({text})), null, {self._bind(entry.reason)})")
        mission = self._columns[feed.mission.column].text
        reasons.append(self._look_up(feed.mission.left_out, mission))
        if feed.mission.unknown == "leave_out":
            reasons.append(f"if({mission} is null or {known_mission} is not null, null, 'unknown mission')")
        return f"coalesce({', '.join(reasons)})" if len(reasons) > 1 else reasons[0]


def _write_content_view(cursor: Connection, feed: Feed) -> None:
    """Create `staged_content`: the rows of `staged_events` with a map of their attributes, in the order of the names.

    A view: a column of maps takes as long to write as all other columns together.
    """
    names = sorted(feed.attributes)
    keys = ", ".join(f"'{name}'" for name in names)
    values = ", ".join(f"attribute_{number}" for number in range(len(names)))
    pairs = f"list_zip([{keys}]::varchar[], [{values}]::varchar[])"
    cursor.execute(
        f"""
        create or replace temp view staged_content as
        select *, map_from_entries(list_filter({pairs}, lambda pair: pair[2] is not null)) as attributes
        from staged_events
        """
    )


def _count_marks(cursor: Connection, source: TextFile) -> tuple[int, int] | None:
    """Return the numbers of delimiters and line ends in the rows below the header as DuckDB reads them."""
    text = f"concat({', '.join(source.columns)})"
    return cursor.execute(
        f"""
        select
            coalesce(sum($between + strlen(text) - strlen(replace(text, $delimiter, ''))), 0)::bigint,
            coalesce(sum(1 + strlen(text) - strlen(replace(text, chr(10), ''))), 0)::bigint
        from (select {text} as text from {source.table})
        """,
        {**source.parameters, "between": len(source.columns) - 1},
    ).fetchone()


def _find_dialect(
    cursor: Connection, feed: Feed, source: TextFile, columns: dict[str, _Column], first_row: int, rows: list[int]
) -> Dialect:
    """Return the format of dates. Raises LoadError if they are ambiguous."""
    (has_other_dates,) = run_sql(cursor, "events/has_local_dates").fetchone() or (False,)
    if not has_other_dates:
        return STANDARD
    occurred_on, updated_at = feed.occurred_on.column, feed.updated_at.column
    cursor.execute(
        f"""
        create or replace temp table written_cells as
        select file_row, {columns[occurred_on].written} as period_start, {columns[updated_at].written} as period_end,
            null::varchar as value
        from ({source.lines})
        where file_row >= {first_row}
        """,
        source.parameters,
    )
    return find_forms(cursor, source.name, rows, {"period_start": occurred_on, "period_end": updated_at})


def _list_gaps(cursor: Connection, feed: Feed, columns: dict[str, _Column]) -> Iterator[str]:
    """Yield a note for each column with blanks that were removed, and for each attribute with gaps."""
    counted = ", ".join(
        f"count(*) filter ({column.blank}), count(*) filter ({column.text}_is_null)" for column in columns.values()
    )
    counts = iter(cursor.execute(f"select {counted} from staged_events where left_out is null").fetchone() or ())
    attributes = {field.column for field in feed.attributes.values()}
    for column in columns.values():
        blanks, gaps = next(counts), next(counts)
        if blanks:
            yield f"{column.name}: blanks around {blanks:,} text{'s' if blanks > 1 else ''} removed"
        if gaps and column.name in attributes:
            yield f"{column.name}: {gaps:,} row{'s' if gaps > 1 else ''} without a value"
