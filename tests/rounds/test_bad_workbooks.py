"""Changed and damaged templates, each with the values that are read from it, the notes of its preview, or its errors."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

import pytest

from service.application import Application
from service.errors import LoadError
from service.loading.load import open_staging, stage_files
from service.loading.request import LoadRequest
from service.queries.sandbox.workbook import Refused
from service.queries.sandbox.xlsx_worker import MODES
from service.rounds.cells import list_cells
from service.rounds.template import Allowed, Round, write_template
from service.rounds.template_format import IDENTITY_SHEET, make_id
from service.warehouse.database import Warehouse
from tests.conftest import NewWarehouse
from tests.rounds.workbook_changes import (
    ALL_INCIDENTS,
    HOSPITALS,
    IMPACT,
    MECHANISM,
    NEW,
    SHEET,
    WOMEN,
    add_sheet,
    change_hidden_mission,
    change_hidden_row,
    change_version,
    copy_empty_sheet,
    copy_sheet,
    delete_header,
    delete_hidden_sheet,
    delete_rows,
    delete_sheet,
    fill,
    format_as,
    insert_column,
    insert_rows_on_top,
    merge,
    merge_titles,
    rename_column,
    rename_sheet,
    repeat_column,
    repeat_row,
    swap_rows,
    swap_titles,
    write_below,
)
from tests.rounds.workbooks import Change, Filled, edit_archive, list_columns, store_formula_result, write_template_of

NO_BREAK, NARROW = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"
NUMBER_FIX = "type digits, or leave the cell empty; choose status O, L, V or M if there is no value"
COMMA = (
    "may have a comma as thousands separator or as decimal comma; type digits with a decimal point and no thousands separator"
)
COPY = "copy the value into the row of its indicator in the template of UNMISS, and delete this row"
DOWNLOAD = "download the template again and copy the values into it"
COLUMNS = "value, status, note, id"


@dataclass
class Staged:
    """What a file was read as: value, status and note by indicator and dimension value."""

    values: dict[tuple[str, str], tuple[float | None, str, str | None]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def warehouse(new_warehouse: NewWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """An empty warehouse with the shipped catalogue; nothing is loaded, files are staged only."""
    with new_warehouse(tmp_path_factory.mktemp("staging") / "data") as opened:
        yield opened


@pytest.fixture(scope="module")
def templates(application: Application) -> dict[str, bytes]:
    """The templates of three missions for cycle 6, and of one for cycle 5."""
    made = {mission: write_template_of(application, mission) for mission in ("UNMISS", "UNIFIL", "ALL")}
    return {**made, "cycle 5": write_template_of(application, cycle=5)}


Stage = Callable[..., Staged]


def run_here(source: IO[bytes], file_name: str, target: IO[bytes], mode: str, *arguments: str) -> dict[str, Any]:
    """Do what the process that reads workbooks does, in this process: starting one takes longer than a test."""
    try:
        with os.fdopen(os.dup(target.fileno()), "wb") as output:
            return json.loads(json.dumps(MODES[mode](source, output, *arguments)))  # type: ignore[no-any-return]
    except Refused as refused:
        raise LoadError(f"{file_name} {refused}") from None


@pytest.fixture
def stage(stage_by_process: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Stages files without the process. Raises LoadError."""
    monkeypatch.setattr("service.loading.readers.xlsx.run_workbook_process", run_here)
    return stage_by_process


@pytest.fixture
def stage_by_process(warehouse: Warehouse) -> Stage:
    """Stages files. Raises LoadError."""

    def stage_all(*files: Path) -> Staged:
        with open_staging(warehouse) as cursor:
            stage_files(cursor, LoadRequest(files=tuple(files), names=tuple(file.name for file in files)))
            rows = cursor.execute(
                "select indicator, array_to_string(map_values(dimensions), ', '), value, status, note from staged order by all"
            ).fetchall()
            notes = cursor.execute("select unnest(notes) from staged_files order by file_ordinal").fetchall()
        return Staged({(row[0], row[1]): row[2:] for row in rows}, [note for (note,) in notes])

    return stage_all


