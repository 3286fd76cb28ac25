"""Changes of a filled template: rows, columns and sheets moved, deleted, repeated or renamed, and cells filled in."""

from __future__ import annotations

from copy import copy
from typing import Any

from openpyxl.worksheet.worksheet import Worksheet

from service.rounds.template_format import IDENTITY_SHEET
from tests.rounds.workbooks import Change, Filled, list_columns

NEW, ALL_INCIDENTS, MECHANISMS = (
    "New SOFA or SOMA incidents",
    "All SOFA or SOMA incidents on record",
    "Host country coordination mechanisms",
)
MECHANISM, IMPACT = "Coordination mechanism with host country in place", "Impact of SOFA or SOMA incidents"
SHEET, HOSPITALS = "Host country cooperation", "Accountability to peacekeepers"
WOMEN = "Women among Peacekeeping-Intelligence Academy trainees"


def move_row(sheet: Worksheet, source: int, target: int) -> None:
    for cell in sheet[source]:
        moved: Any = sheet.cell(target, cell.column)
        moved.value, moved._style = cell.value, copy(cell._style)


def swap_rows(filled: Filled) -> None:
    filled.fill(NEW, 97)
    filled.fill(ALL_INCIDENTS, 600)
    sheet = filled.book[SHEET]
    last = sheet.max_row + 1
    for source, target in ((2, last), (3, 2), (last, 3)):
        move_row(sheet, source, target)
    sheet.delete_rows(last)


def swap_titles(filled: Filled) -> None:
    filled.fill(NEW, 97)
    sheet = filled.book[SHEET]
    first, second = sheet.cell(2, 1), sheet.cell(3, 1)
    first.value, second.value = second.value, first.value  # type: ignore[union-attr]


def delete_rows(filled: Filled) -> None:
    filled.fill(MECHANISMS, 5)
    filled.book[SHEET].delete_rows(2, 2)


def insert_rows_on_top(filled: Filled) -> None:
    filled.fill(NEW, 97)
    filled.book[SHEET].insert_rows(1, 3)
    filled.book[SHEET]["A1"] = "Filled in by A. Officer"


def insert_column(filled: Filled) -> None:
    filled.fill(NEW, 97)
    filled.book[SHEET].insert_cols(2)
    filled.book[SHEET]["B1"] = "comments of ours"
    filled.book[SHEET]["B2"] = "see the annex"


def repeat_row(filled: Filled) -> None:
    filled.fill(NEW, 97)
    move_row(filled.book[SHEET], 2, 20)


def copy_sheet(filled: Filled) -> None:
    filled.fill(NEW, 97)
    filled.book.copy_worksheet(filled.book[SHEET]).title = "Backup"


def copy_empty_sheet(filled: Filled) -> None:
    filled.book.copy_worksheet(filled.book[SHEET]).title = "Backup"
    filled.fill(NEW, 97)


def write_below(filled: Filled) -> None:
    filled.fill(NEW, 97)
    filled.book[SHEET].cell(20, list_columns(filled.book[SHEET])["value"]).value = 12  # type: ignore[union-attr]


def add_sheet(filled: Filled) -> None:
    filled.fill(NEW, 97)
    filled.book.create_sheet("Workings").append(["value", 1, 2])


def merge(filled: Filled) -> None:
    filled.fill(NEW, 97)
    filled.book[SHEET].merge_cells("H2:H4")


def merge_titles(filled: Filled) -> None:
    filled.fill(NEW, 97)
    filled.book[SHEET].merge_cells("A4:A6")


def delete_sheet(filled: Filled) -> None:
    filled.fill(NEW, 97)
    del filled.book[HOSPITALS]


def rename_sheet(filled: Filled) -> None:
    filled.fill(NEW, 97)
    filled.book[SHEET].title = "SOFA"


def rename_column(filled: Filled) -> None:
    filled.fill(NEW, 97)
    filled.book[SHEET]["H1"] = "Value of cycle 6"


def delete_header(filled: Filled) -> None:
    filled.fill(NEW, 97)
    filled.book[SHEET].delete_rows(1)


def repeat_column(filled: Filled) -> None:
    filled.book[SHEET]["L1"] = "value"


def delete_hidden_sheet(filled: Filled) -> None:
    filled.fill(NEW, 97)
    del filled.book[IDENTITY_SHEET]


def change_hidden_row(filled: Filled) -> None:
    filled.book[IDENTITY_SHEET]["B8"] = "sofa_incidents_new"


def change_hidden_mission(filled: Filled) -> None:
    filled.book[IDENTITY_SHEET]["B2"] = "UNIFIL"


def change_version(filled: Filled) -> None:
    filled.book[IDENTITY_SHEET]["B1"] = "2"


def fill(title: str, value: object = None, status: str | None = None, note: object = None, **rest: str) -> Change:
    return lambda filled: filled.fill(title, value, status, note, **rest)


def format_as(title: str, value: object, number_format: str) -> Change:
    def change(filled: Filled) -> None:
        filled.fill(title, value).number_format = number_format

    return change
