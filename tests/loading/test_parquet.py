"""The Parquet reader: types of columns, errors of rows, and damaged files."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import Load, Read, Refuse
from tests.loading.bad_files import THE_HEADER
from tests.loading.tables import HEADER, write

TYPED = """
    select 'tpp_trainees' as indicator, 'ALL' as mission, map {'training': 'Medical'} as dimensions,
        date '2023-11-01' as period_start, date '2024-04-30' as period_end, 71::double as value, 'A' as status,
        'report' as source, 5 as page, null::varchar as note
"""


def write_parquet(file: Path, query: str) -> Path:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"copy ({query}) to '{file}' (format parquet)")
    return file


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(TYPED, id="dimensions as a map"),
        pytest.param(TYPED.replace("map {'training': 'Medical'}", "'training=Medical'"), id="dimensions as text"),
        pytest.param(TYPED.replace("date '", "timestamp '"), id="timestamps"),
        pytest.param(TYPED.replace("date '", "timestamp_ns '"), id="timestamps in nanoseconds"),
        pytest.param(TYPED.replace("date '2023-11-01'", "timestamptz '2023-11-01 00:00:00+00'"), id="timestamp with zone"),
        pytest.param(TYPED.replace("date '", "'"), id="dates as text"),
        pytest.param(TYPED.replace("71::double", "71::integer"), id="whole numbers"),
        pytest.param(TYPED.replace("71::double", "71::decimal(10, 3)"), id="decimals"),
        pytest.param(TYPED.replace("71::double", "'71'"), id="numbers as text"),
        pytest.param(TYPED.replace("5 as page, null::varchar as note", "'5' as page, 9 as batch_id"), id="columns of the view"),
    ],
)
def test_parquet_columns_may_have_any_type_that_says_the_same(load: Load, read: Read, tmp_path: Path, query: str) -> None:
    load(write_parquet(tmp_path / "values.parquet", query))
    load(
        write(
            tmp_path / "values.csv",
            f"{HEADER}\ntpp_trainees,ALL,training=Medical,2023-11-01,2024-04-30,71,A,report,5,\n",
        )
    )
    assert read("select row_count, new_observations, revisions from batches order by batch_id") == [(1, 1, 0), (1, 0, 0)]


def test_parquet_of_pyarrow_is_read(load: Load, read: Read, tmp_path: Path) -> None:
    table = pa.table(
        {
            "indicator": pa.array(["sofa_incidents_new", "tpp_trainees"]).dictionary_encode(),
            "mission": ["UNMISS", "ALL"],
            "dimensions": pa.array([None, [("training", "Medical")]], pa.map_(pa.string(), pa.string())),
            "period_start": pa.array([19662, 19662], pa.date32()),
            "period_end": pa.array([19843, 19843], pa.date32()),
            "value": pa.array([40, None], pa.int64()),
            "status": ["A", "O"],
            "source": ["report", "report"],
        }
    )
    file = tmp_path / "values.parquet"
    pq.write_table(table, file, compression="zstd")
    load(file)
    assert read(
        "select mission, dimensions, period_start::varchar, period_end::varchar, value from observations order by all"
    ) == [
        ("ALL", {"training": "Medical"}, "2023-11-01", "2024-04-30", None),
        ("UNMISS", {}, "2023-11-01", "2024-04-30", 40.0),
    ]


@pytest.mark.parametrize(
    ("change", "reported"),
    [
        (
            ("'Medical'", "null::varchar"),
            "column dimensions: 'training=' lacks the dimension training; "
            "write training= and one of Engineering, Medical, C4ISR, All",
        ),
        (
            ("date '2023-11-01'", "20231101"),
            "column period_start: '20231101' is not a date from 1900 to 2999; write it as YYYY-MM-DD",
        ),
        (
            ("date '2023-11-01'", "null::date"),
            "column period_start: (empty) is not a date from 1900 to 2999; write it as YYYY-MM-DD",
        ),
        (
            ("date '2024-04-30'", "date 'infinity'"),
            "column period_end: 'infinity' is not a date from 1900 to 2999; write it as YYYY-MM-DD",
        ),
        (
            ("71::double", "'nan'::double"),
            "column value: 'nan' is not finite; write digits with a decimal point, or leave it empty with status O, L, V or M",
        ),
        (
            ("71::double", "null::double"),
            "column status: 'A' needs a value, but the row has none; "
            "use A, E or P with a value; O, L or M without; V with or without",
        ),
        (
            ("71::double", "[71]"),
            "column value: '[71]' is not a number; write digits with a decimal point, "
            "or leave it empty with status O, L, V or M",
        ),
    ],
)
def test_a_bad_row_of_parquet_is_told_with_row_column_value_and_mend(
    refuse: Refuse, tmp_path: Path, change: tuple[str, str], reported: str
) -> None:
    error = refuse(write_parquet(tmp_path / "values.parquet", TYPED.replace(*change)))
    assert [str(row).partition("row 2, ")[2] for row in error.rows] == [reported]


def test_rows_of_parquet_are_numbered_as_if_a_header_stood_above(refuse: Refuse, tmp_path: Path) -> None:
    query = TYPED.replace("'Medical'", "['All', 'Medical', 'Medicine'][number]") + "from range(1, 4) as numbers(number)"
    file = write_parquet(tmp_path / "values.parquet", query)
    assert [(row.file, row.row, row.value) for row in refuse(file).rows] == [(str(file), 4, "training=Medicine")]


def test_parquet_with_other_columns_is_refused(refuse: Refuse, tmp_path: Path) -> None:
    file = write_parquet(tmp_path / "values.parquet", TYPED.replace("as period_end", "as period_ends"))
    assert str(refuse(file)) == (
        f"{file}, row 1: the column 'period_ends' is unknown (did you mean 'period_end'?); "
        f"the column 'period_end' is missing. {THE_HEADER}"
    )


def test_parquet_without_rows_brings_nothing_and_says_so(load: Load, tmp_path: Path) -> None:
    file = write_parquet(tmp_path / "values.parquet", f"select * from ({TYPED}) limit 0")
    assert str(load(file)[0]) == f"{file}: no changes in 0 rows"


@pytest.mark.parametrize("retained", [0.01, 0.5, 0.99])
def test_truncated_parquet_is_refused(refuse: Refuse, tmp_path: Path, retained: float) -> None:
    file = write_parquet(tmp_path / "values.parquet", TYPED)
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * retained)])
    error = str(refuse(file))
    assert error.startswith(f"{file} cannot be read as Parquet (")
    assert error.endswith("); write it again")
    assert "\n" not in error


def test_parquet_with_damaged_values_is_refused(refuse: Refuse, tmp_path: Path) -> None:
    file = write_parquet(tmp_path / "values.parquet", TYPED)
    content = bytearray(file.read_bytes())
    content[10:110] = bytes(100)
    file.write_bytes(content)
    assert str(refuse(file)).startswith(f"{file} cannot be read as Parquet (")
