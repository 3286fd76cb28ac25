"""The workbook that a mission fills in: a sheet for each priority, and a row for each value that it has to report."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import groupby

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from metrics.languages import ENGLISH, use_language
from metrics.values import LEVELS, STATUS_TEXT, write_value
from service.rounds.cells import Cell, list_cells
from service.rounds.template_format import (
    BREAKDOWN,
    HEADER_KEYS,
    ID,
    IDENTITY_COLUMNS,
    IDENTITY_SHEET,
    INPUT_COLOR,
    INPUT_COLUMNS,
    INSTRUCTIONS,
    NOTE,
    STATUS,
    TITLE,
    VALUE,
    VERSION,
    YES_AND_NO,
    make_id,
    write_dimensions,
)
from service.rounds.template_instructions import LINE_POINTS, add_instructions, find_height, write_months
from service.warehouse.database import Connection, read_objects, run_sql

MAX_SHEET_NAME = 31
HEADER_COLOR, ID_COLOR = "#1F4E79", "#9A9A9A"
STATUS_LIST = [f"{code} {text}" for code, text in STATUS_TEXT.items()]
UNITS = {
    "count": "number",
    "ratio": "percent",
    "days": "days",
    "meters": "metres",
    "square_meters": "square metres",
    "boolean": "yes or no",
    "level": ", ".join(LEVELS.values()),
}
NUMBER_FORMATS = {"ratio": "0.0%", "meters": "#,##0.##", "square_meters": "#,##0.##"}
WIDTHS = {
    TITLE: 25, BREAKDOWN: 16, "definition": 42, "period": 11, "unit": 10, "value before": 12, "period before": 11,
    "published value": 12, VALUE: 12, STATUS: 17, NOTE: 30, ID: 10,
}  # fmt: skip
MAX_NOTE_LENGTH = 2000


@dataclass(frozen=True)
class Round:
    """The round of a mission, with the SHA-256 of the catalogue."""

    mission: str
    mission_name: str
    cycle: int
    period_start: date
    period_end: date
    catalogue_digest: str


@dataclass(frozen=True)
class Allowed:
    """The title of the priority of an indicator, and the values that the indicator allows."""

    indicator: str
    priority_title: str
    minimum: float | None
    maximum: float | None
    whole: bool


def make_template(session: Connection, cycle: int, mission: str) -> bytes:
    """Return the workbook of a round. Raises RoundUnknown as `list_cells` does."""
    cells = list_cells(session, cycle, mission)
    (described,) = read_objects(run_sql(session, "rounds/describe_round", cycle=cycle, mission=mission), Round)
    allowed = read_objects(run_sql(session, "rounds/list_allowed_values"), Allowed)
    return write_template(cells, described, {entry.indicator: entry for entry in allowed})


def name_template(cycle: int, mission: str) -> str:
    """Return the file name of a template."""
    return f"a4p-{mission}-cycle-{cycle}.xlsx"


def write_template(cells: Sequence[Cell], described: Round, allowed: Mapping[str, Allowed]) -> bytes:
    """Return the workbook for these cells. The same arguments give the same bytes.

    `allowed` has an entry for each indicator of the cells.
    """
    # The reader of templates knows English texts only.
    with use_language(ENGLISH):
        return _write_template(cells, described, allowed)


def _write_template(cells: Sequence[Cell], described: Round, allowed: Mapping[str, Allowed]) -> bytes:
    stream = io.BytesIO()
    book = Workbook(stream, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    title = f"A4P+ values of {described.mission}, cycle {described.cycle}"
    # The end of the cycle, not the time of writing: the same cells give the same bytes.
    book.set_properties({"title": title, "created": datetime.combine(described.period_end, time())})
    by_priority = [
        (name, list(group)) for name, group in groupby(cells, key=lambda cell: allowed[cell.indicator].priority_title)
    ]
    names = _name_sheets([name for name, _ in by_priority])
    due = sorted({cell.due_on for cell in cells})
    add_instructions(book, described.mission_name, described.cycle, (described.period_start, described.period_end), due,
                     list(zip(names, (len(group) for _, group in by_priority), strict=True)))  # fmt: skip
    writer = _Writer(book, described)
    for (heading, group), name in zip(by_priority, names, strict=True):
        writer.add_sheet(name, heading, group, allowed)
    writer.add_identities()
    book.close()
    return stream.getvalue()


def _name_sheets(titles: Sequence[str]) -> list[str]:
    """Return a valid and unique sheet name for each title."""
    names: list[str] = []
    taken = {INSTRUCTIONS.lower(), IDENTITY_SHEET, "history"}
    for title in titles:
        base = "".join(" " if character in "[]:*?/\\" else character for character in title).strip(" '") or "Priority"
        name, number = base[:MAX_SHEET_NAME], 1
        while name.lower() in taken:
            number += 1
            suffix = f" ({number})"
            name = base[: MAX_SHEET_NAME - len(suffix)] + suffix
        taken.add(name.lower())
        names.append(name)
    return names


class _Writer:
    """A template being written: its formats, and the identities of the rows so far."""

    def __init__(self, book: Workbook, described: Round) -> None:
        self.book = book
        self.described = described
        self.identities: list[tuple[str, ...]] = []
        frame = {"valign": "top", "text_wrap": True, "border": 1, "border_color": "#C8C8C8"}
        self.text = book.add_format(frame)
        self.strong = book.add_format({**frame, "bold": True})
        self.right = book.add_format({**frame, "align": "right", "indent": 1})
        self.id = book.add_format({**frame, "font_size": 8, "font_color": ID_COLOR})
        head = {**frame, "bold": True, "font_color": "white", "bg_color": HEADER_COLOR}
        self.head = book.add_format(head)
        self.input_head = book.add_format({**head, "font_color": "black", "bg_color": "#FFD966"})
        self.input_frame = {**frame, "locked": False, "bg_color": f"#{INPUT_COLOR}", "border_color": "#BF9000"}
        self.input_text = book.add_format({**self.input_frame, "num_format": "@"})
        self._inputs: dict[str, Format] = {}

    def find_input(self, unit: str) -> Format:
        """Return the format of a value to fill in."""
        code = NUMBER_FORMATS.get(unit, "General" if unit in ("boolean", "level") else "#,##0")
        if code not in self._inputs:
            self._inputs[code] = self.book.add_format({**self.input_frame, "num_format": code, "align": "right", "indent": 1})
        return self._inputs[code]

    def add_sheet(self, name: str, heading: str, cells: Sequence[Cell], allowed: Mapping[str, Allowed]) -> None:
        """Add the sheet of a priority."""
        sheet = self.book.add_worksheet(name)
        empty = set() if any(cell.dimensions for cell in cells) else {BREAKDOWN}
        empty |= set() if any(cell.current_status for cell in cells) else {"published value"}
        columns = [column for column in WIDTHS if column not in empty]
        at = {column: position for position, column in enumerate(columns)}
        sheet.set_row(0, 2 * LINE_POINTS)
        for column, position in at.items():
            is_input = column in INPUT_COLUMNS
            sheet.set_column(position, position, WIDTHS[column])
            sheet.write_string(0, position, column, self.input_head if is_input else self.head)
        for row, cell in enumerate(cells, 1):
            self._add_row(sheet, row, at, cell)
            _restrict_value(sheet, row, at[VALUE], cell, allowed[cell.indicator])
        last = len(cells)
        sheet.data_validation(1, at[STATUS], last, at[STATUS], {
            "validate": "list", "source": STATUS_LIST, "error_title": "Unknown status",
            "error_message": "Choose a status from the list, or leave the cell empty for a normal value.",
        })  # fmt: skip
        sheet.data_validation(1, at[NOTE], last, at[NOTE], {
            "validate": "length", "criteria": "<=", "value": MAX_NOTE_LENGTH, "error_title": "Note too long",
            "error_message": f"A note has at most {MAX_NOTE_LENGTH:,} characters.",
        })  # fmt: skip
        sheet.protect("", {"format_columns": True, "format_rows": True, "sort": True, "autofilter": True})
        sheet.freeze_panes(1, 1)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.print_area(0, 0, last, at[NOTE])
        sheet.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.6)
        code = "&"
        sheet.set_header(f"&L{self.described.mission}, cycle {self.described.cycle}&R{heading.replace(code, code * 2)}")
        sheet.set_footer("&RPage &P of &N")
        sheet.set_selection(1, at[VALUE], 1, at[VALUE])

    def _add_row(self, sheet: Worksheet, row: int, at: Mapping[str, int], cell: Cell) -> None:
        period = (cell.period_start, cell.period_end)
        dimensions = write_dimensions(cell.dimensions)
        identity = make_id(self.described.mission, cell.indicator, dimensions, *(day.isoformat() for day in period))
        breakdown = ", ".join(cell.dimensions.values())
        before = "" if cell.previous_period is None else _write_value(cell.previous_value, cell.previous_status, cell.unit)
        texts = {
            TITLE: (cell.title, self.strong), BREAKDOWN: (breakdown, self.text), "definition": (cell.description, self.text),
            "period": (write_months(*period), self.text), "unit": (UNITS.get(cell.unit, cell.unit), self.text),
            "value before": (before, self.right), "period before": (_write_days(cell.previous_period), self.text),
            "published value": (_write_value(cell.current_value, cell.current_status, cell.unit), self.right),
            ID: (identity, self.id),
        }  # fmt: skip
        sheet.set_row(row, find_height((text, WIDTHS[column]) for column, (text, _) in texts.items()))
        for column, (text, form) in texts.items():
            if column in at:
                # Never a formula, whatever the text begins with.
                sheet.write_string(row, at[column], text, form) if text else sheet.write_blank(row, at[column], None, form)
        sheet.write_blank(row, at[VALUE], None, self.find_input(cell.unit))
        sheet.write_blank(row, at[STATUS], None, self.input_text)
        sheet.write_blank(row, at[NOTE], None, self.input_text)
        days = (day.isoformat() for day in period)
        self.identities.append((identity, cell.indicator, dimensions, *days, cell.unit, cell.title, breakdown))

    def add_identities(self) -> None:
        """Add the hidden sheet that identifies the template and its rows."""
        sheet = self.book.add_worksheet(IDENTITY_SHEET)
        described = self.described
        values = (VERSION, described.mission, str(described.cycle), described.catalogue_digest)
        rows = [*zip(HEADER_KEYS, values, strict=True), IDENTITY_COLUMNS, *self.identities]
        for row, texts in enumerate(rows):
            for column, text in enumerate(texts):
                sheet.write_string(row, column, text)
        sheet.protect()
        sheet.very_hidden()


def _restrict_value(sheet: Worksheet, row: int, column: int, cell: Cell, allowed: Allowed) -> None:
    """Let a cell accept the values of its indicator only."""
    if cell.unit in ("boolean", "level"):
        choices = list(YES_AND_NO if cell.unit == "boolean" else LEVELS.values())
        message = f"Choose {' or '.join(choices) if len(choices) == 2 else ', '.join(choices)} from the list."
        rule: dict[str, object] = {"validate": "list", "source": choices, "error_message": message}
    else:
        kind = "integer" if allowed.whole else "decimal"
        bounds: dict[str, object] = {"criteria": "between", "minimum": allowed.minimum, "maximum": allowed.maximum}
        if allowed.minimum is None and allowed.maximum is None:
            bounds = {"criteria": "between", "minimum": -1e15, "maximum": 1e15}
        elif allowed.maximum is None:
            bounds = {"criteria": ">=", "value": allowed.minimum}
        elif allowed.minimum is None:
            bounds = {"criteria": "<=", "value": allowed.maximum}
        rule = {"validate": kind, **bounds, "error_message": _describe_numbers(cell.unit, allowed)}
    sheet.data_validation(row, column, row, column, {"error_title": "Value not allowed", **rule})


def _describe_numbers(unit: str, allowed: Allowed) -> str:
    def write(bound: float) -> str:
        return write_value(bound, "ratio" if unit == "ratio" else "count").replace("\N{NO-BREAK SPACE}", " ")

    kind = "a percentage" if unit == "ratio" else "a whole number" if allowed.whole else "a number"
    if allowed.minimum is not None and allowed.maximum is not None:
        kind += f" from {write(allowed.minimum)} to {write(allowed.maximum)}"
    elif allowed.minimum is not None:
        kind += f" of at least {write(allowed.minimum)}"
    elif allowed.maximum is not None:
        kind += f" of at most {write(allowed.maximum)}"
    return f"Type {kind}, or leave the cell empty."


def _write_value(value: float | None, status: str | None, unit: str) -> str:
    """Return a published value as a person reads it, with its status where that is not A."""
    if status is None:
        return ""
    text = "no value" if value is None else write_value(value, unit)
    return text if status == "A" else f"{text} ({STATUS_TEXT[status]})"


def _write_days(period: str | None) -> str:
    """Return a period that is written as two dates with a slash."""
    return "" if period is None else write_months(*(date.fromisoformat(day) for day in period.split("/")))
