"""Rows of a template that belong to another template, catalogue or file, or whose identity is forged."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from service.application import Application
from service.errors import LoadError
from service.rounds.cells import list_cells
from service.rounds.template import Allowed, Round, write_template
from service.rounds.template_format import IDENTITY_SHEET, make_id
from tests.rounds.staging import COPY, Stage, place
from tests.rounds.workbook_changes import (
    ALL_INCIDENTS,
    NEW,
    SHEET,
)
from tests.rounds.workbooks import Filled, list_columns


def test_a_row_of_another_mission_is_an_error(stage: Stage, templates: dict[str, bytes], tmp_path: Path) -> None:
    for name in ("UNIFIL", "cycle 5"):
        filled, other = Filled(templates["UNMISS"]), Filled(templates[name])
        other.fill(NEW, 12)
        sheet, row = other.find_row(NEW)
        target = filled.book[SHEET]
        columns = list_columns(target)
        for column, position in list_columns(sheet).items():
            if column in columns:
                target.cell(15, columns[column]).value = sheet.cell(row, position).value  # type: ignore[union-attr]
        with pytest.raises(LoadError) as caught:
            stage(filled.save(tmp_path / "t.xlsx"))
        identity = sheet.cell(row, list_columns(sheet)["id"]).value
        problem = f"is not a row of the template of UNMISS, cycle 6; {COPY}"
        assert [str(error) for error in caught.value.rows] == [f"{place('K15', 'id')} '{identity}' {problem}"]


def test_two_templates_in_one_file_are_refused(stage: Stage, templates: dict[str, bytes], tmp_path: Path) -> None:
    filled, other = Filled(templates["UNMISS"]), Filled(templates["UNIFIL"])
    for source in (other.book[IDENTITY_SHEET], other.book["Integration"]):
        target = filled.book.create_sheet(f"{source.title} (2)")
        for values in source.iter_rows(values_only=True):
            target.append(values)
    with pytest.raises(LoadError) as caught:
        stage(filled.save(tmp_path / "t.xlsx"))
    assert str(caught.value) == "t.xlsx contains two templates (UNMISS, cycle 6 and UNIFIL, cycle 6); send one file for each"


def test_two_files_with_the_same_cell_are_an_error(stage: Stage, templates: dict[str, bytes], tmp_path: Path) -> None:
    for name, value in (("a.xlsx", 97), ("b.xlsx", 98)):
        filled = Filled(templates["UNMISS"])
        filled.fill(NEW, value)
        filled.save(tmp_path / name)
    with pytest.raises(LoadError) as caught:
        stage(tmp_path / "a.xlsx", tmp_path / "b.xlsx")
    (error,) = caught.value.rows
    assert f"has another value than the same cell in row 2 of sheet '{SHEET}' of file 1" in str(error)
    assert str(error).startswith(f"b.xlsx, sheet '{SHEET}', row 2, column indicator (cell A2):")


def write_changed(application: Application, indicator: str, digest: str) -> bytes:
    """Return the template of a catalogue in which an indicator has another name."""
    assert application.read_copy is not None
    with application.read_copy.open_session() as session:
        cells = [
            replace(cell, indicator=indicator) if cell.indicator == "sofa_incidents_new" else cell
            for cell in list_cells(session, 6, "UNMISS")
        ]
    allowed = {cell.indicator: Allowed(cell.indicator, SHEET, None, None, False) for cell in cells}
    return write_template(cells, Round("UNMISS", "UNMISS", 6, date(2024, 5, 1), date(2024, 10, 31), digest), allowed)


def test_a_template_of_another_catalogue_is_read_with_a_note(stage: Stage, application: Application, tmp_path: Path) -> None:
    filled = Filled(write_changed(application, "sofa_incidents_new", "0" * 64))
    filled.fill(NEW, 97)
    staged = stage(filled.save(tmp_path / "t.xlsx"))
    assert staged.values == {("sofa_incidents_new", ""): (97, "A", None)}
    assert "made with another catalogue; its indicators exist" in staged.notes


def test_an_indicator_that_no_longer_exists_is_an_error_if_it_is_filled_in(
    stage: Stage, application: Application, tmp_path: Path
) -> None:
    filled = Filled(write_changed(application, "sofa_incidents_old", "0" * 64))
    filled.fill(ALL_INCIDENTS, 600)
    assert stage(filled.save(tmp_path / "t.xlsx")).values == {("sofa_incidents_total", ""): (600, "A", None)}
    cell = filled.fill(NEW, 97)
    with pytest.raises(LoadError) as caught:
        stage(filled.save(tmp_path / "t.xlsx"))
    (error,) = caught.value.rows
    assert (error.cell, error.value) == (f"A{cell.row}", "sofa_incidents_old")
    assert error.problem == "is not in the catalogue"


def forge(filled: Filled, **changed: str) -> None:
    """Change the identity of a row as a hostile author can, who knows how its id is made."""
    hidden = filled.book[IDENTITY_SHEET]
    shown = filled.find_cell(NEW, "id")
    (row,) = [row for row in hidden.iter_rows() if row[0].value == shown.value]
    names = [cell.value for cell in hidden[5]]
    for name, text in changed.items():
        row[names.index(name)].value = text  # type: ignore[union-attr]
    texts = [str(row[names.index(name)].value or "") for name in ("indicator", "dimensions", "period_start", "period_end")]
    row[0].value = shown.value = make_id("UNMISS", texts[0], texts[1], texts[2], texts[3])  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("changed", "column", "problem"),
    [
        ({"period_start": "soon"}, "period_start", "is not a date from 1900 to 2999"),
        ({"period_end": "2024-13-01"}, "period_end", "is not a date from 1900 to 2999"),
        ({"dimensions": "area=a;area=b"}, "dimensions", "cannot be read"),
        ({"dimensions": "{'area"}, "dimensions", "cannot be read"),
        ({"dimensions": "area=a"}, "dimensions", "names the dimension area, which sofa_incidents_new does not have"),
        ({"period_start": "2024-06-01"}, "period_end", "is not a period of an indicator that is half-yearly"),
        ({"indicator": "'; drop table observations; --"}, "indicator", "is not in the catalogue"),
    ],
)  # fmt: skip
def test_a_forged_identity_is_checked_like_any_row(
    stage: Stage, templates: dict[str, bytes], tmp_path: Path, changed: dict[str, str], column: str, problem: str
) -> None:
    filled = Filled(templates["UNMISS"])
    filled.fill(NEW, 97)
    forge(filled, **changed)
    with pytest.raises(LoadError) as caught:
        stage(filled.save(tmp_path / "t.xlsx"))
    assert (column, problem) in [(error.column.split()[0], error.problem) for error in caught.value.rows]
