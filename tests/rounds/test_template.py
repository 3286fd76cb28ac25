"""The template of a round: a workbook with a row for each value to report."""

from __future__ import annotations

import io
import re
import time
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from flask.testing import FlaskClient
from openpyxl.worksheet.worksheet import Worksheet

from service.application import Application
from service.errors import RoundUnknown
from service.rounds.cells import Cell, list_cells
from service.rounds.template import Allowed, Round, make_template, write_template
from service.rounds.template_format import IDENTITY_COLUMNS, IDENTITY_SHEET
from service.rounds.template_instructions import write_months
from tests.service_process import run_a4p

CELL = Cell(
    indicator="sofa_incidents_new",
    title="New incidents",
    description="Incidents of the cycle.",
    priority="host_country_cooperation",
    unit="count",
    source="UNMISS",
    dimensions={},
    period_start=date(2024, 5, 1),
    period_end=date(2024, 10, 31),
    due_on=date(2024, 12, 30),
    previous_value=125.0,
    previous_status="A",
    previous_period="2023-11-01/2024-04-30",
    current_value=None,
    current_status=None,
)
ROUND = Round("UNMISS", "Mission in South Sudan", 6, date(2024, 5, 1), date(2024, 10, 31), "d1ce57")


def allow(*cells: Cell, title: str = "Host country", **values: object) -> dict[str, Allowed]:
    allowed = {"minimum": 0.0, "maximum": None, "whole": True, **values}
    return {cell.indicator: Allowed(cell.indicator, title, **allowed) for cell in cells}  # type: ignore[arg-type]


def open_book(body: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(body))


def read_rows(sheet: Worksheet) -> list[dict[str, object]]:
    header, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


def open_sheet(cell: Cell, **values: object) -> Worksheet:
    book = open_book(write_template([cell], ROUND, allow(cell, **values)))  # type: ignore[arg-type]
    return book.worksheets[1]


@pytest.fixture(scope="module")
def body(application: Application) -> bytes:
    assert application.read_copy is not None
    with application.read_copy.open_session() as session:
        return make_template(session, 6, "UNMISS")


@pytest.fixture(scope="module")
def book(body: bytes) -> openpyxl.Workbook:
    return open_book(body)


def test_a_row_has_the_value_before_and_empty_cells_to_fill(book: openpyxl.Workbook) -> None:
    (row,) = [row for row in read_rows(book["Host country cooperation"]) if row["indicator"] == "New SOFA or SOMA incidents"]
    assert (row["unit"], row["period"], row["value before"]) == ("number", "May to Oct 2024", "125")
    assert row["period before"] == "Nov 2023 to Apr 2024"
    assert str(row["definition"]).startswith("Incidents recorded in the cycle")
    assert (row["value"], row["status"], row["note"]) == (None, None, None)


def test_every_cell_of_the_round_has_a_row(application: Application, book: openpyxl.Workbook) -> None:
    assert application.read_copy is not None
    with application.read_copy.open_session() as session:
        cells = list_cells(session, 6, "UNMISS")
    shown = [row for sheet in book.worksheets[1:-1] for row in read_rows(sheet)]
    assert [(row["indicator"], row.get("breakdown") or "") for row in shown] == [
        (cell.title, ", ".join(cell.dimensions.values())) for cell in cells
    ]


def test_the_first_sheet_has_instructions_and_the_last_one_is_hidden(book: openpyxl.Workbook) -> None:
    assert book.sheetnames[0] == "Instructions"
    assert book.sheetnames[-1] == IDENTITY_SHEET
    assert [sheet.sheet_state for sheet in book.worksheets] == ["visible"] * (len(book.worksheets) - 1) + ["veryHidden"]
    texts = [str(cell.value) for row in book["Instructions"].iter_rows() for cell in row if cell.value]
    assert "United Nations Mission in the Republic of South Sudan" in texts
    assert "30 December 2024" in texts


def test_the_hidden_sheet_identifies_round_and_rows(application: Application, book: openpyxl.Workbook) -> None:
    rows = [tuple(row) for row in book[IDENTITY_SHEET].iter_rows(values_only=True)]
    digest = application.definitions.catalogue.digest()
    assert [row[:2] for row in rows[:4]] == [
        ("version", "1"), ("mission", "UNMISS"), ("cycle", "6"), ("catalogue", digest)
    ]  # fmt: skip
    assert rows[4] == IDENTITY_COLUMNS
    identified = {row[0]: row[1:] for row in rows[5:]}
    assert len(identified) == len(rows[5:])
    shown = [row for sheet in book.worksheets[1:-1] for row in read_rows(sheet)]
    for row in shown:
        assert identified[row["id"]][5:] == (row["indicator"], row.get("breakdown") or "")
    assert ("hospital_outage_days", "cause=Equipment", "2024-05-01", "2024-10-31", "days") in {
        identity[:5] for identity in identified.values()
    }


