"""Excel workbooks: supported content, errors with their cell, and protection of the service from hostile workbooks."""

from __future__ import annotations

import os
import random
import zipfile
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from service.errors import LoadError
from service.loading.load import load_files
from service.loading.readers.columns import KNOWN
from service.loading.request import LoadRequest
from service.warehouse.database import Warehouse
from tests.conftest import GOOD_ROW, Clock, Load, Read, Refuse
from tests.published_report import copy_report
from tests.rounds.workbooks import edit_archive
from tests.service_process import ServiceProcess, call_a4p, get

RATIO = "women_heads_and_deputies_ratio"
LETTERS = "ABCDEFGHIJ"
WriteXlsx = Callable[..., Path]


def measure_processor_time() -> float:
    """Return the seconds that this process and its ended children have worked: a busy machine does not lengthen them."""
    return sum(os.times()[:4])


@pytest.fixture
def write_xlsx(tmp_path: Path) -> WriteXlsx:
    """Writes a workbook with a sheet of rows, each a good row but for what it names."""

    def write(name: str, *rows: dict[str, object], header: tuple[str, ...] = KNOWN, sheet: str = "Data") -> Path:
        book = openpyxl.Workbook()
        book.active.title = sheet
        book.active.append(header)
        for row in rows:
            book.active.append([{**GOOD_ROW, **row}.get(column) for column in KNOWN])
        book.save(tmp_path / name)
        return tmp_path / name

    return write


def test_a_sheet_is_read_with_dates_and_numbers_of_excel(load: Load, read: Read, write_xlsx: WriteXlsx) -> None:
    period = {"period_start": datetime(2023, 11, 1), "period_end": date(2024, 4, 30)}
    file = write_xlsx(
        "a.xlsx", {**period, "value": 97, "page": 2}, {**period, "indicator": RATIO, "mission": "ALL", "value": 0.37}
    )
    (batch,) = load(file)
    assert (batch.file_name, batch.new_observations) == (str(file), 2)
    assert read("select period_start::varchar, period_end::varchar, value, page from observations order by value") == [
        ("2023-11-01", "2024-04-30", 0.37, "15"),
        ("2023-11-01", "2024-04-30", 97.0, "2"),
    ]


def test_a_cell_shown_as_percent_is_a_ratio(load: Load, read: Read, tmp_path: Path) -> None:
    file = tmp_path / "percent.xlsx"
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, KNOWN)
        row = {**GOOD_ROW, "indicator": RATIO, "mission": "ALL"}
        for column, name in enumerate(KNOWN):
            sheet.write(1, column, row.get(name, ""))
        sheet.write_number(1, KNOWN.index("value"), 0.37, book.add_format({"num_format": "0 %"}))
    load(file)
    assert read("select value from observations") == [(0.37,)]


def test_text_cells_may_contain_german_dates_and_numbers(load: Load, read: Read, write_xlsx: WriteXlsx) -> None:
    row = {"indicator": RATIO, "mission": "ALL", "period_start": "01.11.2023", "period_end": "30.04.2024", "value": "0,37"}
    (batch,) = load(write_xlsx("german.xlsx", row))
    assert batch.notes == ("dates read as dd.mm.yyyy", "decimal comma")
    assert read("select value from observations") == [(0.37,)]


def test_text_of_several_lines_with_quotes_is_read_unchanged(load: Load, read: Read, write_xlsx: WriteXlsx) -> None:
    load(write_xlsx("text.xlsx", {"note": 'two\nlines; "quoted", é'}, {"mission": "UNIFIL"}))
    assert read("select note from observations where mission = 'UNMISS'") == [('two\nlines; "quoted", é',)]


def test_a_carriage_return_is_a_line_end(load: Load, read: Read, tmp_path: Path, write_xlsx: WriteXlsx) -> None:
    file = write_xlsx("return.xlsx", {"note": "oneXtwoX3"}, {"mission": "UNIFIL"})
    edit_archive(file, lambda name, content: content.replace(b"oneXtwoX3", b"one&#13;two&#13;&#10;3"))
    load(file)
    assert read("select note from observations where mission = 'UNMISS'") == [("one\ntwo\n3",)]


def edit_sheet(file: Path, before: str, after: str) -> None:
    """Replace a text that stands once in the first sheet of a workbook."""
    name = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(file) as archive:
        entries = {entry: archive.read(entry) for entry in archive.namelist()}
    assert entries[name].count(before.encode()) == 1
    entries[name] = entries[name].replace(before.encode(), after.encode())
    with zipfile.ZipFile(file, "w") as archive:
        for entry, content in entries.items():
            archive.writestr(entry, content)


