"""Files of any kind: names, directories, files that are missing, and formats that are rejected."""

from __future__ import annotations

import codecs
import gzip
import os
import random
import shutil
from pathlib import Path

import duckdb
import pytest

from tests.conftest import Load, Read, Refuse, WriteCsv
from tests.loading.bad_files import FIRST_LINE
from tests.loading.tables import HEADER, LAST_LINE, PLAIN, write

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89"
NO_TEXT = "is not a text file; load CSV, XLSX or Parquet"


@pytest.mark.parametrize(
    ("content", "reported"),
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
def test_what_is_no_table_is_refused_by_what_it_is(refuse: Refuse, tmp_path: Path, content: str | bytes, reported: str) -> None:
    file = write(tmp_path / "values.csv", content)
    error = str(refuse(file))
    assert str(file) in error
    assert reported in error


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
    file = write_csv("values.csv", {})
    if kind == "Parquet":
        duckdb.execute(f"copy (from read_csv('{file}')) to '{file}' (format parquet)")
    directory = tmp_path / "mission=UNIFIL" / "year=2024"
    directory.mkdir(parents=True)
    load(Path(shutil.move(file, directory / "values.csv")))
    assert read("select mission from observations") == [("UNMISS",)]


@pytest.mark.parametrize("kind", ["CSV", "Parquet"])
def test_the_ending_of_a_name_does_not_matter(load: Load, read: Read, write_csv: WriteCsv, kind: str) -> None:
    file = write_csv("values.csv.gz", {})
    if kind == "Parquet":
        duckdb.execute(f"copy (from read_csv('{file}', compression = 'none')) to '{file}' (format parquet)")
    load(file)
    assert read("select mission from observations") == [("UNMISS",)]
