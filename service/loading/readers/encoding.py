"""Encodings of text files: UTF-16 with a byte order mark and Windows-1252 are converted to UTF-8."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.errors import LoadError, RowError
from service.system.time_limit import check_time

CHUNK_CHARACTERS = 1 << 20
# UTF-8 sequences of Western letters, typographic quotes and dashes. In Windows-1252 these bytes are other letters, in an
# order that occurs in no language.
_UTF8_SEQUENCE = re.compile(rb"[\xc2\xc3][\x80-\xbf]|\xe2\x80[\x90-\xbf]")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
# Bytes without a character in Windows-1252.
_UNDEFINED = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


class NotUtf8(Exception):
    """A text file contains bytes that are not UTF-8."""


@contextmanager
def copy_utf16(file: Path, file_name: str) -> Iterator[Path]:
    """Yield a UTF-8 copy of a UTF-16 file. Raises LoadError when it is not UTF-16."""
    try:
        with _copy(file, "utf-16") as copy:
            yield copy
    except UnicodeError as error:
        raise LoadError(
            f"{file_name} has a UTF-16 byte order mark but is not UTF-16 ({error}). Save it as CSV in UTF-8"
        ) from None


@contextmanager
def copy_windows_1252(file: Path, file_name: str) -> Iterator[Path]:
    """Yield a UTF-8 copy of a file that is not UTF-8.

    Raises LoadError for a row that is not valid Windows-1252, and for a file that mixes the two encodings, which is
    ambiguous.
    """
    utf8_row, is_utf8 = None, True
    with file.open("rb") as stream:
        for row, line in enumerate(stream, 1):
            if not _NOT_ASCII.search(line):
                continue
            if _UNDEFINED.search(line):
                problem = "is neither UTF-8 nor Windows-1252 text"
                raise LoadError(f"{file_name} was not loaded", (_blame(file_name, row, problem),), 1)
            is_utf8 = is_utf8 and _is_utf8(line)
            if utf8_row is None and _UTF8_SEQUENCE.search(line):
                utf8_row = row
    if is_utf8:
        raise LoadError(f"{file_name} cannot be read as CSV; check delimiter, quotes and line ends")
    if utf8_row is not None:
        problem = "is UTF-8 text, but other rows are not"
        raise LoadError(f"{file_name} was not loaded", (_blame(file_name, utf8_row, problem),), 1)
    with _copy(file, "cp1252") as copy:
        yield copy


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _blame(file_name: str, row: int, problem: str) -> RowError:
    return RowError(file_name, row, "(row)", "", problem, "save the file as CSV in UTF-8")


@contextmanager
def _copy(file: Path, encoding: str) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", suffix=".csv") as copy:
        with file.open(encoding=encoding, newline="") as stream:
            while text := stream.read(CHUNK_CHARACTERS):
                check_time()
                copy.write(text)
        copy.flush()
        yield Path(copy.name)
