"""Readers: every way a table of observations may be written, and what is told of a file that is none."""

from __future__ import annotations

import codecs
import gzip
import os
import random
import shutil
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.loading.readers.columns import KNOWN
from service.settings import find_in_tree
from tests.conftest import Load, Read, Refuse, WriteCsv
from tests.loading.test_load import BAD_ROWS

BAD_FILES = find_in_tree("tests") / "bad_files"
HEADER = "indicator,mission,dimensions,period_start,period_end,value,status,source,page,note"
THE_HEADER = "The header is: indicator,mission,period_start,period_end,value,source,dimensions,status,page,note"
FIRST_LINE = f"the first line must be the header {','.join(KNOWN)}"
DOUBLE_QUOTES = "correct the row; put a value that contains the delimiter in double quotes"
NOT_CLOSED = 'has a quote that is not closed; close it; a quote within a value is written twice: ""'

# The file in tests/bad_files, and what is said of it, {file} standing for its path.
BAD_TABLES = {
    "blank_first_line": f"{{file}}, row 1: is empty; {FIRST_LINE}",
    "column_twice": f"{{file}}, row 1: the column 'value' is given twice. {THE_HEADER}",
    "ignored_column_twice": f"{{file}}, row 1: the column 'batch_id' is given twice. {THE_HEADER}",
    "column_twice_in_another_case": f"{{file}}, row 1: the column 'value' is given twice. {THE_HEADER}",
    "comma_and_three_digits": (
        "{file}, row 3, column value: '1,234' may be 1234 or 1.234, and no other value in the file decides it; "
        "write a decimal point and no thousands separator"
    ),
    "comma_thousands": (
        "{file}, row 3, column value: '1,234,567' has a comma as thousands separator; "
        "write a decimal point and no thousands separator"
    ),
    "day_first_and_month_first": (
        "{file}, row 3, column period_end: '04/30/2024' has the month first, but row 2 '30/04/2024' has the day first; "
        "write dates as YYYY-MM-DD"
    ),
    "day_or_month_first": (
        "{file}, row 3, column period_start: '01/11/2023' may have the day or the month first, and no date of the file shows "
        "which; write dates as YYYY-MM-DD"
    ),
    "decimal_comma_and_decimal_point": (
        "{file}, row 2, column value: '0,37' has a decimal comma, but row 3 '12.5' has a decimal point; "
        "use one of them in the whole file"
    ),
    "month_first": ("{file}, row 3, column period_end: '04/30/2024' has the month first; write dates as YYYY-MM-DD"),
    "neither_utf_8_nor_windows_1252": (
        "{file}, row 3, column (row): (empty) is neither UTF-8 nor Windows-1252 text; save the file as CSV in UTF-8"
    ),
    "point_and_three_digits_beside_a_decimal_comma": (
        "{file}, row 3, column value: '1.234' may be 1234 or 1.234, as row 2 '0,37' has a decimal comma; "
        "write a decimal point and no thousands separator"
    ),
    "utf_8_and_windows_1252": (
        "{file}, row 3, column (row): (empty) is UTF-8 text, but other rows are not; save the file as CSV in UTF-8"
    ),
    "missing_column": f"{{file}}, row 1: the column 'period_end' is missing. {THE_HEADER}",
    "nameless_column": f"{{file}}, row 1: the column '' is unknown; remove it. {THE_HEADER}",
    "no_header": (
        "{file}, row 1: no known column in "
        "'sofa_incidents_new,UNMISS,,2023-11-01,2024-04-30,40,A,\"A4P+ report, cycle 5\",15,'; "
        f"{FIRST_LINE}, separated by a comma, semicolon, tab or |"
    ),
    "quote_not_closed": f"{{file}}, row 3, column (row): (empty) {NOT_CLOSED}",
    "text_after_a_closing_quote": f"{{file}}, row 3, column (row): (empty) {NOT_CLOSED}",
    "too_few_columns": f"{{file}}, row 3, column (row): (empty) has 4 columns where the header has 10; {DOUBLE_QUOTES}",
    "too_many_columns": f"{{file}}, row 3, column (row): (empty) has 11 columns where the header has 10; {DOUBLE_QUOTES}",
    "unknown_column": (
        "{file}, row 1: the column 'misson' is unknown (did you mean 'mission'?); the column 'mission' is missing. "
        f"{THE_HEADER}"
    ),
    "unquoted_comma": f"{{file}}, row 3, column (row): (empty) has 11 columns where the header has 10; {DOUBLE_QUOTES}",
    "web_page": (
        f"{{file}}, row 1: no known column in '<!doctype html>'; {FIRST_LINE}, separated by a comma, semicolon, tab or |"
    ),
}
PLAIN = f"""{HEADER}
sofa_incidents_new,UNMISS,,2023-11-01,2024-04-30,40,A,"A4P+ report, cycle 5",15,
tpp_trainees,ALL,training=Medical,2023-11-01,2024-04-30,,U,"A4P+ report, cycle 5",5,"said ""wait"", and
so on; | see page 6"
women_heads_and_deputies_ratio,ALL,,2023-11-01,2024-04-30,0.37,P,Département des opérations de paix,6,
"""
LAST_LINE = "sofa_incidents_new,MONUSCO,,2023-11-01,2024-04-30,{value},A,report,15,\n"
FIGURES = (
    "select indicator, mission, dimensions, period_start, period_end, value, status, source, page, note "
    "from observations order by indicator"
)