def read_as(text: str, number: str) -> str:
    return f"sheet '{SHEET}', cell H2: '{text}' read as {number}"


# Each is a change of the template of UNMISS, the values that are read, and the notes beside the number of values.
ACCEPTED: dict[str, tuple[Change, dict[tuple[str, str], tuple[float | None, str, str | None]], list[str]]] = {
    "a number": (fill(NEW, 97), {("sofa_incidents_new", ""): (97, "A", None)}, []),
    "a number typed as text": (fill(NEW, "97"), {("sofa_incidents_new", ""): (97, "A", None)}, [read_as("97", "97")]),
    "text with spaces around": (
        fill(NEW, f" 97{NO_BREAK}"), {("sofa_incidents_new", ""): (97, "A", None)}, [read_as("97", "97")],
    ),
    "space as thousands separator": (
        fill(NEW, "1 234"), {("sofa_incidents_new", ""): (1234, "A", None)}, [read_as("1 234", "1234")],
    ),
    "no-break spaces as thousands separators": (
        fill(NEW, f"1{NO_BREAK}234{NARROW}567"), {("sofa_incidents_new", ""): (1234567, "A", None)},
        [read_as(f"1{NO_BREAK}234{NARROW}567", "1234567")],
    ),
    "a date typed as its number": (fill(NEW, 45597), {("sofa_incidents_new", ""): (45597, "A", None)}, []),
    "choices": (
        lambda filled: (filled.fill(MECHANISM, "no"), filled.fill(IMPACT, "High", breakdown="Mandated tasks")),
        {("coordination_mechanism_in_place", ""): (0, "A", None), ("sofa_impact_level", "Mandated tasks"): (3, "A", None)}, [],
    ),
    "true in place of yes": (fill(MECHANISM, True), {("coordination_mechanism_in_place", ""): (1, "A", None)}, []),
    "1 in place of yes": (fill(MECHANISM, 1), {("coordination_mechanism_in_place", ""): (1, "A", None)}, []),
    "a chosen status": (
        fill(NEW, 97, "E estimated", "Two reports are missing."),
        {("sofa_incidents_new", ""): (97, "E", "Two reports are missing.")}, [],
    ),
    "a typed status": (fill(NEW, 97, "p"), {("sofa_incidents_new", ""): (97, "P", None)}, []),
    "a status without a value": (
        fill(NEW, None, "L not collected"), {("sofa_incidents_new", ""): (None, "L", None)}, [],
    ),
    "not applicable to an expected mission": (
        fill(NEW, None, "M not applicable"), {("sofa_incidents_new", ""): (None, "M", None)}, [],
    ),
    "a note that looks like a formula": (
        lambda filled: setattr(filled.fill(NEW, 97, note="x").parent["J2"], "value", "-1 +2"),
        {("sofa_incidents_new", ""): (97, "A", "-1 +2")}, [],
    ),
    "a note alone": (
        fill(NEW, note="Waiting for the liaison office."), {},
        [f"sheet '{SHEET}', cell J2: the note was not read, because the row has no value and no status"],
    ),
    "nothing": (lambda filled: None, {}, []),
    "moved rows": (
        swap_rows, {("sofa_incidents_new", ""): (97, "A", None), ("sofa_incidents_total", ""): (600, "A", None)}, [],
    ),
    "deleted rows": (
        delete_rows, {("coordination_mechanisms", ""): (5, "A", None)},
        ["2 of 25 rows of the template are not in the file"],
    ),
    "a deleted sheet": (
        delete_sheet, {("sofa_incidents_new", ""): (97, "A", None)}, ["6 of 25 rows of the template are not in the file"],
    ),
    "a renamed sheet": (rename_sheet, {("sofa_incidents_new", ""): (97, "A", None)}, []),
    "rows above the header": (insert_rows_on_top, {("sofa_incidents_new", ""): (97, "A", None)}, []),
    "a further column": (insert_column, {("sofa_incidents_new", ""): (97, "A", None)}, []),
    "a further sheet": (
        add_sheet, {("sofa_incidents_new", ""): (97, "A", None)},
        [f"sheet 'Workings' was not read: it has no columns {COLUMNS}"],
    ),
    "an empty copy of a sheet": (copy_empty_sheet, {("sofa_incidents_new", ""): (97, "A", None)}, []),
    "merged titles": (merge_titles, {("sofa_incidents_new", ""): (97, "A", None)}, []),
}  # fmt: skip


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_changed_template_is_read(stage: Stage, templates: dict[str, bytes], tmp_path: Path, name: str) -> None:
    change, values, notes = ACCEPTED[name]
    filled = Filled(templates["UNMISS"])
    change(filled)
    staged = stage(filled.save(tmp_path / "t.xlsx"))
    assert staged.values == values
    assert sorted(staged.notes) == sorted([f"{len(values)} of 25 values filled in", *notes])


