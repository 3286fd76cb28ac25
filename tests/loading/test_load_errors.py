"""Errors of a load: text, place and number, and that a rejected load changes nothing."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import pytest

from service.errors import LoadError
from service.loading.load import load_files
from service.loading.request import LoadRequest
from service.warehouse.database import Warehouse
from tests.conftest import Dump, Load, Read, Refuse, WriteCsv
from tests.loading.bad_files import BAD_FILES, BAD_ROWS, NO_DATE


def lines_of(error: LoadError) -> list[str]:
    """Return what a user reads, a line each."""
    return [line.strip() for line in str(error).splitlines()]


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_changes_nothing_and_is_told_with_row_column_value_and_mend(refuse: Refuse, name: str) -> None:
    file = BAD_FILES / f"{name}.csv"
    assert lines_of(refuse(file)) == ["nothing was loaded: 1 error", f"{file}, {BAD_ROWS[name]}"]


@pytest.mark.parametrize(("indicator", "mission"), [("sofa_incidents_new", "UNMISS"), ("sea_allegations", "ALL")])
@pytest.mark.parametrize("day", ["5881580-07-10", "294247-01-01", "infinity", "0044-03-15 (BC)"])
def test_a_date_out_of_reach_is_refused_whatever_the_frequency(
    refuse: Refuse, write_csv: WriteCsv, indicator: str, mission: str, day: str
) -> None:
    row = {"indicator": indicator, "mission": mission, "period_start": day, "period_end": day}
    file = write_csv("dates.csv", row)
    reported = [str(error) for error in refuse(file).rows]
    assert f"{file}, row 2, column period_start: {day!r} {NO_DATE}" in reported
    assert f"{file}, row 2, column period_end: {day!r} {NO_DATE}" in reported


def test_every_error_is_told_at_once(refuse: Refuse, write_csv: WriteCsv) -> None:
    file = write_csv(
        "errors.csv",
        {"mission": "UNMSS", "value": "many"},
        {},
        {"indicator": "sofa_incidents", "source": "", "period_end": "tomorrow"},
    )
    error = refuse(file)
    assert [(row.row, row.column) for row in error.rows] == [
        (2, "mission"),
        (2, "value"),
        (4, "indicator"),
        (4, "period_end"),
        (4, "source"),
    ]
    assert lines_of(error)[0] == "nothing was loaded: 5 errors"


def test_fifty_errors_are_shown_and_the_rest_counted(refuse: Refuse, write_csv: WriteCsv) -> None:
    file = write_csv("errors.csv", *({"mission": f"NO{number}"} for number in range(1200)))
    error = refuse(file)
    lines = lines_of(error)
    assert (lines[0], lines[-1], len(lines)) == ("nothing was loaded: 1,200 errors", "... and 1,150 more", 52)
    assert [row.row for row in error.rows] == list(range(2, 52))


def test_an_error_names_the_file_it_is_in(refuse: Refuse, write_csv: WriteCsv) -> None:
    first = write_csv("first.csv", {"mission": "UNMISS"})
    second = write_csv("second.csv", {"mission": "MONUSCO"}, {"mission": "MINURS"})
    assert [(row.file, row.row) for row in refuse(first, second).rows] == [(str(second), 3)]


def test_a_value_given_twice_is_told_by_row_and_file(refuse: Refuse, write_csv: WriteCsv) -> None:
    first = write_csv("first.csv", {"mission": "MONUSCO"}, {})
    second = write_csv("second.csv", {"note": "the same cell"})
    assert lines_of(refuse(first, second))[1] == (
        f"{second}, row 2, column indicator: 'sofa_incidents_new UNMISS' repeats row 3 of file 1; remove one of the two"
    )


def test_two_files_of_one_command_must_not_give_two_values_for_a_cell(refuse: Refuse, write_csv: WriteCsv) -> None:
    first, second = write_csv("first.csv", {}), write_csv("second.csv", {"value": "41"})
    assert lines_of(refuse(first, second))[1] == (
        f"{second}, row 2, column indicator: 'sofa_incidents_new UNMISS' has another value than the same cell in row 2 of "
        "file 1; remove the wrong one; load a correction as a separate file"
    )


def test_a_value_and_a_missing_value_for_one_cell_are_two_values(refuse: Refuse, write_csv: WriteCsv) -> None:
    error = refuse(write_csv("values.csv", {}, {"value": "", "status": "O"}))
    assert [row.problem for row in error.rows] == ["has another value than the same cell in row 2"]


def test_the_same_bytes_twice_in_one_command_are_refused(refuse: Refuse, write_csv: WriteCsv, tmp_path: Path) -> None:
    file = write_csv("first.csv", {})
    copy = shutil.copy(file, tmp_path / "copy.csv")
    assert str(refuse(file, copy)) == f"{copy} has the same content as {file}. Load it once"


def test_a_load_that_fails_while_it_appends_leaves_nothing_behind(
    warehouse: Warehouse, load: Load, write_csv: WriteCsv, dump: Dump
) -> None:
    def broken_clock() -> datetime:
        raise OSError("no clock")

    file = write_csv("values.csv", {}, {"mission": "MONUSCO"})
    before = dump(warehouse)
    with pytest.raises(OSError, match="no clock"):
        load_files(warehouse, LoadRequest(files=(file,), loaded_by="the tests"), clock=broken_clock)
    assert dump(warehouse) == before
    assert [batch.new_observations for batch in load(file)] == [2]


def test_a_file_may_be_loaded_once_its_error_is_mended(refuse: Refuse, load: Load, write_csv: WriteCsv) -> None:
    refuse(write_csv("values.csv", {"value": "forty"}))
    assert [batch.new_observations for batch in load(write_csv("values.csv", {"value": "40"}))] == [1]


def test_a_load_that_needs_more_memory_than_there_is_says_so_and_changes_nothing(
    warehouse: Warehouse, load: Load, write_csv: WriteCsv, dump: Dump
) -> None:
    file = write_csv("values.csv", {}, {"mission": "MONUSCO"})
    before = dump(warehouse)
    with warehouse.cursor() as cursor:
        cursor.execute("set global memory_limit = '4MB'")
        with pytest.raises(LoadError, match=r"more memory and temporary disk space than DuckDB may use\. Split them"):
            load(file)
        cursor.execute("set global memory_limit = '1GB'")
    assert dump(warehouse) == before
    assert [batch.new_observations for batch in load(file)] == [2]


def test_m_of_an_expected_value_has_to_be_said_to_mean_not_applicable(warehouse: Warehouse, write_csv: WriteCsv) -> None:
    file = write_csv("missing.csv", {"value": "", "status": "M"})
    with pytest.raises(LoadError) as refused:
        load_files(warehouse, LoadRequest(files=(file,), loaded_by="the tests"))
    assert (
        "row 2, column status: 'M' means not applicable, but the mission is expected to report this indicator; write O for a "
        "missing value; if M means not applicable, load with --status-codes sdmx"
    ) in str(refused.value)
    assert (
        load_files(warehouse, LoadRequest(files=(file,), loaded_by="the tests", status_codes="sdmx"))[0].new_observations == 1
    )


def test_m_of_a_value_that_is_not_expected_is_not_applicable(warehouse: Warehouse, write_csv: WriteCsv) -> None:
    file = write_csv("other.csv", {"indicator": "hospitals", "mission": "UNTSO", "value": "", "status": "M"})
    assert load_files(warehouse, LoadRequest(files=(file,), loaded_by="the tests"))[0].new_observations == 1


def test_a_value_under_validation_may_be_given(load: Load, write_csv: WriteCsv, read: Read) -> None:
    load(write_csv("unconfirmed.csv", {"value": "41", "status": "V"}))
    assert read("select value, status from observations where indicator = 'sofa_incidents_new'") == [(41.0, "V")]
