"""Properties of random values: they are read back as written, and values as of a date follow the rule."""

from __future__ import annotations

import csv
import io
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from metrics.catalogue import Indicator, read_catalogue
from service.errors import LoadError
from service.loading.load import load_files
from service.loading.readers.columns import KNOWN
from service.loading.request import LoadRequest
from service.settings import find_in_tree
from service.warehouse.database import Connection, Warehouse
from tests.conftest import STORED_AT, Clock, Dump, forget_cache
from tests.fuzz import count_examples

# An example takes as long as its loads take.
examples = partial(settings, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])

CATALOGUE = read_catalogue(find_in_tree("metrics"))
MISSIONS = [mission.mission for mission in CATALOGUE.missions]
INDICATORS = [indicator for _, indicator in CATALOGUE.indicators]
# Their values are any doubles from -1 up.
CHANGES = [indicator for indicator in INDICATORS if indicator.unit == "ratio" and indicator.maximum is None]

Row = dict[str, str]


@contextmanager
def emptied(shared: Warehouse) -> Iterator[tuple[Warehouse, Path]]:
    """Hold the warehouse without observations and a directory for files, for one example."""
    with tempfile.TemporaryDirectory() as directory:
        with shared.write() as cursor:
            forget_cache(cursor)
            for table in ("observations", "series", "batches"):
                cursor.execute(f"delete from store.{table}")
        yield shared, Path(directory)


def write_table(rows: list[Row], delimiter: str = ",", line_end: str = "\n", encoding: str = "utf-8") -> bytes:
    text = io.StringIO()
    # Python before 3.13 leaves a carriage return unquoted where it ends no line.
    quoting = csv.QUOTE_ALL if any("\r" in value for row in rows for value in row.values()) else csv.QUOTE_MINIMAL
    writer = csv.DictWriter(text, KNOWN, delimiter=delimiter, lineterminator=line_end, quoting=quoting)  # type: ignore[arg-type]
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def trim(text: str) -> str:
    """Return a text without the spaces at its ends, of whatever width: they are no part of a value."""
    spaces = "".join(character for character in text if unicodedata.category(character) == "Zs")
    return text.strip(spaces)


# Any text but control characters, which are refused.
texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\n\r", exclude_characters="\ufffe\uffff"), max_size=20
).map(trim)


@st.composite
def periods(draw: st.DrawFn, frequency: str) -> tuple[date, date]:
    year = draw(st.integers(1900, 2998))
    if frequency == "annual":
        return date(year, 1, 1), date(year, 12, 31)
    if frequency == "half_yearly":
        return draw(st.sampled_from([(date(year, 5, 1), date(year, 10, 31)), (date(year, 11, 1), date(year + 1, 4, 30))]))
    days = st.dates(date(1900, 1, 1), date(2999, 12, 31))
    return tuple(sorted([draw(days), draw(days)]))  # type: ignore[return-value]


def values(indicator: Indicator) -> st.SearchStrategy[str]:
    if indicator.whole:
        # Every whole number up to 2 ** 53 is a double.
        most = 2**53 if indicator.maximum is None else int(indicator.maximum)
        return st.integers(-(2**53) if indicator.minimum is None else int(indicator.minimum), most).map(str)
    return st.floats(indicator.minimum, indicator.maximum, allow_nan=False, allow_infinity=False).map(repr)


@st.composite
def tables(draw: st.DrawFn) -> list[Row]:
    """Rows of any indicators, each cell once."""
    rows: dict[tuple[str, ...], Row] = {}
    for indicator in draw(st.lists(st.sampled_from(INDICATORS) | st.sampled_from(CHANGES), min_size=1, max_size=12)):
        start, end = draw(periods(indicator.frequency))
        status = draw(st.sampled_from("AEPVOLM"))
        dimensions = {name: draw(st.sampled_from(choices)) for name, choices in indicator.dimensions.items()}
        row = {
            "indicator": indicator.indicator,
            "mission": draw(st.sampled_from(MISSIONS)),
            "dimensions": ";".join(f"{name}={value}" for name, value in dimensions.items()),
            "period_start": start.isoformat(),
            "period_end": end.isoformat(),
            "value": draw(values(indicator)) if status in "AEP" else "",
            "status": status,
            "source": draw(texts.filter(bool)),
            "page": draw(texts),
            "note": draw(texts),
        }
        rows[tuple(row[name] for name in ("indicator", "mission", "dimensions", "period_start", "period_end"))] = row
    return list(rows.values())