def place(cell: str, column: str = "value", sheet: str = SHEET) -> str:
    row = cell.lstrip("ABCDEFGHIJKL")
    return f"t.xlsx, sheet '{sheet}', row {row}, column {column} (cell {cell}):"


# Each is a change of the template of UNMISS, and the errors of its cells.
REJECTED: dict[str, tuple[Change, list[str]]] = {
    "a comma that may be either separator": (fill(NEW, "1,234"), [f"{place('H2')} '1,234' {COMMA}"]),
    "commas as thousands separators": (fill(NEW, "1,234,567"), [f"{place('H2')} '1,234,567' {COMMA}"]),
    "a percentage of a count": (fill(NEW, "37 %"), [f"{place('H2')} '37 %' is not a number; {NUMBER_FIX}"]),
    "words": (fill(NEW, "about 90"), [f"{place('H2')} 'about 90' is not a number; {NUMBER_FIX}"]),
    "a date": (
        fill(NEW, datetime(2024, 10, 31)),
        [f"{place('H2')} '2024-10-31' is a date or a time; format the cell as a number and type the value again"],
    ),
    "a time": (
        format_as(NEW, datetime(2024, 10, 31, 12, 30), "yyyy-mm-dd hh:mm"),
        [f"{place('H2')} '2024-10-31T12:30:00' is a date or a time; format the cell as a number and type the value again"],
    ),
    "a number formatted as a date": (
        format_as(NEW, 45597, "dd.mm.yyyy"),
        [f"{place('H2')} '2024-11-01' is a date or a time; format the cell as a number and type the value again"],
    ),
    "a number formatted as percent": (
        format_as(NEW, 0.37, "0%"),
        [
            f"{place('H2')} '0.37' is not a whole number; "
            "correct the value, or the indicator's minimum, maximum or whole in the catalogue"
        ],
    ),
    "an error of a formula": (
        fill(NEW, "#DIV/0!"), [f"{place('H2')} '#DIV/0!' is an error of a formula; correct the formula, or type the result"],
    ),
    "an error in a note": (
        fill(NEW, 97, note="#REF!"),
        [f"{place('J2', 'note')} '#REF!' is an error of a formula; correct the formula, or type the result"],
    ),
    "a formula without a stored result": (
        fill(NEW, "=40+57"),
        [
            f"{place('H2')} '=40+57' is a formula without a stored result; "
            "open the file in Excel and save it, or type the result"
        ],
    ),
    "a number below the minimum": (
        fill(NEW, -1),
        [
            f"{place('H2')} '-1.0' is below the minimum of 0.0; "
            "correct the value, or the indicator's minimum, maximum or whole in the catalogue"
        ],
    ),
    "another word in place of yes": (
        fill(MECHANISM, "maybe"), [f"{place('H8')} 'maybe' is not yes or no; choose from the list of the cell"],
    ),
    "another level": (
        fill(IMPACT, "none", breakdown="Mandated tasks"),
        [f"{place('H6')} 'none' is not low, medium or high; choose from the list of the cell"],
    ),
    "an unknown status": (
        fill(NEW, 97, "final"),
        [
            f"{place('I2', 'status')} 'final' is not a status; "
            "use A, E or P with a value; O, L or M without; V with or without"
        ],
    ),
    "a value with a status of none": (
        fill(NEW, 97, "O missing"),
        [f"{place('I2', 'status')} 'O' has no value, but the row has one; empty the value, or use A, E, P or V"],
    ),
    "a normal status without a value": (
        fill(NEW, None, "A normal"),
        [
            f"{place('I2', 'status')} 'A' needs a value, but the row has none; "
            "use A, E or P with a value; O, L or M without; V with or without"
        ],
    ),
    "several errors": (
        lambda filled: (filled.fill(NEW, "x"), filled.fill(ALL_INCIDENTS, -5), filled.fill("Field hospitals", "y", "Z")),
        [
            f"{place('H2', sheet=HOSPITALS)} 'y' is not a number; {NUMBER_FIX}",
            f"{place('H2')} 'x' is not a number; {NUMBER_FIX}",
            f"{place('H3')} '-5.0' is below the minimum of 0.0; "
            "correct the value, or the indicator's minimum, maximum or whole in the catalogue",
        ],
    ),
    "merged values": (
        merge, [f"{place('H2')} 'H2:H4' is a range of merged cells; unmerge the cells and fill in each row"],
    ),
    "titles sorted without their values": (
        swap_titles,
        [
            f"{place('A2', 'indicator')} '{ALL_INCIDENTS}' is not the row of its id, which is {NEW}; "
            f"move whole rows only: {DOWNLOAD}"
        ],
    ),
    "a copied row": (
        repeat_row, [f"{place('K20', 'id')} '{{id}}' is also in row 2 of sheet '{SHEET}'; delete one of the two rows"],
    ),
    "a copied sheet": (
        copy_sheet,
        [f"{place('K2', 'id', 'Backup')} '{{id}}' is also in row 2 of sheet '{SHEET}'; delete one of the two rows"],
    ),
    "a value below the table": (write_below, [f"{place('K20', 'id')} (empty) is missing in a row with a value; {COPY}"]),
}  # fmt: skip


