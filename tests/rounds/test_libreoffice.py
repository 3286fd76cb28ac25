"""A template that LibreOffice opened, filled in and saved is read like any other."""

from __future__ import annotations

from pathlib import Path

from service.application import Application
from tests.conftest import Load, Read
from tests.rounds.libreoffice import delete_row, edit_workbook, type_text
from tests.rounds.workbooks import Filled, write_template_of

SHEET, WOMEN = "Capabilities and mindsets", "Women among Peacekeeping-Intelligence Academy trainees"


def test_a_template_filled_in_libreoffice_is_read(application: Application, load: Load, read: Read, tmp_path: Path) -> None:
    body = write_template_of(application, "ALL")
    source, target = tmp_path / "template.xlsx", tmp_path / "filled.xlsx"
    source.write_bytes(body)
    template = Filled(body)
    women, courses = template.find_cell(WOMEN), template.find_cell("Peacekeeping-Intelligence Academy courses")
    status = template.find_cell(WOMEN, "status")
    note = template.find_cell(WOMEN, "note")
    edits = [
        type_text(SHEET, women.coordinate, "37%"),
        type_text(SHEET, status.coordinate, "E estimated"),
        # The cell is formatted as text.
        type_text(SHEET, note.coordinate, "=given by telephone"),
        type_text(SHEET, courses.coordinate, "=2+3"),
        delete_row(SHEET, template.find_row("Peacekeeping-Intelligence Academy trainees", "All")[1]),
    ]
    edit_workbook(source, target, edits, tmp_path)
    (batch,) = load(target)
    cells = len(list(template.book["_a4p"].iter_rows())) - 5
    assert batch.notes == (f"1 of {cells} rows of the template are not in the file", f"2 of {cells} values filled in")
    assert read("select indicator, value, status, note from observations order by all") == [
        ("pki_academy_courses", 5, "A", None),
        ("pki_academy_women_ratio", 0.37, "E", "=given by telephone"),
    ]