@examples(max_examples=count_examples(15, 30))
@given(
    rows=tables(),
    delimiter=st.sampled_from(",;\t|"),
    line_end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_values_are_read_back_as_they_were_written(
    shared: Warehouse, rows: list[Row], delimiter: str, line_end: str, encoding: str
) -> None:
    content = write_table(rows, delimiter, line_end, encoding)
    with emptied(shared) as (warehouse, directory):
        file = directory / "values.csv"
        file.write_bytes(content)
        load_files(warehouse, LoadRequest(files=(file,), loaded_by="a property", status_codes="sdmx"), clock=Clock(STORED_AT))
        with warehouse.cursor() as cursor:
            read = cursor.execute(f"select {', '.join(KNOWN)} from observations").fetchall()
    expected = [
        {
            **{name: text or None for name, text in row.items()},
            "dimensions": dict(pair.split("=") for pair in row["dimensions"].split(";") if pair),
            "period_start": date.fromisoformat(row["period_start"]),
            "period_end": date.fromisoformat(row["period_end"]),
            "value": float(row["value"]) if row["value"] else None,
        }
        for row in rows
    ]
    assert sorted((dict(zip(KNOWN, row, strict=True)) for row in read), key=repr) == sorted(
        ({name: row[name] for name in KNOWN} for row in expected), key=repr
    )


# A small world, so that cells and period ends meet often.
SPANS = tuple(
    (date(*start), date(*end))
    for start, end in [
        ((2020, 1, 1), (2020, 12, 31)),
        ((2020, 7, 1), (2020, 12, 31)),
        ((2020, 12, 31), (2020, 12, 31)),
        ((2020, 7, 1), (2021, 6, 30)),
        ((2021, 1, 1), (2021, 6, 30)),
        ((2021, 1, 1), (2021, 12, 31)),
    ]
)
DAYS = tuple(date(2020, 12, 30) + timedelta(days=days) for days in (0, 1, 2, 181, 182, 183, 366, 400))


@dataclass(frozen=True)
class Observation:
    """One row of a file of the small world."""

    mission: str
    span: tuple[date, date]
    value: int | None

    @property
    def cell(self) -> tuple[str, tuple[date, date]]:
        return self.mission, self.span


observations = st.builds(
    Observation, st.sampled_from(["MONUSCO", "UNIFIL"]), st.sampled_from(SPANS), st.none() | st.integers(0, 3)
)
files = st.lists(observations, min_size=1, max_size=5, unique_by=lambda observation: observation.cell)
batches = st.lists(files, min_size=1, max_size=5)


def write_observations(directory: Path, number: int, content: list[Observation]) -> Path:
    rows = [
        {
            "indicator": "explosive_incidents",
            "mission": observation.mission,
            "period_start": observation.span[0].isoformat(),
            "period_end": observation.span[1].isoformat(),
            "value": "" if observation.value is None else str(observation.value),
            "status": "O" if observation.value is None else "A",
            "source": "report",
        }
        for observation in content
    ]
    file = directory / f"{number}.csv"
    file.write_bytes(write_table(rows))
    return file


def read_current(cursor: Connection) -> dict[tuple[str, tuple[date, date]], float | None]:
    rows = cursor.execute("select mission, period_start, period_end, value from observations").fetchall()
    current = {(mission, (start, end)): value for mission, start, end, value in rows}
    assert len(current) == len(rows)
    return current


@examples(max_examples=count_examples(12))
@given(order=st.lists(files, min_size=1, max_size=5, unique_by=tuple).flatmap(st.permutations))
def test_the_current_value_of_a_cell_is_that_of_its_last_batch(shared: Warehouse, order: list[list[Observation]]) -> None:
    with emptied(shared) as (warehouse, directory):
        for number, content in enumerate(order):
            load_files(
                warehouse,
                LoadRequest(
                    files=(write_observations(directory, number, content),), loaded_by="a property", status_codes="sdmx"
                ),
                clock=Clock(STORED_AT),
            )
        with warehouse.cursor() as cursor:
            current = read_current(cursor)
            history = cursor.execute(
                "select mission, period_start, period_end, list(value order by batch_id) "
                "from observation_revisions group by all"
            ).fetchall()
    assert current == {observation.cell: observation.value for content in order for observation in content}
    for mission, start, end, retained in history:
        reported = [
            observation.value for content in order for observation in content if observation.cell == (mission, (start, end))
        ]
        assert retained == [
            value for position, value in enumerate(reported) if position == 0 or value != reported[position - 1]
        ]


@examples(max_examples=count_examples(12, 25))
@given(
    batches=batches,
    as_of=st.sampled_from(DAYS),
    known_minutes=st.none() | st.integers(0, 7),
)
def test_values_as_of_a_date_and_known_at_a_time_follow_the_rule(
    shared: Warehouse, batches: list[list[Observation]], as_of: date, known_minutes: int | None
) -> None:
    # Batch n is recorded n minutes after STORED_AT, unless its bytes were loaded before.
    recorded: list[tuple[datetime, Observation]] = []
    with emptied(shared) as (warehouse, directory):
        for number, content in enumerate(batches, 1):
            now = STORED_AT + timedelta(minutes=number)
            (batch,) = load_files(
                warehouse,
                LoadRequest(
                    files=(write_observations(directory, number, content),), loaded_by="a property", status_codes="sdmx"
                ),
                clock=lambda now=now: now,
            )
            if batch.loaded_before_at is None:
                recorded += [(now, observation) for observation in content]
        known_at = None if known_minutes is None else STORED_AT + timedelta(minutes=known_minutes)
        with warehouse.cursor() as cursor:
            cursor.execute(f"set variable as_of = date '{as_of}'")
            if known_at is not None:
                cursor.execute(f"set variable known_at = timestamptz '{known_at}'")
            latest = cursor.execute("select mission, period_start, period_end, value from latest").fetchall()
            current = read_current(cursor)
            known = cursor.execute(
                "select mission, period_start, period_end, value from observations_known_at($1)",
                [known_at or STORED_AT + timedelta(days=1)],
            ).fetchall()
    # The rule, read plainly: the newest revision of each cell; of those of a series that ended by the date the one with
    # the latest end, then the latest start. A null value is an end of the series, not a gap.
    expected: dict[tuple[str, tuple[date, date]], float | None] = {}
    for time, observation in recorded:
        if known_at is None or time <= known_at:
            expected[observation.cell] = observation.value
    holding: dict[str, tuple[date, date]] = {}
    for mission, span in expected:
        if span[1] <= as_of and (mission not in holding or span[::-1] > holding[mission][::-1]):
            holding[mission] = span
    assert current == expected
    assert {(mission, (start, end)): value for mission, start, end, value in known} == expected
    assert sorted(latest) == sorted((mission, *span, expected[mission, span]) for mission, span in holding.items())


BAD_CHANGES: list[Row] = [
    {"indicator": "explosive_incident"},
    {"mission": ""},
    {"dimensions": "cause=Other"},
    {"dimensions": "{"},
    {"period_start": "yesterday"},
    {"period_end": "2019-01-01"},
    {"period_end": "9999-12-31"},
    {"value": "-1"},
    {"value": "1,5"},
    {"value": "1e400"},
    {"status": "Q"},
    {"status": "M"},
    {"value": "", "status": "A"},
    {"source": " "},
]


@examples(max_examples=count_examples(12))
@given(
    held=files,
    good=st.lists(files.filter(lambda content: len(content) > 1), min_size=1, max_size=2),
    bad=st.sampled_from(BAD_CHANGES) | st.just(None),
    position=st.integers(0, 10),
)
def test_an_invalid_row_leaves_the_warehouse_unchanged(
    shared: Warehouse, dump: Dump, held: list[Observation], good: list[list[Observation]], bad: Row | None, position: int
) -> None:
    with emptied(shared) as (warehouse, directory):
        load_files(
            warehouse,
            LoadRequest(files=(write_observations(directory, 0, held),), loaded_by="a property", status_codes="sdmx"),
            clock=Clock(STORED_AT),
        )
        before = dump(warehouse)
        paths = [write_observations(directory, number, content) for number, content in enumerate(good, 1)]
        file = paths[position % len(paths)]
        rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
        row = {"indicator": "explosive_incidents", "mission": "UNMISS", "period_start": "2020-01-01"}
        row |= {"period_end": "2020-12-31", "value": "1", "status": "A", "source": "report"}
        place = position % (len(rows) + 1)
        # A bad row is one with a fault, or, without one, a row that is there twice.
        rows.insert(place, {**row, **bad} if bad else rows[0])
        file.write_bytes(write_table(rows))
        with pytest.raises(LoadError) as caught:
            load_files(warehouse, LoadRequest(files=paths, loaded_by="a property", status_codes="sdmx"))
        assert dump(warehouse) == before
    if bad:
        assert {error.row for error in caught.value.rows if error.file == str(file)} >= {place + 2}


@pytest.fixture(scope="module")
def session(shared: Warehouse) -> Iterator[Connection]:
    with shared.cursor() as cursor:
        yield cursor


names = st.from_regex(r"[a-z][a-z0-9]{0,5}(_[a-z0-9]{1,5}){0,2}", fullmatch=True)
# What the catalogue takes as a value of a dimension.
dimension_values = (
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"], exclude_characters=";="), min_size=1, max_size=15)
    .map(str.strip)
    .filter(lambda value: value and not value.startswith("{"))
)
dimensions = st.dictionaries(names, dimension_values, max_size=4)


@examples(max_examples=count_examples(60, 200))
@given(written=dimensions)
def test_dimensions_written_as_text_are_read_back(session: Connection, written: dict[str, str]) -> None:
    text = ";".join(f"{name}={value}" for name, value in written.items())
    assert session.execute("select parse_dimensions($1)", [text]).fetchone() == (written,)


@examples(max_examples=count_examples(60, 200))
@given(written=dimensions)
def test_dimensions_in_the_text_that_duckdb_writes_are_read_back(session: Connection, written: dict[str, str]) -> None:
    query = "select parse_dimensions(map_from_entries(list_zip($1::varchar[], $2::varchar[]))::varchar)"
    assert session.execute(query, [list(written), list(written.values())]).fetchone() == (written,)


def write_marked(value: float, thousands: str, decimals: str) -> str:
    """Return a number with these marks, without zeros at its end."""
    return f"{value:,.3f}".rstrip("0").rstrip(".").replace(",", "T").replace(".", decimals).replace("T", thousands)


@examples(max_examples=count_examples(30, 80))
@given(
    cells=st.dictionaries(
        st.dates(date(1990, 1, 1), date(2029, 12, 31)),
        st.integers(0, 30_000_000).map(lambda units: units / 1000),
        min_size=1,
        max_size=6,
    ),
    marks=st.sampled_from([("", "."), ("", ","), (" ", ","), ("\u202f", ","), (".", ","), (",", ".")]),
    form=st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y"]),
)
def test_dates_and_numbers_in_any_format_are_parsed_correctly_or_rejected(
    shared: Warehouse, cells: dict[date, float], marks: tuple[str, str], form: str
) -> None:
    # With dates of the standard a point is the decimal point of the standard, whatever was meant.
    assume(form != "%Y-%m-%d" or marks[0] != ".")
    rows = [
        f"explosive_land_released_square_meters;ALL;{day:{form}};{day:{form}};{write_marked(value, *marks)};a property"
        for day, value in cells.items()
    ]
    content = "\n".join(["indicator;mission;period_start;period_end;value;source", *rows])
    with emptied(shared) as (warehouse, directory):
        file = directory / "forms.csv"
        file.write_text(content)
        try:
            load_files(
                warehouse, LoadRequest(files=(file,), loaded_by="a property", status_codes="sdmx"), clock=Clock(STORED_AT)
            )
        except LoadError:
            # The standard form is never refused.
            assert (form, marks) != ("%Y-%m-%d", ("", "."))
            return
        with warehouse.cursor() as cursor:
            read = dict(cursor.execute("select period_start, value from observations").fetchall())
    assert read == cells