@pytest.mark.parametrize("name", REJECTED)
def test_an_error_names_sheet_cell_value_and_fix(stage: Stage, templates: dict[str, bytes], tmp_path: Path, name: str) -> None:
    change, errors = REJECTED[name]
    filled = Filled(templates["UNMISS"])
    identity = str(filled.find_cell(NEW, "id").value)
    change(filled)
    with pytest.raises(LoadError) as caught:
        stage(filled.save(tmp_path / "t.xlsx"))
    assert list(map(str, caught.value.rows)) == [error.replace("{id}", identity) for error in errors]
    for row in caught.value.rows:
        assert f"sheet {row.sheet!r}" in str(row)
        assert f"(cell {row.cell})" in str(row)


# Each is a change of the template of UNMISS that makes its rows unreadable, and the answer.
REFUSED: dict[str, tuple[Change, str]] = {
    "a renamed column": (
        rename_column, f"lacks the column 'value' in row 1 of sheet '{SHEET}'; restore the header",
    ),
    "a repeated column": (repeat_column, f"has two columns 'value' in row 1 of sheet '{SHEET}'; restore the header"),
    "a deleted header": (
        delete_header,
        f"has rows of the template in sheet '{SHEET}', row 1, below no header with the columns {COLUMNS}; "
        f"restore the header, or {DOWNLOAD}",
    ),
    "a deleted hidden sheet": (delete_hidden_sheet, f"is a template without its hidden sheet '_a4p'; {DOWNLOAD}"),
    "a changed hidden row": (change_hidden_row, f"is a template whose hidden sheet '_a4p' was changed; {DOWNLOAD}"),
    "another mission in the hidden sheet": (
        change_hidden_mission, f"is a template whose hidden sheet '_a4p' was changed; {DOWNLOAD}",
    ),
    "another version": (change_version, f"is a template of another version of the service; {DOWNLOAD}"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_template_without_identified_rows_is_refused(
    stage: Stage, templates: dict[str, bytes], tmp_path: Path, name: str
) -> None:
    change, answer = REFUSED[name]
    filled = Filled(templates["UNMISS"])
    change(filled)
    with pytest.raises(LoadError) as caught:
        stage(filled.save(tmp_path / "t.xlsx"))
    assert str(caught.value) == f"t.xlsx {answer}"


def test_the_process_gives_the_same_answer(stage_by_process: Stage, templates: dict[str, bytes], tmp_path: Path) -> None:
    filled = Filled(templates["UNMISS"])
    filled.fill(NEW, "97")
    assert stage_by_process(filled.save(tmp_path / "t.xlsx")).values == {("sofa_incidents_new", ""): (97, "A", None)}
    filled.fill(NEW, "x")
    with pytest.raises(LoadError) as caught:
        stage_by_process(filled.save(tmp_path / "t.xlsx"))
    assert list(map(str, caught.value.rows)) == [f"{place('H2')} 'x' is not a number; {NUMBER_FIX}"]


def test_the_stored_result_of_a_formula_is_read(stage: Stage, templates: dict[str, bytes], tmp_path: Path) -> None:
    filled = Filled(templates["UNMISS"])
    filled.fill(NEW, "=40+57")
    filled.fill(ALL_INCIDENTS, "600")
    file = filled.save(tmp_path / "t.xlsx")
    store_formula_result(file, "40+57", "97")
    staged = stage(file)
    assert staged.values == {
        ("sofa_incidents_new", ""): (97, "A", None), ("sofa_incidents_total", ""): (600, "A", None)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "number", "note"),
    [
        (0.37, 0.37, None),
        ("37 %", 0.37, "'37 %' read as 0.37"),
        ("37,5%", 0.375, "'37,5%' read as 0.375"),
        ("0.37", 0.37, "'0.37' read as 0.37"),
        ("0,37", 0.37, "'0,37' read as 0.37"),
    ],
)
def test_a_share_may_be_typed_as_percent(
    stage: Stage, templates: dict[str, bytes], tmp_path: Path, value: object, number: float, note: str | None
) -> None:
    filled = Filled(templates["ALL"])
    filled.fill(WOMEN, value)
    staged = stage(filled.save(tmp_path / "t.xlsx"))
    assert list(staged.values.values()) == [(pytest.approx(number), "A", None)]
    assert [text.partition(": ")[2] for text in staged.notes if "read as" in text] == ([note] if note else [])


def test_a_share_above_one_is_an_error_with_the_fix(stage: Stage, templates: dict[str, bytes], tmp_path: Path) -> None:
    filled = Filled(templates["ALL"])
    filled.fill(WOMEN, 37)
    with pytest.raises(LoadError, match=r"'37.0' is above the maximum of 1.0; write a ratio, 0.37 for 37 %"):
        stage(filled.save(tmp_path / "t.xlsx"))


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


def test_text_of_any_form_is_staged_unchanged(stage: Stage, templates: dict[str, bytes], tmp_path: Path) -> None:
    note = 'first "line"\nsecond, line; é \N{SNOWMAN}\ttab'
    filled = Filled(templates["UNMISS"])
    filled.fill(NEW, 97, note=f"  {note} ")
    filled.fill(ALL_INCIDENTS, 600, note="returnXhere")
    file = filled.save(tmp_path / "t.xlsx")
    # A carriage return as a reference, which an XML parser does not change.
    edit_archive(file, lambda name, content: content.replace(b"returnXhere", b"return&#13;here"))
    staged = stage(file)
    assert [value[2] for value in staged.values.values()] == [note, "return\nhere"]


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


def test_a_text_longer_than_excel_allows_is_refused(stage: Stage, templates: dict[str, bytes], tmp_path: Path) -> None:
    filled = Filled(templates["UNMISS"])
    filled.fill(NEW, 97, note="longX")
    file = filled.save(tmp_path / "t.xlsx")
    edit_archive(file, lambda name, content: content.replace(b"longX", b"y" * 2_000_000))
    with pytest.raises(LoadError) as caught:
        stage(file)
    assert str(caught.value) == (f"t.xlsx has a text of more than 32,767 characters in cell J2 of sheet '{SHEET}'; shorten it")


@pytest.mark.parametrize("number", ["1E999", "1e-400", "9" * 5000])
def test_a_number_out_of_range_is_an_error_or_zero(
    stage: Stage, templates: dict[str, bytes], tmp_path: Path, number: str
) -> None:
    filled = Filled(templates["UNMISS"])
    filled.fill(NEW, 123454321)
    file = filled.save(tmp_path / "t.xlsx")
    edit_archive(file, lambda name, content: content.replace(b"123454321", number.encode()))
    if number == "1e-400":
        assert stage(file).values == {("sofa_incidents_new", ""): (0, "A", None)}
        return
    with pytest.raises((LoadError, ValueError), match=r"is not finite|is not a number|integer string conversion"):
        stage(file)


def keep(name: str, content: bytes) -> bytes:
    return content


def add_macros(file: Path) -> None:
    edit_archive(file, keep, **{"xl/vbaProject.bin": b"x"})


def make_old_workbook(file: Path) -> None:
    file.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512))


