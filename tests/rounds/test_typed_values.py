"""Values and texts as users type them into a template."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.errors import LoadError
from tests.rounds.staging import Stage
from tests.rounds.workbook_changes import (
    ALL_INCIDENTS,
    NEW,
    SHEET,
    WOMEN,
)
from tests.rounds.workbooks import Filled, edit_archive


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
