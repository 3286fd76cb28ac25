"""Labels of table cells, for phones: a wide table becomes a card for each row, with the column's heading before each value.

The stylesheet draws the cards from `data-label`. No script is needed, and templates contain ordinary tables.
"""

from __future__ import annotations

import re
from functools import partial

# A table with fewer columns fits a phone.
MIN_COLUMNS = 4
TABLE = re.compile(r"<table([^>]*)>(.*?)</table>", re.DOTALL)
HEADING = re.compile(r"<th\b([^>]*)>(.*?)</th>", re.DOTALL)
TAG = re.compile(r"<[^>]+>")
ROW_OR_CELL = re.compile(r"<(tr|th|td)\b([^>]*)>(\s*</td>)?")
COLSPAN = re.compile(r'colspan="(\d+)"')


def label_cells(page: str) -> str:
    """Return the HTML of a page whose tables with at least MIN_COLUMNS columns have the class `cards` and labelled cells."""
    return TABLE.sub(_label_table, page)


def _label_table(table: re.Match[str]) -> str:
    attributes, content = table.groups()
    head, end, body = content.partition("</thead>")
    headings = [" ".join(TAG.sub("", text).split()).replace('"', "&quot;") for _, text in HEADING.findall(head)]
    if not end or len(headings) < MIN_COLUMNS or head.count("<tr") != 1:
        return table[0]
    if 'class="' in attributes:
        attributes = attributes.replace('class="', 'class="cards ', 1)
    else:
        attributes += ' class="cards"'
    position = [0]
    return f"<table{attributes}>{head}{end}{ROW_OR_CELL.sub(partial(_label_cell, headings, position), body)}</table>"


def _label_cell(headings: list[str], position: list[int], cell: re.Match[str]) -> str:
    """Return the tag of a cell with the heading of its column. An empty cell has no content and no label."""
    kind, attributes, is_empty = cell.groups()
    if kind == "tr":
        position[0] = 0
        return cell[0]
    column = position[0]
    span = COLSPAN.search(attributes)
    position[0] += int(span[1]) if span else 1
    if is_empty:
        return f"<td{attributes}></td>"
    if kind == "th" or span or column >= len(headings) or not headings[column]:
        return cell[0]
    return f'<td{attributes} data-label="{headings[column]}">'