def add_password(file: Path) -> None:
    file.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le"))


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-200])


def add_bomb(file: Path) -> None:
    edit_archive(file, keep, **{"xl/worksheets/sheet99.xml": b" " * (64 << 20)})


def declare_size(file: Path, size: int) -> None:
    """Write another unpacked size of the last sheet into the directory of the archive."""
    content = bytearray(file.read_bytes())
    entry = content.rindex(b"PK\x01\x02", 0, content.rindex(b"xl/worksheets/sheet"))
    content[entry + 24 : entry + 28] = struct.pack("<I", size)
    file.write_bytes(content)


def declare_two_gigabytes(file: Path) -> None:
    declare_size(file, 2_000_000_000)


def hide_bomb(file: Path) -> None:
    add_bomb(file)
    declare_size(file, 1000)


@pytest.mark.parametrize(
    ("damage", "answer"),
    [
        pytest.param(add_macros, "contains macros; save it as .xlsx without macros", id="macros"),
        pytest.param(make_old_workbook, "is an old Excel workbook; save it as .xlsx or CSV", id="xls"),
        pytest.param(add_password, "is protected by a password; save it without one", id="password"),
        pytest.param(truncate, "cannot be read as an Excel workbook", id="truncated"),
        pytest.param(add_bomb, "contains xl/worksheets/sheet99.xml, which unpacks to more than 400 times its size", id="bomb"),
        pytest.param(declare_two_gigabytes, "unpacks to 2.0 GB, more than 1.1 GB; save the sheet as CSV", id="2 GB"),
        pytest.param(hide_bomb, "cannot be read as an Excel workbook (Bad CRC-32", id="bomb of a false size"),
    ],
)
def test_a_damaged_file_is_refused(
    stage_by_process: Stage, templates: dict[str, bytes], tmp_path: Path, damage: Callable[[Path], None], answer: str
) -> None:
    file = tmp_path / "t.xlsx"
    file.write_bytes(templates["UNMISS"])
    damage(file)
    with pytest.raises(LoadError) as caught:
        stage_by_process(file)
    assert str(caught.value).startswith(f"t.xlsx {answer}")