def write(file: Path, content: str | bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def delimit(delimiter: str) -> str:
    """Return PLAIN as written with another delimiter."""
    text = PLAIN.replace('"A4P+ report, cycle 5"', "<source>").replace(", and\nso on; | see", "<note>")
    return text.replace(",", delimiter).replace("<source>", '"A4P+ report, cycle 5"').replace("<note>", ", and\nso on; | see")


@pytest.fixture
def plain(load: Load, read: Read, tmp_path: Path) -> list[tuple[object, ...]]:
    """The figures of PLAIN, loaded from a plain CSV file."""
    load(write(tmp_path / "plain.csv", PLAIN))
    figures = read(FIGURES)
    assert [(row[0], row[5], row[9]) for row in figures] == [
        ("sofa_incidents_new", 40.0, None),
        ("tpp_trainees", None, 'said "wait", and\nso on; | see page 6'),
        ("women_heads_and_deputies_ratio", 0.37, None),
    ]
    return figures


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(delimit(";"), id="semicolons"),
        pytest.param(delimit("\t"), id="tabs"),
        pytest.param(delimit("|"), id="bars"),
        pytest.param(codecs.BOM_UTF8 + PLAIN.encode(), id="byte order mark"),
        pytest.param(codecs.BOM_UTF16_LE + PLAIN.encode("utf-16-le"), id="UTF-16 LE"),
        pytest.param(codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"), id="UTF-16 BE"),
        pytest.param(codecs.BOM_UTF16_LE + delimit("\t").encode("utf-16-le"), id="Unicode text of Excel"),
        pytest.param(PLAIN.removesuffix("\n"), id="no last line end"),
        pytest.param(PLAIN + "\n\n", id="blank lines at the end"),
        pytest.param(PLAIN + ",,,,,,,,,\n,,,,,,,,,\n", id="empty rows of a spreadsheet"),
        pytest.param(PLAIN.replace(HEADER, HEADER.replace(",", '","').join('""')), id="quoted header"),
        pytest.param(PLAIN.replace(HEADER, HEADER.replace(",", " , ")), id="spaces in the header"),
    ],
)
@pytest.mark.usefixtures("plain")
def test_the_same_table_in_another_dress_brings_nothing_new(load: Load, tmp_path: Path, content: str | bytes) -> None:
    file = write(tmp_path / "dressed.csv", content)
    assert str(load(file)[0]) == f"{file}: no changes in 3 rows"


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_line_ends_of_windows_and_old_macs_are_read(
    plain: list[tuple[object, ...]], load: Load, read: Read, tmp_path: Path, line_end: str
) -> None:
    load(write(tmp_path / "lines.csv", PLAIN.replace("\n", line_end)))
    changed = [tuple(value.replace("\n", line_end) if isinstance(value, str) else value for value in row) for row in plain]
    assert read(FIGURES) == changed


