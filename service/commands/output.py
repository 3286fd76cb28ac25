"""Files that a command writes: whole, or not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from service.errors import OutputError
from service.system.atomic_file import replace_file


@contextmanager
def open_output(output: Path) -> Iterator[BinaryIO]:
    """Give a stream to write; the file appears under its name once all is written. Raises OutputError."""
    try:
        with replace_file(output) as unfinished, unfinished.open("wb") as stream:
            yield stream
            stream.flush()
    except OSError as error:
        raise OutputError(f"{output} cannot be written: {error.strerror}") from None
