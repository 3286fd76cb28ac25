"""The format of a template workbook, for its writer and the process that reads it. Imports neither DuckDB nor openpyxl."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

# The hidden sheet: rows of a name and a value, a row with IDENTITY_COLUMNS, and a row for each cell to fill.
IDENTITY_SHEET = "_a4p"
VERSION = "1"
HEADER_KEYS = ("version", "mission", "cycle", "catalogue")
IDENTITY_COLUMNS = ("id", "indicator", "dimensions", "period_start", "period_end", "unit", "title", "breakdown")
# Columns that the reader finds by their names in the header row of a sheet. The others are for people.
TITLE, BREAKDOWN, VALUE, STATUS, NOTE, ID = "indicator", "breakdown", "value", "status", "note", "id"
INPUT_COLUMNS = (VALUE, STATUS, NOTE)
NEEDED_COLUMNS = (*INPUT_COLUMNS, ID)
INPUT_COLOR = "FFF8DC"
# The first sheet and the beginning of its first cell.
INSTRUCTIONS, INSTRUCTIONS_TITLE = "Instructions", "A4P+ values, cycle "
YES_AND_NO = ("yes", "no")
_ID_LENGTH = 9


@dataclass(frozen=True)
class TemplateIdentity:
    """The round that a template is for, and the SHA-256 of the catalogue that it was made with."""

    mission: str
    cycle: int
    catalogue_digest: str


def write_dimensions(dimensions: Mapping[str, str]) -> str:
    """Return dimensions as a file of observations has them: cause=Equipment;training=Medical."""
    return ";".join(f"{name}={value}" for name, value in sorted(dimensions.items()))


def make_id(mission: str, indicator: str, dimensions: str, period_start: str, period_end: str) -> str:
    """Return the id of a cell. It differs between missions and periods, so that a row of another template is found.

    It begins with a letter: a spreadsheet would read some other ids as numbers.
    """
    text = "\0".join((mission, indicator, dimensions, period_start, period_end))
    return "r" + base64.b32encode(hashlib.sha256(text.encode()).digest())[:_ID_LENGTH].decode().lower()


def name_source(mission: str, cycle: int) -> str:
    """Return the source of the values of a template."""
    return f"{mission} submission, cycle {cycle}"