def test_the_order_of_columns_is_free_and_those_not_required_may_be_absent(load: Load, read: Read, tmp_path: Path) -> None:
    content = (
        "source,value,period_end,period_start,mission,indicator\nreport,7,2024-04-30,2023-11-01,UNMISS,sofa_incidents_new\n"
    )
    load(write(tmp_path / "few columns.csv", content))
    assert read("select mission, dimensions, value, status, source, page, note from observations") == [
        ("UNMISS", {}, 7.0, "A", "report", None, None)
    ]


def test_a_quote_within_a_value_that_is_not_quoted_is_a_part_of_it(load: Load, read: Read, tmp_path: Path) -> None:
    load(write(tmp_path / "quotes.csv", PLAIN.replace('"A4P+ report, cycle 5",15', 'the "A4P+" report,15')))
    assert read("select source from observations where value = 40") == [('the "A4P+" report',)]


@pytest.mark.parametrize(
    ("before", "row"),
    [
        pytest.param("", 6, id="a value of two lines"),
        pytest.param("\n\n", 8, id="blank lines"),
        pytest.param(",,,,,,,,,\n", 7, id="an empty row"),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_rows_are_numbered_as_a_spreadsheet_does(refuse: Refuse, tmp_path: Path, before: str, row: int, line_end: str) -> None:
    good = LAST_LINE.format(value=1)
    content = (PLAIN + before + good + LAST_LINE.format(value="x").replace("MONUSCO", "UNISFA")).replace("\n", line_end)
    assert [(bad.row, bad.value) for bad in refuse(write(tmp_path / "rows.csv", content)).rows] == [(row, "x")]


def test_a_row_too_long_is_numbered_as_a_spreadsheet_does(refuse: Refuse, tmp_path: Path) -> None:
    error = refuse(write(tmp_path / "rows.csv", PLAIN + "\n" + LAST_LINE.format(value=1).replace("report", "report,5")))
    assert [(bad.row, bad.problem) for bad in error.rows] == [(6, "has 11 columns where the header has 10")]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_an_unquoted_delimiter_is_refused_with_any_delimiter(refuse: Refuse, tmp_path: Path, delimiter: str) -> None:
    row = LAST_LINE.format(value=1).replace(",", delimiter).replace("report", f"report{delimiter} cycle 5")
    error = refuse(write(tmp_path / "rows.csv", delimit(delimiter) + row))
    assert [(bad.row, bad.problem) for bad in error.rows] == [(5, "has 11 columns where the header has 10")]


@pytest.mark.parametrize("name", BAD_TABLES)
def test_a_file_that_is_no_table_changes_nothing_and_is_told_with_its_mend(refuse: Refuse, name: str) -> None:
    file = BAD_FILES / f"{name}.csv"
    assert BAD_TABLES[name].format(file=file) in [line.strip() for line in str(refuse(file)).splitlines()]


def test_every_bad_file_is_tried() -> None:
    assert sorted(file.name for file in BAD_FILES.iterdir()) == sorted(f"{name}.csv" for name in {*BAD_ROWS, *BAD_TABLES})


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89"
NO_TEXT = "is not a text file; load CSV, XLSX or Parquet"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(b"", "is empty; it needs a header and at least one row", id="empty"),
        pytest.param(codecs.BOM_UTF8, f"row 1: is empty; {FIRST_LINE}", id="byte order mark alone"),
        pytest.param(codecs.BOM_UTF16_LE, f"row 1: is empty; {FIRST_LINE}", id="UTF-16 mark alone"),
        pytest.param(b" \n\n", f"row 1: is empty; {FIRST_LINE}", id="blank"),
        pytest.param(PNG, NO_TEXT, id="PNG"),
        pytest.param(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "is a PDF; copy its values into a CSV file", id="PDF"),
        pytest.param(gzip.compress(PLAIN.encode()), "is compressed with gzip; unpack it first", id="gzip"),
        pytest.param(
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512),
            "is an old Excel workbook; save it as .xlsx or CSV",
            id="old Excel",
        ),
        pytest.param(random.Random(1).randbytes(5000), NO_TEXT, id="rubbish"),
        pytest.param(PLAIN.encode("utf-16-le"), NO_TEXT, id="UTF-16 without mark"),
        pytest.param(codecs.BOM_UTF32_LE + PLAIN.encode("utf-32-le"), NO_TEXT, id="UTF-32"),
        pytest.param(
            codecs.BOM_UTF16_LE + PLAIN.encode("utf-16-le") + b"x",
            "has a UTF-16 byte order mark but is not",
            id="UTF-16 cut off",
        ),
        pytest.param(
            PLAIN + LAST_LINE.format(value=1).replace("report", "x" * (1 << 20)),
            "is longer than 1 MB; check that the line ends and quotes are right",
            id="a line of 1 MB",
        ),
    ],
)
def test_what_is_no_table_is_refused_by_what_it_is(refuse: Refuse, tmp_path: Path, content: str | bytes, told: str) -> None:
    file = write(tmp_path / "figures.csv", content)
    error = str(refuse(file))
    assert str(file) in error
    assert told in error


