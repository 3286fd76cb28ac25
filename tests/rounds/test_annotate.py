"""A faulty workbook comes back with comments on its cells."""

from __future__ import annotations

import io
import random
from pathlib import Path

import openpyxl
import pytest

from service.application import Application
from service.errors import LoadError, RowError
from service.rounds.annotate import annotate
from service.rounds.template_format import IDENTITY_SHEET
from tests.conftest import GOOD_ROW, Load, Read
from tests.rounds.workbooks import Filled, edit_archive, write_template_of

NEW, MECHANISM = "New SOFA or SOMA incidents", "Coordination mechanism with host country in place"
SHEET = "Host country cooperation"
RED = "00FFC7CE"


@pytest.fixture(scope="module")
def template(application: Application) -> bytes:
    return write_template_of(application)


def refuse(load: Load, file: Path) -> tuple[RowError, ...]:
    with pytest.raises(LoadError) as caught:
        load(file)
    return caught.value.rows


def test_each_faulty_cell_has_a_comment_and_other_content_remains(load: Load, template: bytes, tmp_path: Path) -> None:
    filled = Filled(template)
    filled.fill(NEW, "1,234", note="=1+1")
    filled.fill(MECHANISM, "maybe")
    file = filled.save(tmp_path / "t.xlsx")
    errors = refuse(load, file)
    book = openpyxl.load_workbook(io.BytesIO(annotate(file.read_bytes(), errors, "t.xlsx")))
    sheet = book[SHEET]
    marked = {cell.coordinate: cell for row in sheet.iter_rows() for cell in row if cell.comment is not None}
    assert set(marked) == {"H2", "J2", "H8"} == {error.cell for error in errors}
    assert marked["H8"].comment.text == "'maybe' is not yes or no.\nChoose from the list of the cell."
    assert {cell.fill.fgColor.rgb for cell in marked.values()} == {RED}
    assert (sheet["H2"].value, sheet["J2"].value, sheet["H8"].value) == ("1,234", "=1+1", "maybe")
    assert book.active.title == SHEET
    assert sheet.protection.sheet and not sheet["H2"].protection.locked
    assert sheet.data_validations.count == filled.book[SHEET].data_validations.count
    assert book[IDENTITY_SHEET].sheet_state == "veryHidden"


def test_a_corrected_workbook_loads_and_loses_its_earlier_comments(
    load: Load, read: Read, template: bytes, tmp_path: Path
) -> None:
    filled = Filled(template)
    filled.fill(NEW, "many")
    filled.fill(MECHANISM, "maybe")
    file = filled.save(tmp_path / "t.xlsx")
    file.write_bytes(annotate(file.read_bytes(), refuse(load, file), "t.xlsx"))
    corrected = Filled(file.read_bytes())
    corrected.fill(NEW, 97)
    errors = refuse(load, corrected.save(file))
    again = Filled(annotate(file.read_bytes(), errors, "t.xlsx"))
    assert again.find_cell(NEW).comment is None
    assert again.find_cell(NEW).fill.fgColor.rgb == "00FFF8DC"
    assert again.find_cell(MECHANISM).comment is not None
    again.fill(MECHANISM, "no")
    load(again.save(file))
    assert read("select indicator, value from observations order by all") == [
        ("coordination_mechanism_in_place", 0), ("sofa_incidents_new", 97)
    ]  # fmt: skip


def test_a_comment_on_a_merged_range_is_on_its_first_cell(load: Load, template: bytes, tmp_path: Path) -> None:
    filled = Filled(template)
    filled.fill(NEW, 97)
    filled.book[SHEET].merge_cells("G2:H3")
    file = filled.save(tmp_path / "t.xlsx")
    book = openpyxl.load_workbook(io.BytesIO(annotate(file.read_bytes(), refuse(load, file), "t.xlsx")))
    assert "merged cells" in book[SHEET]["G2"].comment.text


def test_another_workbook_gets_comments_too(load: Load, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Data"
    book.active.append(list(GOOD_ROW))
    book.active.append(list({**GOOD_ROW, "value": "many"}.values()))
    file = tmp_path / "rows.xlsx"
    book.save(file)
    errors = refuse(load, file)
    marked = openpyxl.load_workbook(io.BytesIO(annotate(file.read_bytes(), errors, "rows.xlsx")))
    assert "'many' is not a number." in marked["Data"]["E2"].comment.text


def test_a_large_workbook_is_refused(template: bytes, tmp_path: Path) -> None:
    file = tmp_path / "large.xlsx"
    file.write_bytes(template)
    edit_archive(file, lambda name, content: content, **{"xl/media/picture.png": random.Random(1).randbytes(11 << 20)})
    with pytest.raises(LoadError) as caught:
        annotate(file.read_bytes(), [], "large.xlsx")
    sentence = "is too large for comments on its cells; correct the cells in the list of errors"
    assert str(caught.value) == f"large.xlsx {sentence}"


def test_a_file_that_is_not_a_workbook_is_refused() -> None:
    with pytest.raises(LoadError, match="cannot be read as an Excel workbook"):
        annotate(b"indicator,mission\n", [], "t.csv")
