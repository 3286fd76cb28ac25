"""The CSV reader: delimiters, encodings, line ends, numbers of rows, and malformed tables."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from tests.conftest import Load, Read, Refuse
from tests.loading.bad_files import BAD_FILES, BAD_ROWS, BAD_TABLES
from tests.loading.tables import HEADER, LAST_LINE, PLAIN, write

OBSERVATIONS = (
    "select indicator, mission, dimensions, period_start, period_end, value, status, source, page, note "
    "from observations order by indicator"
)


def delimit(delimiter: str) -> str:
    """Return PLAIN as written with another delimiter."""
    text = PLAIN.replace('"A4P+ report, cycle 5"', "<source>").replace(", and\nso on; | see", "<note>")
    return text.replace(",", delimiter).replace("<source>", '"A4P+ report, cycle 5"').replace("<note>", ", and\nso on; | see")


@pytest.fixture
def plain(load: Load, read: Read, tmp_path: Path) -> list[tuple[object, ...]]:
    """The observations of PLAIN, loaded from a plain CSV file."""
    load(write(tmp_path / "plain.csv", PLAIN))
    observations = read(OBSERVATIONS)
    assert [(row[0], row[5], row[9]) for row in observations] == [
        ("sofa_incidents_new", 40.0, None),
        ("tpp_trainees", None, 'given "wait", and\nso on; | see page 6'),
        ("women_heads_and_deputies_ratio", 0.37, None),
    ]
    return observations


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
    assert read(OBSERVATIONS) == changed


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