def test_a_header_without_rows_brings_nothing_and_says_so(load: Load, read: Read, tmp_path: Path) -> None:
    file = write(tmp_path / "header.csv", HEADER + "\n")
    assert str(load(file)[0]) == f"{file}: no changes in 0 rows"
    assert read("select count(*) from observations") == [(0,)]


def test_a_directory_is_refused(refuse: Refuse, tmp_path: Path) -> None:
    assert str(refuse(tmp_path)) == f"{tmp_path} is a directory; name the files in it, such as {tmp_path}/*.csv"


def test_a_device_and_a_pipe_are_refused(refuse: Refuse, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    for file in (Path("/dev/zero"), pipe):
        assert str(refuse(file)) == f"{file} is not a regular file; save its content as a file"


def test_a_file_that_is_not_there_is_refused(refuse: Refuse, tmp_path: Path) -> None:
    assert str(refuse(tmp_path / "no.csv")) == f"{tmp_path / 'no.csv'} does not exist; check the name"


def test_a_file_that_cannot_be_read_is_refused(refuse: Refuse, tmp_path: Path) -> None:
    # Root may read whatever its mode says; a link to itself nobody can.
    file = tmp_path / "loop.csv"
    file.symlink_to(file)
    assert str(refuse(file)) == f"{file} cannot be read: Too many levels of symbolic links"


@pytest.mark.parametrize(
    "name", ["cycle[5].csv", "cycle?.csv", "cycle*.csv", "[!a].csv", "cycle 5 (1).csv", "~cycle.csv", "é'.csv"]
)
@pytest.mark.parametrize("kind", ["CSV", "Parquet"])
def test_a_name_with_signs_of_a_pattern_is_that_of_one_file(
    load: Load, read: Read, write_csv: WriteCsv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for other in ("cycle5.csv", "cycles.csv", "b.csv"):
        write_csv(other, {"mission": "UNIFIL"})
    file = write_csv("plain.csv", {})
    if kind == "Parquet":
        duckdb.execute("copy (from read_csv('plain.csv')) to 'plain.csv' (format parquet)")
    file.rename(tmp_path / name)
    load(Path(name))
    assert read("select mission from observations") == [("UNMISS",)]


@pytest.mark.parametrize("kind", ["CSV", "Parquet"])
def test_the_name_of_a_directory_is_no_column(load: Load, read: Read, write_csv: WriteCsv, tmp_path: Path, kind: str) -> None:
    file = write_csv("figures.csv", {})
    if kind == "Parquet":
        duckdb.execute(f"copy (from read_csv('{file}')) to '{file}' (format parquet)")
    directory = tmp_path / "mission=UNIFIL" / "year=2024"
    directory.mkdir(parents=True)
    load(Path(shutil.move(file, directory / "figures.csv")))
    assert read("select mission from observations") == [("UNMISS",)]


@pytest.mark.parametrize("kind", ["CSV", "Parquet"])
def test_the_ending_of_a_name_does_not_matter(load: Load, read: Read, write_csv: WriteCsv, kind: str) -> None:
    file = write_csv("figures.csv.gz", {})
    if kind == "Parquet":
        duckdb.execute(f"copy (from read_csv('{file}', compression = 'none')) to '{file}' (format parquet)")
    load(file)
    assert read("select mission from observations") == [("UNMISS",)]


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
    load(write_parquet(tmp_path / "figures.parquet", query))
    load(
        write(
            tmp_path / "figures.csv",
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
            "status": ["A", "M"],
            "source": ["report", "report"],
        }
    )
    file = tmp_path / "figures.parquet"
    pq.write_table(table, file, compression="zstd")
    load(file)
    assert read(
        "select mission, dimensions, period_start::varchar, period_end::varchar, value from observations order by all"
    ) == [
        ("ALL", {"training": "Medical"}, "2023-11-01", "2024-04-30", None),
        ("UNMISS", {}, "2023-11-01", "2024-04-30", 40.0),
    ]


@pytest.mark.parametrize(
    ("change", "told"),
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
            "column value: 'nan' is not finite; write digits with a decimal point, or leave it empty with status M, U or N",
        ),
        (
            ("71::double", "null::double"),
            "column status: 'A' needs a value, but the row has none; use A, E or P with a value; M, U or N without",
        ),
        (
            ("71::double", "[71]"),
            "column value: '[71]' is not a number; write digits with a decimal point, or leave it empty with status M, U or N",
        ),
    ],
)
def test_a_bad_row_of_parquet_is_told_with_row_column_value_and_mend(
    refuse: Refuse, tmp_path: Path, change: tuple[str, str], told: str
) -> None:
    error = refuse(write_parquet(tmp_path / "figures.parquet", TYPED.replace(*change)))
    assert [str(row).partition("row 2, ")[2] for row in error.rows] == [told]


