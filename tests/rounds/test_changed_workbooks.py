"""Changed templates, each with the values that are read from it and the notes of its preview, or its errors."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from service.errors import LoadError
from tests.rounds.staging import COPY, Stage, place
from tests.rounds.workbook_changes import (
    ALL_INCIDENTS,
    HOSPITALS,
    IMPACT,
    MECHANISM,
    NEW,
    SHEET,
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
from tests.rounds.workbooks import Change, Filled, store_formula_result

NO_BREAK, NARROW = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"
NUMBER_FIX = "type digits, or leave the cell empty; choose status O, L, V or M if there is no value"
COMMA = (
    "may have a comma as thousands separator or as decimal comma; type digits with a decimal point and no thousands separator"
)
DOWNLOAD = "download the template again and copy the values into it"
COLUMNS = "value, status, note, id"


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
