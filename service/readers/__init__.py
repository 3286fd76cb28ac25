"""File readers, one a format: each appends the rows of a file to the table `staged`."""

from __future__ import annotations

from pathlib import Path

from service.errors import LoadError
from service.readers.csv import stage_csv
from service.readers.parquet import MAGIC, stage_parquet
from service.warehouse import Connection

_OTHER_FORMATS = {
    b"PK\x03\x04": "an Excel workbook or ZIP archive; save the sheet as CSV (UTF-8)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save the sheet as CSV (UTF-8)",
    b"\x1f\x8b": "compressed with gzip; unpack it first",
    b"%PDF": "a PDF; put its figures into a CSV file",
}


def stage_file(cursor: Connection, file: Path, file_name: str, file_ordinal: int) -> tuple[str, ...]:
    """Append the rows of a file to `staged`, by what the file is, not by its name; return notes on how it was read.

    Raises LoadError.
    """
    try:
        with file.open("rb") as stream:
            head = stream.read(8)
    except FileNotFoundError:
        raise LoadError(f"{file_name} does not exist; check the name") from None
    except IsADirectoryError:
        raise LoadError(f"{file_name} is a directory; name the files in it, such as {file_name}/*.csv") from None
    except OSError as error:
        raise LoadError(f"{file_name} cannot be read: {error.strerror}") from None
    if not head:
        raise LoadError(f"{file_name} is empty; it needs a header and at least one row")
    for magic, what in _OTHER_FORMATS.items():
        if head.startswith(magic):
            raise LoadError(f"{file_name} is {what}")
    if head.startswith(MAGIC):
        stage_parquet(cursor, file, file_name, file_ordinal)
        return ()
    return stage_csv(cursor, file, file_name, file_ordinal)