def test_rows_of_parquet_are_numbered_as_if_a_header_stood_above(refuse: Refuse, tmp_path: Path) -> None:
    query = TYPED.replace("'Medical'", "['All', 'Medical', 'Medicine'][number]") + "from range(1, 4) as numbers(number)"
    file = write_parquet(tmp_path / "figures.parquet", query)
    assert [(row.file, row.row, row.value) for row in refuse(file).rows] == [(str(file), 4, "training=Medicine")]


def test_parquet_with_other_columns_is_refused(refuse: Refuse, tmp_path: Path) -> None:
    file = write_parquet(tmp_path / "figures.parquet", TYPED.replace("as period_end", "as period_ends"))
    assert str(refuse(file)) == (
        f"{file}, row 1: the column 'period_ends' is unknown (did you mean 'period_end'?); "
        f"the column 'period_end' is missing. {THE_HEADER}"
    )


def test_parquet_without_rows_brings_nothing_and_says_so(load: Load, tmp_path: Path) -> None:
    file = write_parquet(tmp_path / "figures.parquet", f"select * from ({TYPED}) limit 0")
    assert str(load(file)[0]) == f"{file}: no changes in 0 rows"


@pytest.mark.parametrize("kept", [0.01, 0.5, 0.99])
def test_truncated_parquet_is_refused(refuse: Refuse, tmp_path: Path, kept: float) -> None:
    file = write_parquet(tmp_path / "figures.parquet", TYPED)
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * kept)])
    error = str(refuse(file))
    assert error.startswith(f"{file} cannot be read as Parquet (")
    assert error.endswith("); write it again")
    assert "\n" not in error


def test_parquet_with_damaged_figures_is_refused(refuse: Refuse, tmp_path: Path) -> None:
    file = write_parquet(tmp_path / "figures.parquet", TYPED)
    content = bytearray(file.read_bytes())
    content[10:110] = bytes(100)
    file.write_bytes(content)
    assert str(refuse(file)).startswith(f"{file} cannot be read as Parquet (")