def test_the_stored_value_of_a_formula_is_read(load: Load, read: Read, tmp_path: Path) -> None:
    file = tmp_path / "formula.xlsx"
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet("Data")
        sheet.write_row(0, 0, KNOWN)
        for column, name in enumerate(KNOWN):
            sheet.write(1, column, GOOD_ROW.get(name, ""))
        sheet.write_formula(1, KNOWN.index("value"), "=40+57", None, 97)
        sheet.write_formula(1, KNOWN.index("note"), '=IF(1=1,"","x")', None, "")
    # As Excel writes it: a formula that gives an empty text is of the type str.
    cell = f'<c r="{LETTERS[KNOWN.index("note")]}2"'
    edit_sheet(file, f"{cell}>", f'{cell} t="str">')
    load(file)
    assert read("select value, note from observations") == [(97.0, None)]


def test_an_error_names_sheet_and_cell(refuse: Refuse, write_xlsx: WriteXlsx) -> None:
    file = write_xlsx("bad.xlsx", {}, {"mission": "UNIFIL", "value": "many"}, sheet="SOFA")
    letter = LETTERS[KNOWN.index("value")]
    assert [str(error) for error in refuse(file).rows] == [
        f"{file}, sheet 'SOFA', row 3, column value (cell {letter}3): 'many' is not a number; "
        "write digits with a decimal point, or leave it empty with status O, L, V or M"
    ]


def test_blank_rows_count(refuse: Refuse, write_xlsx: WriteXlsx) -> None:
    blank = dict.fromkeys(KNOWN)
    file = write_xlsx("blank.xlsx", {"note": "two\nlines"}, blank, blank, {"mission": "UNIFIL", "value": -1})
    assert [error.row for error in refuse(file).rows] == [5]


def test_a_file_with_the_last_row_of_a_sheet_is_read(load: Load, read: Read, write_xlsx: WriteXlsx) -> None:
    # As LibreOffice writes it.
    file = write_xlsx("last.xlsx", {}, dict.fromkeys(KNOWN), {"mission": "UNIFIL"})
    edit_sheet(file, "</sheetData>", '<row r="1048576"/></sheetData>')
    began = measure_processor_time()
    load(file)
    assert read("select mission from observations order by all") == [("UNIFIL",), ("UNMISS",)]
    assert measure_processor_time() - began < 10


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("=1+1", "has a formula without a stored value in cell {cell} of sheet 'Data'; open the file in Excel and save it"),
        ("#DIV/0!", "has the error #DIV/0! in cell {cell} of sheet 'Data'; fix the formula"),
    ],
)
def test_a_formula_without_a_value_is_refused(refuse: Refuse, write_xlsx: WriteXlsx, value: str, problem: str) -> None:
    file = write_xlsx("formula.xlsx", {"value": value})
    assert str(refuse(file)) == f"{file} {problem.format(cell=LETTERS[KNOWN.index('value')] + '2')}"


def test_a_value_beside_the_columns_is_refused(refuse: Refuse, write_xlsx: WriteXlsx) -> None:
    file = write_xlsx("beside.xlsx", {"note": "x"}, header=KNOWN[:-1])
    assert str(refuse(file)).startswith(f"{file} has a value in cell J2 of sheet 'Data', a column without a header")


def test_headers_are_read_in_any_case(load: Load, write_xlsx: WriteXlsx) -> None:
    (batch,) = load(write_xlsx("header.xlsx", {}, header=tuple(name.replace("_", "\n").title() for name in KNOWN)))
    assert batch.new_observations == 1


@pytest.fixture
def two_sheets(tmp_path: Path) -> Path:
    book = openpyxl.Workbook()
    book.active.title = "First"
    for sheet, mission in ((book.active, "UNMISS"), (book.create_sheet("Second"), "MONUSCO")):
        sheet.append(KNOWN)
        sheet.append([{**GOOD_ROW, "mission": mission}.get(column) for column in KNOWN])
    book.save(tmp_path / "two.xlsx")
    return tmp_path / "two.xlsx"


def test_each_sheet_of_a_workbook_is_loaded_separately(
    warehouse: Warehouse, read: Read, two_sheets: Path, clock: Clock
) -> None:
    def load(sheet: str | None) -> str:
        return str(load_files(warehouse, LoadRequest(files=(two_sheets,), loaded_by="the tests", sheet=sheet), clock=clock)[0])

    assert "1 new observations" in load(None)
    assert read("select mission from observations") == [("UNMISS",)]
    assert load("Second") == f"{two_sheets}, sheet 'Second': batch 2, 1 new observations, 0 revisions, 0 unchanged"
    assert "the same file was loaded" in load("Second")
    assert "the same file was loaded" in load(None)
    assert read("select mission from observations order by all") == [("MONUSCO",), ("UNMISS",)]


