"""The first sheet of a template: how to fill it in."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from xlsxwriter import Workbook

from metrics.languages import write_date
from metrics.values import STATUS_TEXT
from service.rounds.template_format import ID, INSTRUCTIONS, INSTRUCTIONS_TITLE, NOTE, STATUS, VALUE

LABEL_WIDTH, TEXT_WIDTH = 20, 92
LINE_POINTS = 15.0
# Letters of a wide font that fit into the width of a digit.
LETTERS = 1.05
STEPS = (
    f"Fill in the yellow cells only: the columns {VALUE}, {STATUS} and {NOTE}. The other cells are locked.",
    "Type numbers with digits. Type a share as a percentage, such as 37%. Choose yes, no and levels from the list.",
    "Leave a cell empty if you do not have its value yet. Empty cells are not submitted. You can submit them later, in this or "
    "in another file.",
    f"Leave {STATUS} empty for a normal value. Otherwise choose one of the list below. A status without a value explains why "
    "there is none.",
    f"Write in {NOTE} what a reader needs to know, for example why a value differs much from the value before.",
    "Save the file as an Excel workbook (.xlsx) without a password, and upload it on the page of the round. You see what it "
    "would change before anything changes.",
)
HINTS = (
    f"You can delete and move whole rows. Keep the first row of each sheet, and the column {ID}: it identifies the row.",
    "Do not copy rows from the file of another mission or cycle. They are rejected.",
    "Formulas are allowed. Their results are submitted.",
)
STATUS_HELP = {
    "A": "The value is final. An empty status means the same.",
    "E": "The value is an estimate.",
    "P": "The value is preliminary and will be corrected.",
    "V": "The value is not validated yet. The value can be empty.",
    "O": "The value exists but is not available. Leave the value empty.",
    "L": "The mission does not collect this value. Leave the value empty.",
    "M": "The value cannot exist in this mission. Leave the value empty.",
}


def find_height(texts: Iterable[tuple[str, float]]) -> float:
    """Return the height of a row in points, from each text and the width of its column.

    Excel adapts the height of a row when it opens a file, LibreOffice does not.
    """
    lines = (len(textwrap.wrap(text, max(1, int(width * LETTERS)))) for text, width in texts)
    return LINE_POINTS * max(1, *lines)


def write_months(start: date, end: date) -> str:
    """Return a period as its months, such as May to Oct 2024, or as its days if it has parts of months."""
    if start.day != 1 or (end + timedelta(days=1)).day != 1:
        return f"{write_date(start)} to {write_date(end)}"
    first = f"{start:%b}" if start.year == end.year else f"{start:%b} {start.year}"
    return f"{first} to {end:%b} {end.year}"


def add_instructions(
    book: Workbook,
    mission: str,
    cycle: int,
    period: tuple[date, date],
    due: Sequence[date],
    sheets: Sequence[tuple[str, int]],
) -> None:
    """Add the sheet. `sheets` has the name of each further sheet and the number of its rows."""
    sheet = book.add_worksheet(INSTRUCTIONS)
    title = book.add_format({"bold": True, "font_size": 16})
    heading = book.add_format({"bold": True, "font_size": 12, "bottom": 1, "bottom_color": "#1F4E79", "font_color": "#1F4E79"})
    name = book.add_format({"bold": True, "valign": "top"})
    number = book.add_format({"bold": True, "valign": "top", "align": "right", "indent": 1})
    text = book.add_format({"text_wrap": True, "valign": "top"})
    link = book.add_format({"font_color": "#0563C1", "underline": 1, "valign": "top"})
    sheet.set_column(0, 0, LABEL_WIDTH)
    sheet.set_column(1, 1, TEXT_WIDTH)
    sheet.hide_gridlines(2)
    sheet.write_string(0, 0, f"{INSTRUCTIONS_TITLE}{cycle}", title)
    sheet.set_row(0, 26)
    row = 1

    def add_text(words: str) -> None:
        sheet.set_row(row, find_height([(words, TEXT_WIDTH)]))
        sheet.write_string(row, 1, words, text)

    facts = (
        ("Mission", mission),
        ("Cycle", f"{cycle}: {write_date(period[0])} to {write_date(period[1])}"),
        ("Due", ", ".join(write_date(day) for day in due)),
        ("Values", f"{sum(count for _, count in sheets)}, on {len(sheets)} sheet{'s' if len(sheets) > 1 else ''}"),
    )
    for label, fact in facts:
        sheet.write_string(row, 0, label, name)
        add_text(fact)
        row += 1

    def add_heading(words: str) -> int:
        sheet.write_string(row + 1, 0, words, heading)
        sheet.write_blank(row + 1, 1, None, heading)
        return row + 2

    row = add_heading("How to fill it in")
    for position, step in enumerate(STEPS, 1):
        sheet.write_string(row, 0, f"{position}.", number)
        add_text(step)
        row += 1
    row = add_heading("Status")
    for code, help_text in STATUS_HELP.items():
        sheet.write_string(row, 0, f"{code} {STATUS_TEXT[code]}", name)
        add_text(help_text)
        row += 1
    row = add_heading("Good to know")
    for hint in HINTS:
        add_text(hint)
        row += 1
    row = add_heading("Sheets")
    for target, count in sheets:
        quoted = target.replace("'", "''")
        sheet.write_string(row, 0, f"{count} value{'s' if count > 1 else ''}", name)
        sheet.write_url(row, 1, f"internal:'{quoted}'!A1", link, target)
        row += 1
    sheet.protect()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 1)
    sheet.set_landscape()
