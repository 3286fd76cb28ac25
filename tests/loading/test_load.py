"""Loading: what each check refuses and how it says so, what a load records, and what a later load changes."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from metrics.catalogue import Catalogue
from service.errors import LoadError
from service.loading.load import load_files
from service.loading.report import Batch
from service.settings import find_in_tree
from service.warehouse.database import Warehouse
from service.warehouse.definitions import Definitions
from service.warehouse.stored_definitions import store_catalogue
from tests.conftest import STORED_AT, Clock, Dump, Load, Read, Refuse, WriteCsv

BAD_FILES = find_in_tree("tests") / "bad_files"

NO_DATE = "is not a date from 1900 to 2999; write it as YYYY-MM-DD"
NO_NUMBER = "is not a number; write digits with a decimal point, or leave it empty with status M, U or N"
NO_CYCLE = (
    "is not a period of an indicator that is half-yearly; use a reporting cycle: 1 May to 31 October, or 1 November to 30 April"
)
NO_YEAR = "is not a period of an indicator that is annual; use 1 January to 31 December of one year"
NO_STATUS = "is not a status; use A, E or P with a value; M, U or N without"
NO_DIMENSIONS = "cannot be read; write name=value, with ; between several, each name once"
NO_TRAINING = "lacks the dimension training; write training= and one of Engineering, Medical, C4ISR, All"
NOT_EMPTY = "has no value, but the row has one; empty the value, or use A, E or P"
INFINITE = "is not finite; write digits with a decimal point, or leave it empty with status M, U or N"
FIX_VALUE = "correct the value, or the indicator's minimum, maximum or whole in the catalogue"

# The file in tests/bad_files, and all that is said of it after its name.
BAD_ROWS = {
    "blank_source": "row 3, column source: (empty) is missing; name the document with the value",
    "date_after_2999": f"row 3, column period_end: '3000-01-01' {NO_DATE}",
    "date_before_1900": f"row 3, column period_start: '1899-12-31' {NO_DATE}",
    "date_beyond_any_timestamp": f"row 3, column period_end: '5881580-07-10' {NO_DATE}",
    "day_that_does_not_exist": f"row 3, column period_end: '2024-04-31' {NO_DATE}",
    "control_character": ("row 3, column note: 'a bell\\x07' has a control character; remove it, or type the text again"),
    "decimal_comma": "row 3, column value: '0,37' is not a number; write a decimal point and no thousands separator",
    "dimension_of_an_indicator_without_any": (
        "row 3, column dimensions: 'training=Medical' names the dimension training, which sofa_incidents_new does not have; "
        "leave the column empty"
    ),
    "dimension_twice": f"row 3, column dimensions: 'training=Medical;training=All' {NO_DIMENSIONS}",
    "dimension_twice_in_a_map": f"row 3, column dimensions: '{{training=Medical, training=All}}' {NO_DIMENSIONS}",
    "dimensions_without_names": f"row 3, column dimensions: 'Medical' {NO_DIMENSIONS}",
    "empty_dimension_value": f"row 3, column dimensions: 'training=' {NO_TRAINING}",
    "fraction_of_a_whole_number": f"row 3, column value: '2.5' is not a whole number; {FIX_VALUE}",
    "half_year_a_day_short": f"row 3, column period_end: '2023-11-01..2024-04-29' {NO_CYCLE}",
    "half_year_beside_an_annual_indicator": f"row 3, column period_end: '2023-11-01..2024-04-30' {NO_YEAR}",
    "half_year_of_january_to_june": f"row 3, column period_end: '2024-01-01..2024-06-30' {NO_CYCLE}",
    "indicator_in_capitals": (
        "row 3, column indicator: 'SOFA_INCIDENTS_NEW' is not in the catalogue; did you mean sofa_incidents_new?"
    ),
    "indicator_by_a_misspelt_title": (
        "row 3, column indicator: 'New SOFA or SOMA incident' is not in the catalogue; did you mean sofa_incidents_new?"
    ),
    "infinite_date": f"row 3, column period_end: 'infinity' {NO_DATE}",
    "missing_date": f"row 3, column period_end: (empty) {NO_DATE}",
    "missing_dimension": f"row 3, column dimensions: (empty) {NO_TRAINING}",
    "missing_source": "row 3, column source: (empty) is missing; name the document with the value",
    "mission_by_its_location": "row 3, column mission: 'South Sudan' is not a known mission; did you mean UNMISS?",
    "mission_in_lower_case": ("row 3, column mission: 'monusco' is not a known mission; did you mean MONUSCO?"),
    "negative_count": f"row 3, column value: '-1.0' is below the minimum of 0.0; {FIX_VALUE}",
    "neither_value_nor_status": (
        "row 3, column status: (empty) is missing, and the value too; use A, E or P with a value; M, U or N without"
    ),
    "no_value_with_status_normal": (
        "row 3, column status: 'A' needs a value, but the row has none; use A, E or P with a value; M, U or N without"
    ),
    "null_dimension_value": f"row 3, column dimensions: 'training=' {NO_TRAINING}",
    "percent_sign": "row 3, column value: '37 %' is not a number; write a ratio, 0.37 for 37 %",
    "ratio_above_1": "row 3, column value: '37.0' is above the maximum of 1.0; write a ratio, 0.37 for 37 %",
    "row_twice": "row 4, column indicator: 'sofa_incidents_new MONUSCO' repeats row 3; remove one of the two",
    "start_after_end": ("row 3, column period_start: '2024-05-01' is after period_end 2024-04-30; swap or correct the dates"),
    "status_in_lower_case": f"row 3, column status: 'a' {NO_STATUS}",
    "text_behind_a_date": f"row 3, column period_start: '2023-11-01abc' {NO_DATE}",
    "thousands_separator": ("row 3, column value: '1,234' is not a number; write a decimal point and no thousands separator"),
    "two_figures_for_one_cell": (
        "row 4, column indicator: 'sofa_incidents_new MONUSCO' has another value than the same cell in row 3; "
        "remove the wrong one; load a correction as a separate file"
    ),
    "unknown_dimension": (
        "row 3, column dimensions: 'trainings=Medical' names the dimension trainings, which tpp_trainees does not have; "
        "did you mean training?"
    ),
    "unknown_dimension_value": (
        "row 3, column dimensions: 'training=Enginering' has an unknown value of the dimension training; "
        "did you mean Engineering?"
    ),
    "unknown_indicator": (
        "row 3, column indicator: 'sofa_incident_new' is not in the catalogue; did you mean sofa_incidents_new?"
    ),
    "unknown_mission": "row 3, column mission: 'UNMIS' is not a known mission; did you mean UNMISS?",
    "unknown_status": f"row 3, column status: 'X' {NO_STATUS}",
    "unreadable_date": f"row 3, column period_start: '1 Nov 2023' {NO_DATE}",
    "value_beyond_a_double": f"row 3, column value: 'inf' {INFINITE}",
    "value_infinite": f"row 3, column value: 'inf' {INFINITE}",
    "value_nan": f"row 3, column value: 'nan' {INFINITE}",
    "value_not_applicable": f"row 3, column status: 'N' {NOT_EMPTY}",
    "value_text": f"row 3, column value: 'n/a' {NO_NUMBER}",
    "value_under_validation": f"row 3, column status: 'U' {NOT_EMPTY}",
    "value_with_status_missing": f"row 3, column status: 'M' {NOT_EMPTY}",
    "year_that_is_no_calendar_year": f"row 3, column period_end: '2023-07-01..2024-06-30' {NO_YEAR}",
}
CURRENT = "select mission, value, status from observations order by mission, period_end"
REVISIONS = "select value, status, batch_id from observation_revisions order by batch_id"


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
    told = [str(error) for error in refuse(file).rows]
    assert f"{file}, row 2, column period_start: {day!r} {NO_DATE}" in told
    assert f"{file}, row 2, column period_end: {day!r} {NO_DATE}" in told


def test_every_error_is_told_at_once(refuse: Refuse, write_csv: WriteCsv) -> None:
    file = write_csv(
        "errors.csv",
        {"mission": "UNMIS", "value": "many"},
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


def test_a_figure_given_twice_is_told_by_row_and_file(refuse: Refuse, write_csv: WriteCsv) -> None:
    first = write_csv("first.csv", {"mission": "MONUSCO"}, {})
    second = write_csv("second.csv", {"note": "the same cell"})
    assert lines_of(refuse(first, second))[1] == (
        f"{second}, row 2, column indicator: 'sofa_incidents_new UNMISS' repeats row 3 of file 1; remove one of the two"
    )


def test_two_files_of_one_command_must_not_give_two_figures_for_a_cell(refuse: Refuse, write_csv: WriteCsv) -> None:
    first, second = write_csv("first.csv", {}), write_csv("second.csv", {"value": "41"})
    assert lines_of(refuse(first, second))[1] == (
        f"{second}, row 2, column indicator: 'sofa_incidents_new UNMISS' has another value than the same cell in row 2 of "
        "file 1; remove the wrong one; load a correction as a separate file"
    )


def test_a_value_and_a_missing_value_for_one_cell_are_two_figures(refuse: Refuse, write_csv: WriteCsv) -> None:
    error = refuse(write_csv("figures.csv", {}, {"value": "", "status": "M"}))
    assert [row.problem for row in error.rows] == ["has another value than the same cell in row 2"]


def test_the_same_bytes_twice_in_one_command_are_refused(refuse: Refuse, write_csv: WriteCsv, tmp_path: Path) -> None:
    file = write_csv("first.csv", {})
    copy = shutil.copy(file, tmp_path / "copy.csv")
    assert str(refuse(file, copy)) == f"{copy} has the same content as {file}. Load it once"


def test_a_file_is_read_back_as_it_was_written(load: Load, read: Read, write_csv: WriteCsv) -> None:
    load(
        write_csv(
            "figures.csv",
            {"value": "40", "note": 'it says "40", no'},
            {
                "indicator": "tpp_trainees", "mission": "ALL", "dimensions": "training=Medical",
                "value": "", "status": "U", "page": "",
            },
        )
    )  # fmt: skip
    cycle_5 = (date(2023, 11, 1), date(2024, 4, 30))
    recorded = (1, STORED_AT + timedelta(minutes=1))
    assert read("select * from observations order by mission desc") == [
        ("sofa_incidents_new", "UNMISS", {}, *cycle_5, 40, "A", "A4P+ report, cycle 5", "15", 'it says "40", no', *recorded),
        ("tpp_trainees", "ALL", {"training": "Medical"}, *cycle_5, None, "U", "A4P+ report, cycle 5", None, None, *recorded),
    ]  # fmt: skip


def test_a_value_without_a_status_is_normal(load: Load, read: Read, write_csv: WriteCsv) -> None:
    load(write_csv("figures.csv", {"status": ""}))
    assert read(CURRENT) == [("UNMISS", 40.0, "A")]


def test_spaces_around_a_value_are_no_part_of_it(load: Load, read: Read, write_csv: WriteCsv) -> None:
    load(write_csv("figures.csv", {"mission": " UNMISS ", "period_end": " 2024-04-30 ", "value": " 40 ", "page": "  "}))
    assert read("select mission, period_end, value, page from observations") == [("UNMISS", date(2024, 4, 30), 40.0, None)]


def test_each_status_without_a_value_is_kept_as_such(load: Load, read: Read, write_csv: WriteCsv) -> None:
    missions = {"MINURSO": "M", "UNDOF": "N", "UNMISS": "U"}
    load(write_csv("figures.csv", *({"mission": m, "value": "", "status": s} for m, s in missions.items())))
    assert read(CURRENT) == [("MINURSO", None, "M"), ("UNDOF", None, "N"), ("UNMISS", None, "U")]


def test_a_batch_says_who_loaded_what_and_when(load: Load, read: Read, write_csv: WriteCsv) -> None:
    file = write_csv("figures.csv", {}, {"mission": "MONUSCO"})
    load(file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert read("select * from batches") == [(1, str(file), digest, "the tests", STORED_AT + timedelta(minutes=1), 2, 2, 0, 0)]


def test_each_file_of_a_command_is_a_batch(load: Load, read: Read, write_csv: WriteCsv) -> None:
    files = [write_csv("b.csv", {}), write_csv("a.csv", {"mission": "MONUSCO"}, {"mission": "UNIFIL"})]
    assert [(batch.file_name, batch.batch_id, batch.new_observations) for batch in load(*files)] == [
        (str(files[0]), 1, 1),
        (str(files[1]), 2, 2),
    ]
    assert read("select mission, batch_id from observations order by all") == [("MONUSCO", 2), ("UNIFIL", 2), ("UNMISS", 1)]


def test_a_batch_counts_what_is_new_revised_and_unchanged(load: Load, read: Read, write_csv: WriteCsv) -> None:
    load(write_csv("first.csv", {}, {"mission": "MONUSCO"}))
    (batch,) = load(write_csv("second.csv", {}, {"mission": "MONUSCO", "value": "28"}, {"mission": "UNIFIL"}))
    assert str(batch).endswith("second.csv: batch 2, 1 new observations, 1 revisions, 1 unchanged")
    assert read("select row_count, new_observations, revisions, unchanged from batches where batch_id = 2") == [(3, 1, 1, 1)]


def test_the_same_file_again_brings_nothing_new(warehouse: Warehouse, load: Load, write_csv: WriteCsv, dump: Dump) -> None:
    file = write_csv("figures.csv", {}, {"mission": "MONUSCO"})
    load(file)
    before = dump(warehouse)
    (batch,) = load(file)
    assert str(batch) == f"{file}: no changes (the same file was loaded on 2025-01-01 00:01 UTC)"
    assert dump(warehouse) == before


def test_the_same_bytes_under_another_name_are_the_same_file(load: Load, write_csv: WriteCsv, tmp_path: Path) -> None:
    file = write_csv("figures.csv", {})
    load(file)
    copy = shutil.copy(file, tmp_path / "copy.csv")
    assert str(load(copy)[0]) == f"{copy}: no changes (the same file was loaded on 2025-01-01 00:01 UTC)"


def test_the_same_file_after_a_correction_says_how_many_figures_were_corrected_since(
    load: Load, read: Read, write_csv: WriteCsv
) -> None:
    file = write_csv("figures.csv", {}, {"mission": "MONUSCO"}, {"mission": "UNIFIL"})
    load(file)
    load(write_csv("corrected.csv", {"value": "41"}, {"mission": "UNIFIL", "value": "42"}))
    load(write_csv("corrected again.csv", {"value": "43"}))
    (batch,) = load(file)
    assert batch.batch_id is None
    assert str(batch).endswith("loaded on 2025-01-01 00:01 UTC; 2 of its values were corrected since)")
    assert read(CURRENT) == [("MONUSCO", 40.0, "A"), ("UNIFIL", 42.0, "A"), ("UNMISS", 43.0, "A")]


def test_a_new_file_is_loaded_beside_one_that_was_loaded_before(load: Load, read: Read, write_csv: WriteCsv) -> None:
    old = write_csv("old.csv", {})
    load(old)
    batches = load(old, write_csv("new.csv", {"mission": "MONUSCO"}))
    assert [batch.batch_id for batch in batches] == [None, 2]
    assert read("select mission from observations order by all") == [("MONUSCO",), ("UNMISS",)]


def test_the_same_figures_in_another_file_bring_nothing_new(load: Load, read: Read, write_csv: WriteCsv) -> None:
    load(write_csv("figures.csv", {}, {"mission": "MONUSCO"}))
    file = write_csv("other order.csv", {"mission": "MONUSCO"}, {})
    assert str(load(file)[0]) == f"{file}: no changes in 2 rows"
    assert read("select count(*) from observation_revisions") == [(2,)]


def test_a_corrected_figure_keeps_the_one_it_corrects(load: Load, read: Read, write_csv: WriteCsv) -> None:
    load(write_csv("figures.csv", {"value": "40"}))
    load(write_csv("corrected.csv", {"value": "41"}))
    assert read(CURRENT) == [("UNMISS", 41.0, "A")]
    assert read(REVISIONS) == [(40.0, "A", 1), (41.0, "A", 2)]


@pytest.mark.parametrize(
    ("column", "text"),
    [("status", "P"), ("source", "Correction of 3 May"), ("page", "16"), ("page", ""), ("note", "as printed")],
)
def test_what_is_said_about_a_figure_is_revised_as_the_figure_is(
    load: Load, read: Read, write_csv: WriteCsv, column: str, text: str
) -> None:
    load(write_csv("figures.csv", {}))
    (batch,) = load(write_csv("revised.csv", {column: text}))
    assert (batch.new_observations, batch.revisions) == (0, 1)
    first = {"status": "A", "source": "A4P+ report, cycle 5", "page": "15", "note": None}[column]
    assert read(f"select {column} from observation_revisions order by batch_id") == [(first,), (text or None,)]


def test_a_figure_can_be_withdrawn(load: Load, read: Read, write_csv: WriteCsv) -> None:
    load(write_csv("figures.csv", {}))
    load(write_csv("withdrawn.csv", {"value": "", "status": "U"}))
    assert read(CURRENT) == [("UNMISS", None, "U")]
    assert read(REVISIONS) == [(40.0, "A", 1), (None, "U", 2)]


def test_a_user_may_put_an_earlier_figure_back(load: Load, read: Read, write_csv: WriteCsv) -> None:
    load(write_csv("figures.csv", {}))
    load(write_csv("corrected.csv", {"value": "41"}))
    (batch,) = load(write_csv("put back.csv", {}, {"mission": "MONUSCO"}))
    assert (batch.new_observations, batch.revisions) == (1, 1)
    assert read(REVISIONS + ", value desc") == [(40.0, "A", 1), (41.0, "A", 2), (40.0, "A", 3), (40.0, "A", 3)]


def test_the_shipped_report_never_takes_back_a_correction(load: Load, read: Read, write_csv: WriteCsv) -> None:
    load(write_csv("report.csv", {}), is_shipped=True)
    load(write_csv("corrected.csv", {"value": "41"}))
    (batch,) = load(write_csv("report of the next version.csv", {}, {"mission": "MONUSCO"}), is_shipped=True)
    assert (batch.new_observations, batch.revisions) == (1, 0)
    assert read(CURRENT) == [("MONUSCO", 40.0, "A"), ("UNMISS", 41.0, "A")]


def test_the_shipped_report_brings_the_corrections_of_its_next_version(load: Load, read: Read, write_csv: WriteCsv) -> None:
    load(write_csv("report.csv", {}), is_shipped=True)
    load(write_csv("report of the next version.csv", {"value": "44"}), is_shipped=True)
    assert read(REVISIONS) == [(40.0, "A", 1), (44.0, "A", 2)]


def test_the_report_that_ships_is_loaded_whole_and_only_once(definitions: Definitions, load: Load, read: Read) -> None:
    files = definitions.observation_files
    batches = load(*files, is_shipped=True)
    (held,) = read("select count(*) from observations")
    assert held == (sum(batch.row_count for batch in batches),)
    assert held == (sum(batch.new_observations for batch in batches),)
    assert [batch.batch_id for batch in load(*files, is_shipped=True)] == [None] * len(files)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_written_from_the_view_observations_brings_nothing_new(
    definitions: Definitions, warehouse: Warehouse, load: Load, dump: Dump, write_csv: WriteCsv, tmp_path: Path, kind: str
) -> None:
    load(*definitions.observation_files, is_shipped=True)
    load(write_csv("figures.csv", {"mission": "MINUSMA", "note": 'two\nlines; "quoted", with a comma'}))
    file = tmp_path / f"observations.{kind}"
    with warehouse.cursor() as cursor:
        cursor.execute(f"copy (select * from observations) to '{file}'")
    before = dump(warehouse)["observations"]
    (batch,) = load(file)
    assert str(batch) == f"{file}: no changes in {len(before)} rows"
    assert dump(warehouse)["observations"] == before


@pytest.fixture
def two_dimensions(definitions: Definitions, warehouse: Warehouse) -> Catalogue:
    """A catalogue in which hospital_outage_days has a second dimension."""
    shipped = definitions.catalogue
    changed = Catalogue(
        shipped.priorities,
        shipped.missions,
        shipped.cycles,
        tuple(
            (priority, entry.model_copy(update={"dimensions": {**entry.dimensions, "area": ("North, east", "South")}}))
            if entry.indicator == "hospital_outage_days"
            else (priority, entry)
            for priority, entry in shipped.indicators
        ),
        shipped.series_budget,
    )
    store_catalogue(warehouse, changed, STORED_AT)
    return changed


OUTAGE = {"indicator": "hospital_outage_days", "mission": "UNIFIL"}


@pytest.mark.parametrize(
    "written", ["area=South;cause=Equipment", " cause = Equipment ; area = South ", "{cause=Equipment, area=South}"]
)
@pytest.mark.usefixtures("two_dimensions")
def test_the_order_of_dimensions_makes_no_other_series(load: Load, read: Read, write_csv: WriteCsv, written: str) -> None:
    load(write_csv("figures.csv", {**OUTAGE, "dimensions": "cause=Equipment;area=South", "value": "3"}))
    load(write_csv("corrected.csv", {**OUTAGE, "dimensions": written, "value": "4"}))
    assert read("select dimensions, value from observations") == [({"area": "South", "cause": "Equipment"}, 4.0)]


@pytest.mark.usefixtures("two_dimensions")
def test_a_cell_given_twice_is_found_whatever_the_order_of_dimensions(refuse: Refuse, write_csv: WriteCsv) -> None:
    file = write_csv(
        "figures.csv",
        {**OUTAGE, "dimensions": "cause=Equipment;area=South", "value": "3"},
        {**OUTAGE, "dimensions": "area=South;cause=Equipment", "value": "4"},
    )
    assert [(row.row, row.problem) for row in refuse(file).rows] == [(3, "has another value than the same cell in row 2")]


@pytest.mark.usefixtures("two_dimensions")
def test_a_dimension_value_with_a_comma_is_read_from_the_text_of_a_map(
    warehouse: Warehouse, load: Load, write_csv: WriteCsv, tmp_path: Path
) -> None:
    load(write_csv("figures.csv", {**OUTAGE, "dimensions": "area=North, east;cause=Equipment", "value": "3"}))
    file = tmp_path / "observations.csv"
    with warehouse.cursor() as cursor:
        cursor.execute(f"copy (select * from observations) to '{file}'")
    assert str(load(file)[0]) == f"{file}: no changes in 1 rows"


def test_two_threads_that_load_at_once_are_both_kept(warehouse: Warehouse, read: Read, write_csv: WriteCsv) -> None:
    missions = ("UNMISS", "MONUSCO")
    years = range(2001, 2011)
    files = {
        mission: [
            write_csv(
                f"{mission} {year}.csv",
                {"mission": mission, "period_start": f"{year}-11-01", "period_end": f"{year + 1}-04-30"},
            )
            for year in years
        ]
        for mission in missions
    }
    start = threading.Barrier(len(missions))
    failures: list[BaseException] = []

    def load_each(own: Sequence[Path]) -> None:
        try:
            start.wait()
            for file in own:
                load_files(warehouse, [file], "a thread")
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=load_each, args=(own,)) for own in files.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert read("select mission, count(*) from observations group by all order by all") == [("MONUSCO", 10), ("UNMISS", 10)]
    assert read("select batch_id from batches order by all") == [(number,) for number in range(1, 21)]
    assert read("select count(*), count(distinct series_id) from store.series") == [(2, 2)]
    assert read("select count(distinct recorded_at) from batches") == [(20,)]


def load_within(warehouse: Warehouse, outer: Path, inner: Path, clock: Clock) -> list[Batch]:
    """Load a file and, between its being read and its being appended, another; return what each brought."""
    brought: list[Batch] = []

    def load_inner(stage: str, share: float | None) -> None:
        if stage == "checking" and not brought:
            brought.extend(load_files(warehouse, [inner], "the inner", clock=clock))

    return load_files(warehouse, [outer], "the outer", load_inner, clock=clock) + brought


def test_a_file_loaded_twice_at_once_is_recorded_once(
    warehouse: Warehouse, load: Load, read: Read, write_csv: WriteCsv, clock: Clock
) -> None:
    file = write_csv("figures.csv", {}, {"mission": "MONUSCO"})
    outer, inner = load_within(warehouse, file, file, clock)
    assert (inner.new_observations, outer.new_observations, outer.batch_id) == (2, 0, None)
    assert read("select count(*) from observation_revisions") == [(2,)]
    load(write_csv("corrected.csv", {"value": "41"}))
    assert load(file)[0].corrected_since == 1


def test_a_series_that_another_load_brought_meanwhile_is_not_made_twice(
    warehouse: Warehouse, read: Read, write_csv: WriteCsv, clock: Clock
) -> None:
    outer = write_csv("cycle 5.csv", {})
    inner = write_csv("cycle 4.csv", {"period_start": "2023-05-01", "period_end": "2023-10-31"})
    load_within(warehouse, outer, inner, clock)
    assert read("select count(*) from store.series") == [(1,)]
    assert read("select period_end::varchar, batch_id from observations order by all") == [("2023-10-31", 1), ("2024-04-30", 2)]


def test_a_figure_that_another_load_brought_meanwhile_is_revised(
    warehouse: Warehouse, read: Read, write_csv: WriteCsv, clock: Clock
) -> None:
    outer, inner = load_within(warehouse, write_csv("outer.csv", {"value": "41"}), write_csv("inner.csv", {}), clock)
    assert (inner.new_observations, outer.new_observations, outer.revisions) == (1, 0, 1)
    assert read(REVISIONS) == [(40.0, "A", 1), (41.0, "A", 2)]


def test_a_later_batch_has_a_later_time_though_the_clock_goes_back(
    warehouse: Warehouse, read: Read, write_csv: WriteCsv
) -> None:
    for value, now in ((40, STORED_AT), (41, STORED_AT), (42, STORED_AT - timedelta(minutes=1))):
        load_files(warehouse, [write_csv(f"{value}.csv", {"value": value})], "the tests", clock=lambda now=now: now)
    microsecond = timedelta(microseconds=1)
    assert read("select value, recorded_at from observation_revisions order by batch_id") == [
        (40.0, STORED_AT),
        (41.0, STORED_AT + microsecond),
        (42.0, STORED_AT + 2 * microsecond),
    ]


def test_the_time_of_a_batch_is_kept_in_utc(warehouse: Warehouse, read: Read, write_csv: WriteCsv) -> None:
    tokyo = datetime.fromisoformat("2025-06-01T08:30:00+09:00")
    load_files(warehouse, [write_csv("figures.csv", {})], "the tests", clock=lambda: tokyo)
    assert read("select recorded_at::varchar from batches") == [("2025-05-31 23:30:00+00",)]
    assert read("select recorded_at from batches") == [(datetime(2025, 5, 31, 23, 30, tzinfo=UTC),)]


def test_a_load_that_fails_while_it_appends_leaves_nothing_behind(
    warehouse: Warehouse, load: Load, write_csv: WriteCsv, dump: Dump
) -> None:
    def broken_clock() -> datetime:
        raise OSError("no clock")

    file = write_csv("figures.csv", {}, {"mission": "MONUSCO"})
    before = dump(warehouse)
    with pytest.raises(OSError, match="no clock"):
        load_files(warehouse, [file], "the tests", clock=broken_clock)
    assert dump(warehouse) == before
    assert [batch.new_observations for batch in load(file)] == [2]


def test_a_file_may_be_loaded_once_its_error_is_mended(refuse: Refuse, load: Load, write_csv: WriteCsv) -> None:
    refuse(write_csv("figures.csv", {"value": "forty"}))
    assert [batch.new_observations for batch in load(write_csv("figures.csv", {"value": "40"}))] == [1]


def test_progress_tells_each_stage_and_shares_between_0_and_1(warehouse: Warehouse, write_csv: WriteCsv, clock: Clock) -> None:
    told: list[tuple[str, float | None]] = []
    load_files(
        warehouse, [write_csv("figures.csv", {})], "the tests", lambda stage, share: told.append((stage, share)), clock=clock
    )
    assert list(dict.fromkeys(stage for stage, _ in told)) == ["reading values.csv", "checking", "appending"]
    assert all(share is None or 0 <= share <= 1 for _, share in told)


def test_a_load_that_needs_more_memory_than_there_is_says_so_and_changes_nothing(
    warehouse: Warehouse, load: Load, write_csv: WriteCsv, dump: Dump
) -> None:
    file = write_csv("figures.csv", {}, {"mission": "MONUSCO"})
    before = dump(warehouse)
    with warehouse.cursor() as cursor:
        cursor.execute("set global memory_limit = '4MB'")
        with pytest.raises(LoadError, match="more memory and temporary disk space than DuckDB may use; split them"):
            load(file)
        cursor.execute("set global memory_limit = '1GB'")
    assert dump(warehouse) == before
    assert [batch.new_observations for batch in load(file)] == [2]


def test_no_files_are_no_batches(load: Load) -> None:
    assert load() == []
