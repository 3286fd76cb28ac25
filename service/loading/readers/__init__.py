"""File readers, one per format. Each appends the rows of a file to the table `staged`."""

from __future__ import annotations

import stat
from pathlib import Path

from service.errors import LoadError
from service.loading.readers.csv import stage_csv
from service.loading.readers.parquet import MAGIC, stage_parquet
from service.loading.readers.row_budget import RowBudget
from service.loading.readers.sdmx_csv import COLUMN_NAMES, is_sdmx_csv, stage_sdmx_csv
from service.loading.readers.staged_file import StagedFile
from service.loading.readers.xlsx import stage_xlsx
from service.warehouse.database import Connection

_ZIP = b"PK\x03\x04"
_COMPOUND_FILE = b"\xd0\xcf\x11\xe0"
# The stream of a compound file that contains an encrypted workbook.
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_OTHER_FORMATS = {
    b"\x1f\x8b": "compressed with gzip; unpack it first",
    b"%PDF": "a PDF; copy its values into a CSV file",
}
HEAD_BYTES = 64


def stage_file(
    cursor: Connection, file: Path, file_name: str, file_ordinal: int, sheet: str | None, budget: RowBudget
) -> StagedFile:
    """Append the rows of a file to `staged`. The content decides the format, not the name. Return how it was read.

    `sheet` is the sheet to read of a workbook; the default is the first, and every sheet of a template. Raises LoadError.
    """
    head = read_head(file, file_name)
    if head.startswith(_ZIP):
        return stage_xlsx(cursor, file, file_name, file_ordinal, sheet, budget)
    if sheet is not None:
        raise LoadError(f"{file_name} is not an .xlsx workbook. Remove --sheet")
    _refuse_other_formats(head, file, file_name)
    if head.startswith(MAGIC):
        stage_parquet(cursor, file, file_name, file_ordinal, budget)
        return StagedFile(file_name)
    if is_sdmx_csv(head):
        notes = stage_csv(cursor, file, file_name, file_ordinal, budget, stage_sdmx_csv)
        return StagedFile(file_name, notes, columns=COLUMN_NAMES, has_sdmx_codes=True)
    return StagedFile(file_name, stage_csv(cursor, file, file_name, file_ordinal, budget))


def check_is_text(file: Path, file_name: str) -> None:
    """Raise LoadError unless the file may be CSV."""
    head = read_head(file, file_name)
    if head.startswith((_ZIP, MAGIC)):
        raise LoadError(f"{file_name} is not a CSV file; export it as CSV")
    _refuse_other_formats(head, file, file_name)


def _refuse_other_formats(head: bytes, file: Path, file_name: str) -> None:
    if head.startswith(_COMPOUND_FILE):
        if _ENCRYPTED in file.read_bytes()[: 1 << 20]:
            raise LoadError(f"{file_name} is protected by a password; save it without one")
        raise LoadError(f"{file_name} is an old Excel workbook; save it as .xlsx or CSV")
    for magic, kind in _OTHER_FORMATS.items():
        if head.startswith(magic):
            raise LoadError(f"{file_name} is {kind}")


def check_file(file: Path, file_name: str) -> None:
    """Raise LoadError unless it is a regular file: reading a device or a pipe may never end."""
    try:
        mode = file.stat().st_mode
    except FileNotFoundError:
        raise LoadError(f"{file_name} does not exist; check the name") from None
    except OSError as error:
        raise LoadError(f"{file_name} cannot be read: {error.strerror}") from None
    if stat.S_ISDIR(mode):
        raise LoadError(f"{file_name} is a directory; name the files in it, such as {file_name}/*.csv")
    if not stat.S_ISREG(mode):
        raise LoadError(f"{file_name} is not a regular file; save its content as a file")


def read_head(file: Path, file_name: str) -> bytes:
    try:
        with file.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    except OSError as error:
        raise LoadError(f"{file_name} cannot be read: {error.strerror}") from None
    if not head:
        raise LoadError(f"{file_name} is empty; it needs a header and at least one row")
    return head