def test_an_unknown_sheet_is_rejected_with_the_existing_names(warehouse: Warehouse, two_sheets: Path) -> None:
    with pytest.raises(LoadError) as caught:
        load_files(warehouse, LoadRequest(files=(two_sheets,), loaded_by="the tests", sheet="Third"))
    assert str(caught.value) == f"{two_sheets} has no sheet 'Third'; it has 'First', 'Second'"


def test_a_sheet_of_a_csv_file_is_refused(warehouse: Warehouse, write_csv: Callable[..., Path]) -> None:
    file = write_csv("a.csv", {})
    with pytest.raises(LoadError, match="Remove --sheet"):
        load_files(warehouse, LoadRequest(files=(file,), loaded_by="the tests", sheet="Data"))


def write_zip(file: Path, **entries: str) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in entries.items():
            archive.writestr(name, text)
    return file


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ({"sheet.csv": "x"}, "is a ZIP archive but not an Excel workbook; unpack it, or save the sheet as .xlsx or CSV"),
        ({"xl/workbook.bin": "x"}, "is a binary workbook (.xlsb); save it as .xlsx"),
        ({"xl/workbook.xml": "x", "xl/vbaProject.bin": "x"}, "contains macros; save it as .xlsx without macros"),
        ({"xl/workbook.xml": "x"}, "cannot be read as an Excel workbook"),
    ],
)
def test_an_archive_that_is_not_a_workbook_is_rejected(
    refuse: Refuse, tmp_path: Path, entries: dict[str, str], problem: str
) -> None:
    file = write_zip(tmp_path / "other.xlsx", **entries)
    assert str(refuse(file)).startswith(f"{file} {problem}")


def test_a_truncated_workbook_is_rejected(refuse: Refuse, write_xlsx: WriteXlsx) -> None:
    file = write_xlsx("cut.xlsx", {})
    file.write_bytes(file.read_bytes()[:-300])
    assert str(refuse(file)).startswith(f"{file} cannot be read as an Excel workbook")


def test_a_protected_workbook_is_refused(refuse: Refuse, tmp_path: Path) -> None:
    file = tmp_path / "protected.xlsx"
    file.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le"))
    assert str(refuse(file)) == f"{file} is protected by a password; save it without one"


def test_a_zip_bomb_is_rejected_and_the_service_continues(tmp_path: Path) -> None:
    bomb = write_zip(tmp_path / "bomb.xlsx", **{"xl/workbook.xml": "x", "xl/worksheets/sheet1.xml": " " * (400 << 20)})
    assert bomb.stat().st_size < 1 << 20
    with ServiceProcess(copy_report(tmp_path / "data")) as service:
        url = service.wait_until_ready()
        refused = call_a4p("load", str(bomb), "--data-dir", str(tmp_path / "data"))
        assert refused.returncode == 1
        assert "unpacks to more than 400 times its size" in refused.stderr
        assert get(f"{url}/-/healthy")[0] == 200


def test_a_reader_that_needs_too_much_memory_is_ended(refuse: Refuse, tmp_path: Path) -> None:
    # Below the limits of unpacking, but more text than the reader may hold.
    whole, file = tmp_path / "whole.xlsx", tmp_path / "strings.xlsx"
    with xlsxwriter.Workbook(whole) as book:
        book.add_worksheet().write_row(0, 0, KNOWN)
    numbers = random.Random(1)
    text = "".join(f"{numbers.getrandbits(32):08x}" + "a" * 192 for _ in range(330))
    namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in source.namelist():
            if name != "xl/sharedStrings.xml":
                archive.writestr(name, source.read(name))
        with archive.open("xl/sharedStrings.xml", "w") as strings:
            strings.write(f'<sst xmlns="{namespace}">'.encode())
            for _ in range(9000):
                strings.write(f"<si><t>{text}</t></si>".encode())
            strings.write(b"</sst>")
    error = str(refuse(file))
    assert "memory" in error
    assert error.endswith("save the sheet as CSV")


def test_a_large_sheet_is_read_in_time(load: Load, tmp_path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Data")
    sheet.append(KNOWN)
    for number in range(20_000):
        day = date(1990, 1, 1) + timedelta(days=number // 5)
        mission = ("UNMISS", "MONUSCO", "UNIFIL", "UNISFA", "UNDOF")[number % 5]
        row = {**GOOD_ROW, "indicator": "explosive_items_destroyed", "mission": mission, "period_start": day, "period_end": day}
        sheet.append([row.get(column) for column in KNOWN])
    book.save(tmp_path / "large.xlsx")
    began = measure_processor_time()
    (batch,) = load(tmp_path / "large.xlsx")
    assert batch.new_observations == 20_000
    assert measure_processor_time() - began < 15
