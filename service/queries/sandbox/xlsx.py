"""Results of queries as XLSX workbooks."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

from xlsxwriter import Workbook

# All cells are in memory until the end, in a worker with a memory limit.
MAX_ROWS = 100_000
MAX_CELL_LENGTH = 32_767
MAX_EXACT_INTEGER = 10**15
# Excel has no earlier dates.
FIRST_YEAR = 1900
# The same bytes for the same result.
CREATED = datetime(2000, 1, 1)


def write_xlsx(columns: Sequence[str], rows: Sequence[Sequence[Any]], write_value: Callable[[Any], Any]) -> bytes:
    """Return a workbook with one sheet: the names of the columns, then the rows. No text becomes a formula or a link.

    Numbers and dates that Excel cannot represent are text. Other types are written as `write_value` writes them to JSON.
    """
    stream = BytesIO()
    book = Workbook(stream, {"in_memory": True})
    book.set_properties({"created": CREATED})
    sheet = book.add_worksheet("result")
    head = book.add_format({"bold": True, "bottom": 1})
    formats = {
        date: book.add_format({"num_format": "yyyy-mm-dd"}),
        datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
    }
    sheet.freeze_panes(1, 0)
    for column, name in enumerate(columns):
        sheet.write_string(0, column, name[:MAX_CELL_LENGTH], head)
    for number, row in enumerate(rows, 1):
        for column, value in enumerate(row):
            match value:
                case None:
                    continue
                case bool():
                    sheet.write_boolean(number, column, value)
                case datetime() if value.year >= FIRST_YEAR:
                    instant = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
                    sheet.write_datetime(number, column, instant, formats[datetime])
                case date() if value.year >= FIRST_YEAR and not isinstance(value, datetime):
                    sheet.write_datetime(number, column, value, formats[date])
                case _:
                    written = write_value(value)
                    if isinstance(written, int | float) and abs(written) <= MAX_EXACT_INTEGER:
                        sheet.write_number(number, column, written)
                    else:
                        text = written if isinstance(written, str) else json.dumps(written, ensure_ascii=False)
                        sheet.write_string(number, column, text[:MAX_CELL_LENGTH])
    if columns:
        sheet.autofilter(0, 0, len(rows), len(columns) - 1)
        sheet.autofit(max_width=400)
    book.close()
    return stream.getvalue()
