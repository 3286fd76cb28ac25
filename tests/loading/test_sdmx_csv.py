"""The SDMX-CSV reader: versions, actions, codes, periods, and the errors of rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service.errors import LoadError
from service.loading.load import load_files
from service.loading.preview import preview_files
from service.loading.request import LoadRequest
from service.warehouse.database import Warehouse
from service.warehouse.definitions import Definitions
from tests.conftest import Clock, Dump, Load, Read, Refuse, WriteCsv
from tests.loading.tables import write

V2 = "STRUCTURE,STRUCTURE_ID,ACTION"
DATAFLOW = "dataflow,A4P:INDICATORS(1.0)"
COLUMNS = "FREQ,INDICATOR,MISSION,TRAINING,TIME_PERIOD,OBS_VALUE,OBS_STATUS,SOURCE_DETAIL,SOURCE_PAGE,COMMENT_OBS"
HEADER = f"{V2},{COLUMNS}\n"
NEW = "S,sofa_incidents_new,UNMISS,_Z,2023-11-01/P6M"
VALUES = """
    select indicator, mission, dimensions, period_start::varchar, period_end::varchar, value, status
    from observations
    order by all
"""
TEXTS = "select value, status, source, page, note from observations order by all"


@pytest.fixture
def load_text(load: Load, tmp_path: Path) -> Any:
    """Loads text as an SDMX-CSV file; each text is another file."""

    def load_written(text: str | bytes, name: str = "observations.csv") -> tuple[str, ...]:
        (batch,) = load(write(tmp_path / name, text))
        return batch.notes

    return load_written


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(f"{HEADER}{DATAFLOW},M,{NEW},40,A,report,15,\n", id="2.1"),
        pytest.param(f"{HEADER}{DATAFLOW},I,{NEW},40,A,report,15,\n", id="2.0"),
        pytest.param(f"{HEADER}{DATAFLOW},R,{NEW},40.0,A,report,15,\n", id="replace"),
        pytest.param(f"DATAFLOW,{COLUMNS}\nA4P:INDICATORS(1.0),{NEW},40,A,report,15,\n", id="1.0"),
        pytest.param(f"STRUCTURE,STRUCTURE_ID,{COLUMNS}\n{DATAFLOW},{NEW},40,A,report,15,\n", id="without action"),
        pytest.param(f"{HEADER}{DATAFLOW},,{NEW},40,A,report,15,\n", id="empty action"),
        pytest.param(f"{HEADER}datastructure,A4P:INDICATORS,M,{NEW},40,A,report,15,\n", id="of the data structure"),
        pytest.param(f"{HEADER}{DATAFLOW},M,{NEW},40,,report,15,\n", id="without status"),
        pytest.param(f"{HEADER}{DATAFLOW},M,{NEW},40,A,report,15,\n".replace(",", ";"), id="semicolons"),
        pytest.param(f"{HEADER}{DATAFLOW},M,{NEW},40,A,report,15,\n".replace(",", "\t"), id="tabs"),
        pytest.param(f"\ufeff{HEADER}{DATAFLOW},M,{NEW},40,A,report,15,\n".replace("\n", "\r\n"), id="of Excel"),
        pytest.param(f"{HEADER}{DATAFLOW},M,{NEW},40,A,report,15,\n".encode("utf-16"), id="UTF-16"),
        pytest.param(f"{HEADER}\n\n{DATAFLOW},M,{NEW},40,A,report,15,\n", id="blank lines"),
        pytest.param(f"STRUCTURE[;]{HEADER[9:]}{DATAFLOW},M,{NEW},40,A,report,15,\n", id="second separator"),
        pytest.param(
            "STRUCTURE,STRUCTURE_ID,ACTION,MISSION: Mission,INDICATOR: Indicator,TIME_PERIOD: Time,OBS_VALUE: Value,"
            "OBS_STATUS: Status,SOURCE_DETAIL: Source,SOURCE_PAGE: Page\n"
            'dataflow,A4P:INDICATORS(1.0): A4P+,M,UNMISS: South Sudan,"sofa_incidents_new: New: SOFA, SOMA",'
            "2023-11-01/P6M: cycle 5,40,A: Normal,report,15\n",
            id="labels",
        ),
        pytest.param(
            "STRUCTURE,STRUCTURE_ID,OBS_VALUE,PREPARED,SOURCE_PAGE,SOURCE_DETAIL,TIME_PERIOD,MISSION,INDICATOR\n"
            f'{DATAFLOW},40,"2024, May",15,report,2023-11-01/2024-04-30,UNMISS,sofa_incidents_new\n',
            id="columns in another order",
        ),
        pytest.param(
            f"STRUCTURE,STRUCTURE_ID,REPORTING_YEAR_START_DAY,{COLUMNS}\n"
            f"{DATAFLOW},--05-01,{NEW},40,A,report,15,\n".replace("2023-11-01/P6M", "2023-S2"),
            id="reporting period",
        ),
    ],
)  # fmt: skip
def test_every_form_of_a_file_brings_the_same_observation(load_text: Any, read: Read, content: str | bytes) -> None:
    load_text(content)
    assert read(VALUES) == [("sofa_incidents_new", "UNMISS", {}, "2023-11-01", "2024-04-30", 40.0, "A")]
    assert read(TEXTS) == [(40.0, "A", "report", "15", None)]


def test_codes_and_values_of_dimensions_are_read(load_text: Any, read: Read) -> None:
    load_text(
        f"{HEADER}"
        f"{DATAFLOW},M,S,tpp_trainees,ALL,Medical,2023-11-01/P6M,71,A,report,5,\n"
        f"{DATAFLOW},M,S,tpp_trainees,ALL,All,2023-11-01/P6M,,V,report,5,\n"
    )
    assert [(row[2], row[5], row[6]) for row in read(VALUES)] == [
        ({"training": "All"}, None, "V"),
        ({"training": "Medical"}, 71.0, "A"),
    ]


@pytest.mark.parametrize(
    ("written", "period"),
    [
        ("2023", ("2023-01-01", "2023-12-31")),
        ("2023-01-01/P1Y", ("2023-01-01", "2023-12-31")),
        ("2023-01-01T00:00:00/P12M", ("2023-01-01", "2023-12-31")),
        ("2023-01-01/2023-12-31", ("2023-01-01", "2023-12-31")),
        ("2023-01-01/P365D", ("2023-01-01", "2023-12-31")),
    ],
)
def test_a_year_is_read(load_text: Any, read: Read, written: str, period: tuple[str, str]) -> None:
    load_text(f"{HEADER}{DATAFLOW},M,A,serious_misconduct_allegations,ALL,,{written},364,A,report,13,\n")
    assert [row[3:5] for row in read(VALUES)] == [period]


def test_a_decimal_comma_is_read_with_another_separator(load_text: Any, read: Read) -> None:
    row = f"{DATAFLOW},M,S,women_heads_and_deputies_ratio,ALL,,2023-11-01/P6M,0.37,A,report,6,\n"
    notes = load_text(f"{HEADER}{row}".replace(",", ";").replace("0.37", "0,37"))
    assert "decimal comma" in notes
    assert [row[5] for row in read(VALUES)] == [0.37]


def test_a_merge_leaves_what_is_empty_as_it_is(load_text: Any, read: Read) -> None:
    load_text(f"{HEADER}{DATAFLOW},M,{NEW},40,E,report,15,first\n", "first.csv")
    load_text(f"{HEADER}{DATAFLOW},M,{NEW},41,,,,\n", "second.csv")
    assert read(TEXTS) == [(41.0, "E", "report", "15", "first")]
    load_text(f"{V2},INDICATOR,MISSION,TIME_PERIOD,COMMENT_OBS\n{DATAFLOW},M,sofa_incidents_new,UNMISS,2023-11-01/P6M,final\n")
    assert read(TEXTS) == [(41.0, "E", "report", "15", "final")]


def test_a_merged_status_without_value_removes_the_value(load_text: Any, read: Read) -> None:
    load_text(f"{HEADER}{DATAFLOW},M,{NEW},40,A,report,15,\n", "first.csv")
    load_text(f"{HEADER}{DATAFLOW},M,{NEW},,M,,,\n", "second.csv")
    assert read(TEXTS) == [(None, "M", "report", "15", None)]
    load_text(f"{HEADER}{DATAFLOW},M,{NEW},42,,,,\n", "third.csv")
    assert read(TEXTS) == [(42.0, "A", "report", "15", None)]


def test_a_replacement_has_only_what_it_states(load_text: Any, read: Read) -> None:
    load_text(f"{HEADER}{DATAFLOW},M,{NEW},40,E,report,15,first\n", "first.csv")
    load_text(f"{HEADER}{DATAFLOW},R,{NEW},41,,another report,,\n", "second.csv")
    assert read(TEXTS) == [(41.0, "A", "another report", None, None)]


@pytest.fixture
def four_values(load: Load, write_csv: WriteCsv) -> None:
    """Four observations: two missions, and two periods of one."""
    earlier = {"period_start": "2023-05-01", "period_end": "2023-10-31"}
    load(
        write_csv(
            "four.csv",
            {"value": "40", "note": "a note"},
            {"value": "39", **earlier},
            {"mission": "UNIFIL", "value": "4"},
            {"indicator": "sofa_incidents_total", "value": "90"},
        )
    )


STATES = "select indicator, mission, period_start::varchar, value, status from observations where status = 'O' order by all"


@pytest.mark.parametrize(
    ("rows", "deleted"),
    [
        (f"{DATAFLOW},D,{NEW},,,,,", 1),
        (f"{DATAFLOW},D,{NEW},-,,,,", 1),
        (f"{DATAFLOW},D,{NEW},40,A,report,15,a note", 1),
        (f"{DATAFLOW},D,,sofa_incidents_new,UNMISS,,,,,,,", 2),
        (f"{DATAFLOW},D,,sofa_incidents_new,,,2023-11-01/P6M,,,,,", 2),
        (f"{DATAFLOW},D,,,UNMISS,,,,,,,", 3),
        (f"{DATAFLOW},D,,,,,,,,,,", 4),
        (f"{DATAFLOW},D,,,UNMISS,,,,,,,\n{DATAFLOW},D,,sofa_incidents_new,,,,,,,,", 4),
    ],
)
def test_a_deletion_is_a_revision_without_value(four_values: None, load_text: Any, read: Read, rows: str, deleted: int) -> None:
    notes = load_text(f"{HEADER}{rows}\n")
    states = read(STATES)
    assert len(states) == deleted
    assert {row[3:] for row in states} == {(None, "O")}
    assert any(note.startswith(f"{deleted} observation") and "deleted (D)" in note for note in notes)
    (revisions,) = read("select count(*) from observation_revisions")[0]
    assert revisions == 4 + deleted


def test_a_deletion_can_leave_out_columns(four_values: None, load_text: Any, read: Read) -> None:
    load_text(f"{V2},MISSION\n{DATAFLOW},D,UNIFIL\n")
    assert [row[1] for row in read(STATES)] == ["UNIFIL"]


def test_a_marked_comment_is_deleted_alone(four_values: None, load_text: Any, read: Read) -> None:
    load_text(f"{HEADER}{DATAFLOW},D,{NEW},,,,,-\n")
    assert (40.0, "A", "A4P+ report, cycle 5", "15", None) in read(TEXTS)
    assert read(STATES) == []


def test_a_deletion_that_matches_nothing_is_reported(four_values: None, load_text: Any, read: Read) -> None:
    notes = load_text(f"{HEADER}{DATAFLOW},D,,sofa_incidents_new,UNTSO,,,,,,,\n")
    assert "1 row with action D match no observation" in notes
    assert read(STATES) == []


def test_the_preview_shows_what_is_deleted(
    four_values: None, warehouse: Warehouse, definitions: Definitions, dump: Dump, tmp_path: Path
) -> None:
    before = dump(warehouse)
    file = write(tmp_path / "deletion.csv", f"{HEADER}{DATAFLOW},D,,,UNMISS,,2023-11-01/P6M,,,,,\n")
    (batch,) = preview_files(warehouse, definitions, LoadRequest(files=(file,))).batches
    assert sorted((change.indicator, change.previous_value, change.status) for change in batch.changes) == [
        ("sofa_incidents_new", 40.0, "O"),
        ("sofa_incidents_total", 90.0, "O"),
    ]
    assert dump(warehouse) == before


def test_not_applicable_needs_no_option(warehouse: Warehouse, clock: Clock, tmp_path: Path, read: Read) -> None:
    file = write(tmp_path / "observations.csv", f"{HEADER}{DATAFLOW},M,{NEW},,M,report,15,\n")
    load_files(warehouse, LoadRequest(files=(file,), loaded_by="a test"), clock=clock)
    assert [row[6] for row in read(VALUES)] == ["M"]


def test_ignored_columns_are_named(load_text: Any) -> None:
    notes = load_text(f"{HEADER[:-1]},PREPARED_BY\n{DATAFLOW},M,{NEW},40,A,report,15,,ana\n")
    assert "columns that are no components were ignored: PREPARED_BY" in notes


FIX_PERIOD = "write it like 2023-11-01/P6M or 2023"


@pytest.mark.parametrize(
    ("row", "error"),
    [
        (f"{DATAFLOW},X,{NEW},40,A,report,,", "column ACTION: 'X' is not an action; use M (merge), R (replace) or D (delete)"),
        (
            f"dataflow,ECB:EXR(1.0),M,{NEW},40,A,report,,",
            "column STRUCTURE_ID: 'ECB:EXR(1.0)' is not the structure of these files; write A4P:INDICATORS(1.0)",
        ),
        (f"{DATAFLOW},M,{NEW},40,A,,,", "column SOURCE_DETAIL: (empty) is missing; name the document with the value"),
        (f"{DATAFLOW},M,{NEW},many,A,report,,", "column OBS_VALUE: 'many' is not a number; write digits with a decimal point"),
        (f"{DATAFLOW},M,{NEW},-1,A,report,,", "column OBS_VALUE: '-1.0' is below the minimum of 0.0"),
        (f"{DATAFLOW},M,{NEW},40,U,report,,", "column OBS_STATUS: 'U' is not used here: in SDMX it means low reliability"),
        (f"{DATAFLOW},M,{NEW},40,O,report,,", "column OBS_STATUS: 'O' has no value, but the row has one"),
        (f"{DATAFLOW},M,{NEW},,,report,,", "column OBS_STATUS: (empty) is missing, and the value too"),
        (
            f"{DATAFLOW},M,{NEW.replace('UNMISS', 'UNMSS')},40,A,r,,",
            "column MISSION: 'UNMSS' is not a known mission; did you mean UNMISS?",
        ),
        (
            f"{DATAFLOW},M,{NEW.replace('_new', '_newer')},40,A,r,,",
            "column INDICATOR: 'sofa_incidents_newer' is not in the catalogue",
        ),
        (f"{DATAFLOW},M,A{NEW[1:]},40,A,r,,", "column FREQ: 'A' is not the frequency of sofa_incidents_new; write S"),
        (
            f"{DATAFLOW},M,{NEW.replace('_Z', 'Medical')},40,A,r,,",
            "column TRAINING: 'Medical' is given, but sofa_incidents_new does not have this dimension; write _Z",
        ),
        (
            f"{DATAFLOW},M,S,tpp_trainees,ALL,Medicine,2023-11-01/P6M,40,A,r,,",
            "column TRAINING: 'Medicine' is not a code of tpp_trainees; use one of Engineering, Medical, C4ISR, All",
        ),
        (
            f"{DATAFLOW},M,S,tpp_trainees,ALL,,2023-11-01/P6M,40,A,r,,",
            "column TRAINING: (empty) is missing; tpp_trainees has this dimension; use one of Engineering",
        ),
        (
            f"{DATAFLOW},M,{NEW[:-14]}soon,40,A,r,,",
            f"column TIME_PERIOD: 'soon' is not a period from 1900 to 2999; {FIX_PERIOD}",
        ),
        (f"{DATAFLOW},M,{NEW[:-14]},40,A,r,,", f"column TIME_PERIOD: (empty) is missing; {FIX_PERIOD}"),
        (
            f"{DATAFLOW},M,{NEW[:-14]}2023-S2,40,A,r,,",
            "column TIME_PERIOD: '2023-S2' is of a reporting year with an unknown start; "
            "add the column REPORTING_YEAR_START_DAY with --05-01, or write the period like 2023-11-01/P6M",
        ),
        (
            f"{DATAFLOW},M,{NEW[:-14]}2023,40,A,r,,",
            "column TIME_PERIOD: '2023-01-01..2023-12-31' is not a period of an indicator",
        ),
        (
            f"{DATAFLOW},D,{NEW},,,report,,",
            "column SOURCE_DETAIL: 'report' cannot be deleted without the observation; write - for OBS_VALUE too",
        ),
        (f"{DATAFLOW},D,{NEW.replace('UNMISS', 'UNMSS')},,,,,", "column MISSION: 'UNMSS' is not a known mission"),
        (f"{DATAFLOW},M,{NEW},40,A,r,,\n{DATAFLOW},M,{NEW},41,A,r,,", "has another value than the same cell in row 2"),
        (f"{DATAFLOW},M,{NEW},40,A,A4P+ report, cycle 5,,", "has 14 columns where the header has 13; correct the row"),
    ],
)  # fmt: skip
def test_an_error_names_the_row_the_column_and_the_fix(refuse: Refuse, tmp_path: Path, row: str, error: str) -> None:
    caught = refuse(write(tmp_path / "observations.csv", f"{HEADER}{row}\n"))
    (found,) = caught.rows
    assert error in str(found)
    assert found.row == 1 + len(row.splitlines())


@pytest.mark.parametrize(
    ("header", "error"),
    [
        (HEADER.replace("MISSION", "MISION"), "row 1: the column 'MISION' is unknown (did you mean 'MISSION'?)"),
        (HEADER.replace("FREQ", "MISSION"), "row 1: the column 'MISSION' is given twice"),
        (HEADER.replace("STRUCTURE_ID", "PREPARED"), "row 1: the column 'STRUCTURE_ID' is missing"),
        (HEADER.replace("FREQ", ""), "row 1: a column has no name"),
    ],
)
def test_an_error_of_the_header_names_the_fix(refuse: Refuse, tmp_path: Path, header: str, error: str) -> None:
    assert error in str(refuse(write(tmp_path / "observations.csv", f"{header}{DATAFLOW},M,{NEW},40,A,report,15,\n")))


def test_units_other_than_those_of_the_indicator_are_refused(refuse: Refuse, tmp_path: Path) -> None:
    header = f"{V2},INDICATOR,MISSION,TIME_PERIOD,OBS_VALUE,SOURCE_DETAIL,UNIT_MEASURE,UNIT_MULT\n"
    row = f"{DATAFLOW},M,sofa_incidents_new,UNMISS,2023-11-01/P6M,40,report,"
    caught = refuse(write(tmp_path / "observations.csv", f"{header}{row}PT,0\n{row}NUMBER,3\n"))
    assert [str(error).partition(", ")[2] for error in caught.rows] == [
        "row 2, column UNIT_MEASURE: 'PT' is not the unit of sofa_incidents_new; convert the value and write NUMBER",
        "row 3, column UNIT_MULT: '3' is not 0; write the value in units and 0",
    ]


def test_the_rows_of_a_load_are_limited(warehouse: Warehouse, four_values: None, tmp_path: Path) -> None:
    rows = "".join(f"{DATAFLOW},M,{NEW},{value},A,report,,\n" for value in range(3))
    for name, content in (("many.csv", f"{HEADER}{rows}"), ("delete.csv", f"{V2}\n{DATAFLOW},D\n")):
        with pytest.raises(LoadError, match="the limit of a load is 2 rows"):
            load_files(warehouse, LoadRequest(files=(write(tmp_path / name, content),), loaded_by="a test", max_rows=2))
