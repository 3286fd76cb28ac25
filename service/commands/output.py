"""Files that a command writes: whole, or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from service.errors import OutputError


@contextmanager
def open_output(output: Path) -> Iterator[BinaryIO]:
    """Give a stream to write; the file stands under its name once all is written. Raises OutputError."""
    unfinished = output.with_name(f"{output.name}.{os.getpid()}.tmp")
    try:
        with unfinished.open("wb") as stream:
            yield stream
        unfinished.replace(output)
    except OSError as error:
        raise OutputError(f"{output} cannot be written: {error.strerror}") from None
    finally:
        unfinished.unlink(missing_ok=True)
