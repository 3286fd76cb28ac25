"""Reads Excel workbooks: a worker process converts the sheet to CSV, which is then staged like any CSV file."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from service.errors import LoadError
from service.loading.readers.columns import fold_columns
from service.loading.readers.csv import stage_utf8
from service.loading.readers.row_budget import RowBudget
from service.settings import TREE
from service.system.time_limit import POLL_SECONDS, check_time
from service.warehouse.database import Connection

MAX_SECONDS = 120
# openpyxl imports numpy, whose OpenBLAS would start a thread for each core before the worker is restricted.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Sheet:
    """The sheet that was read, and the letter of each column."""

    name: str
    letters: dict[str, str]


def stage_xlsx(
    cursor: Connection, file: Path, file_name: str, file_ordinal: int, sheet_name: str | None, budget: RowBudget
) -> tuple[Sheet, tuple[str, ...]]:
    """Append the rows of a sheet (by default the first) to `staged`. Return the sheet and notes on how it was read.

    Raises LoadError when it is not a table of observations, has more rows than `budget` has left, or takes more time or
    memory than the worker may use.
    """
    with tempfile.NamedTemporaryFile(suffix=".csv") as copy:
        sheet = _convert(file, file_name, copy.file, sheet_name or "")
        notes = stage_utf8(cursor, Path(copy.name), name_sheet(file_name, sheet.name), file_ordinal, budget)
    return sheet, notes


def name_sheet(file_name: str, sheet_name: str) -> str:
    """Return the name of a sheet in errors and batches."""
    return f"{file_name}, sheet {sheet_name!r}"


def _convert(file: Path, file_name: str, target: IO[bytes], sheet_name: str) -> Sheet:
    with (
        file.open("rb") as stream,
        subprocess.Popen(
            [sys.executable, "-I", "-W", "ignore", "-m", "service.queries.sandbox.xlsx_worker", sheet_name],
            stdin=stream, stdout=target, stderr=subprocess.PIPE, env=ENVIRONMENT, cwd=TREE,
        ) as worker,
    ):  # fmt: skip
        try:
            written = _wait(worker, file_name)
        finally:
            worker.kill()
    try:
        reply = json.loads(written.splitlines()[-1])
    except (ValueError, IndexError):
        raise LoadError(f"{file_name} exceeds the time or memory limit of workbooks. Save the sheet as CSV") from None
    if "error" in reply:
        raise LoadError(f"{file_name} {reply['error']}")
    columns: dict[str, str] = reply["columns"]
    return Sheet(str(reply["sheet"]), dict(zip(fold_columns(list(columns)), columns.values(), strict=True)))


def _wait(worker: subprocess.Popen[bytes], file_name: str) -> bytes:
    """Return what the worker wrote to standard error. Raises LoadError when it takes too long, and as `check_time`."""
    deadline = time.monotonic() + MAX_SECONDS
    while time.monotonic() < deadline:
        check_time()
        try:
            return worker.communicate(timeout=POLL_SECONDS)[1]
        except subprocess.TimeoutExpired:
            continue
    raise LoadError(f"{file_name} takes longer than {MAX_SECONDS} seconds to read. Save the sheet as CSV")