def test_only_value_status_and_note_can_be_filled_in(book: openpyxl.Workbook) -> None:
    for sheet in book.worksheets:
        assert sheet.protection.sheet, sheet.title
    for sheet in book.worksheets[1:-1]:
        header = [cell.value for cell in sheet[1]]
        unlocked = {header[cell.column - 1] for row in sheet.iter_rows() for cell in row if not cell.protection.locked}
        assert unlocked == {"value", "status", "note"}


def test_the_header_stays_in_view_and_pages_are_as_wide_as_the_table(book: openpyxl.Workbook) -> None:
    for sheet in book.worksheets[1:-1]:
        assert sheet.freeze_panes == "B2"
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert (sheet.page_setup.fitToHeight, sheet.print_title_rows) == (0, "$1:$1")


def find_rules(sheet: Worksheet) -> dict[str, object]:
    return {str(rule.sqref): rule for rule in sheet.data_validations.dataValidation}


def find_rule(sheet: Worksheet, column: str) -> openpyxl.worksheet.datavalidation.DataValidation:
    (letter,) = [cell.column_letter for cell in sheet[1] if cell.value == column]
    (rule,) = [rule for rule in sheet.data_validations.dataValidation if str(rule.sqref) == f"{letter}2"]
    return rule


@pytest.mark.parametrize(
    ("unit", "choices"), [("boolean", '"yes,no"'), ("level", '"low,medium,high"')], ids=["boolean", "level"]
)
def test_booleans_and_levels_are_chosen_from_a_list(unit: str, choices: str) -> None:
    rule = find_rule(open_sheet(replace(CELL, unit=unit, previous_value=1.0)), "value")
    assert (rule.type, rule.formula1) == ("list", choices)


def test_a_status_is_chosen_from_a_list() -> None:
    rule = find_rule(open_sheet(CELL), "status")
    assert rule.formula1 is not None
    assert [choice[:1] for choice in rule.formula1.strip('"').split(",")] == ["A", "E", "P", "V", "O", "L", "M"]


@pytest.mark.parametrize(
    ("unit", "values", "expected", "message"),
    [
        ("count", {}, ("whole", "greaterThanOrEqual", "0.0", None), "Type a whole number of at least 0, or leave"),
        (
            "ratio", {"maximum": 1.0, "whole": False}, ("decimal", "between", "0.0", "1.0"),
            "Type a percentage from 0 % to 100 %, or leave",
        ),
        ("meters", {"minimum": None, "whole": False}, ("decimal", "between", str(-1e15), str(1e15)), "Type a number, or leave"),
        (
            "days", {"minimum": None, "maximum": 184.0}, ("whole", "lessThanOrEqual", "184.0", None),
            "Type a whole number of at most 184",
        ),
    ],
    ids=["count", "ratio", "any number", "maximum"],
)  # fmt: skip
def test_a_number_has_the_limits_of_its_indicator(
    unit: str, values: dict[str, object], expected: tuple[str, str, str, str | None], message: str
) -> None:
    rule = find_rule(open_sheet(replace(CELL, unit=unit), **values), "value")
    found = (
        rule.type,
        rule.operator or "between",
        str(float(rule.formula1 or "")),
        rule.formula2 and str(float(rule.formula2)),
    )
    assert found == expected
    assert str(rule.error).startswith(message)


def test_the_status_of_the_value_before_is_written_out() -> None:
    (row,) = read_rows(open_sheet(replace(CELL, previous_value=None, previous_status="V")))
    assert row["value before"] == "no value (under validation)"
    (row,) = read_rows(open_sheet(replace(CELL, unit="ratio", previous_value=0.375, previous_status="P")))
    assert row["value before"] == "37.5\N{NO-BREAK SPACE}% (provisional)"


def test_a_published_value_of_the_period_is_shown() -> None:
    (row,) = read_rows(open_sheet(replace(CELL, current_value=97.0, current_status="E")))
    assert row["published value"] == "97 (estimated)"
    assert row["value"] is None


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")', "http://example.org"])
def test_text_never_becomes_a_formula_or_a_link(text: str) -> None:
    cell = replace(CELL, title=text, description=text, dimensions={"area": text})
    body = write_template([cell], replace(ROUND, mission_name=text), allow(cell, title=text))
    for sheet in open_book(body).worksheets:
        for row in sheet.iter_rows():
            assert not [cell.coordinate for cell in row if cell.data_type == "f"]
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert b'TargetMode="External"' not in b"".join(archive.read(name) for name in archive.namelist())
    (row,) = read_rows(open_book(body).worksheets[1])
    assert (row["indicator"], row["breakdown"], row["definition"]) == (text, text, text)


def test_titles_become_valid_and_unique_names_of_sheets() -> None:
    cells = [replace(CELL, indicator=f"x{number}") for number in range(4)]
    titles = ["Protection of civilians and of others", "Protection of civilians and of them", "A/B: [C]?*\\", "Instructions"]
    allowed = {cell.indicator: allow(cell, title=title)[cell.indicator] for cell, title in zip(cells, titles, strict=True)}
    assert open_book(write_template(cells, ROUND, allowed)).sheetnames[1:-1] == [
        "Protection of civilians and of ", "Protection of civilians and (2)", "A B   C", "Instructions (2)"
    ]  # fmt: skip


def test_the_same_cells_give_the_same_bytes(application: Application, body: bytes) -> None:
    assert application.read_copy is not None
    with application.read_copy.open_session() as session:
        assert make_template(session, 6, "UNMISS") == body
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        properties = archive.read("docProps/core.xml").decode()
    assert set(re.findall(r"\d{4}-\d\d-\d\dT[\d:]+Z", properties)) == {"2024-10-31T00:00:00Z"}


def test_the_ids_of_missions_and_cycles_differ() -> None:
    def find_id(cell: Cell, described: Round) -> object:
        return read_rows(open_book(write_template([cell], described, allow(cell))).worksheets[1])[0]["id"]

    other = replace(CELL, period_start=date(2024, 11, 1), period_end=date(2025, 4, 30))
    found = [find_id(CELL, ROUND), find_id(CELL, replace(ROUND, mission="UNIFIL")), find_id(other, ROUND)]
    assert len(set(found)) == 3
    assert all(re.fullmatch("r[a-z2-7]{9}", str(text)) for text in found)


def test_a_template_is_written_in_time(application: Application) -> None:
    assert application.read_copy is not None
    with application.read_copy.open_session() as session:
        missions = [name for (name,) in session.execute("select mission from missions").fetchall()]
        seconds = []
        for mission in missions:
            began = time.perf_counter()
            try:
                make_template(session, 6, mission)
            except RoundUnknown:
                continue
            seconds.append(time.perf_counter() - began)
    # A loaded machine takes several times longer than the limit of the bench.
    assert min(seconds) < 1


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (date(2024, 5, 1), date(2024, 10, 31), "May to Oct 2024"),
        (date(2023, 11, 1), date(2024, 4, 30), "Nov 2023 to Apr 2024"),
        (date(2024, 5, 2), date(2024, 10, 31), "2 May 2024 to 31 October 2024"),
    ],
)
def test_a_period_is_written_as_months(first: date, last: date, text: str) -> None:
    assert write_months(first, last) == text


@pytest.mark.parametrize("prefix", ["/api/v1", ""], ids=["API", "page"])
def test_the_template_is_downloaded(client: FlaskClient, body: bytes, prefix: str) -> None:
    answer = client.get(f"{prefix}/rounds/6/UNMISS/template.xlsx")
    assert answer.status_code == 200
    assert answer.data == body
    assert answer.content_type == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a4p-UNMISS-cycle-6.xlsx"'
    again = client.get(f"{prefix}/rounds/6/UNMISS/template.xlsx", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("6/UNMSS", "unknown mission &#39;UNMSS&#39;. Did you mean UNMISS"),
        ("999/UNMISS", "unknown cycle 999"),
        ("6/MINUSMA", "no report is expected from MINUSMA for cycle 6"),
    ],
)
def test_an_unknown_round_has_no_template(client: FlaskClient, path: str, problem: str) -> None:
    page = client.get(f"/rounds/{path}/template.xlsx")
    assert page.status_code == 404
    assert problem in page.text
    answer = client.get(f"/api/v1/rounds/{path}/template.xlsx")
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    assert client.get("/api/v1/rounds/next/UNMISS/template.xlsx").status_code == 404


def test_the_command_writes_the_template(report_dir: Path, body: bytes, tmp_path: Path) -> None:
    written = run_a4p("template", "--mission", "UNMISS", "--cycle", "6", "--data-dir", str(report_dir), cwd=tmp_path)
    assert written.returncode == 0, written.stderr
    file = tmp_path / "a4p-UNMISS-cycle-6.xlsx"
    assert written.stdout == f"{file.name}: template of UNMISS for cycle 6, {len(body):,} bytes\n"
    assert file.read_bytes() == body
    refused = run_a4p("template", "--mission", "UNMSS", "--cycle", "6", "--data-dir", str(report_dir))
    assert (refused.returncode, refused.stderr) == (
        1, "a4p: unknown mission 'UNMSS'. Did you mean UNMISS?\n"
    )  # fmt: skip
