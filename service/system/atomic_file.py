"""Atomic writes: a file is written under a temporary name and then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

_numbers = count()
# DuckDB cannot attach a file whose name it knows from a transaction that still runs, so names are used in turns. There are few:
# those that a killed process left are replaced by the next one with its number, as in a container.
NAMES = 16


@contextmanager
def replace_file(target: Path) -> Iterator[Path]:
    """Yield the path of a temporary file. At the end it is flushed to disk and atomically renamed to `target`.

    On an exception `target` is unchanged and the temporary file is removed. The temporary name ends in
    `.<process id>.<number>.tmp`, which identifies the files of a killed process. Raises OSError.
    """
    # In the same directory, because a rename is atomic only within a file system.
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.{next(_numbers) % NAMES}.tmp")
    try:
        yield unfinished
        _flush(unfinished)
        unfinished.replace(target)
        _flush(target.parent)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        with suppress(OSError):  # DuckDB's log of a database that was not finished
            unfinished.with_name(f"{unfinished.name}.wal").unlink(missing_ok=True)


def write_atomically(target: Path, content: bytes) -> None:
    """Write a small file. Raises OSError; `target` is then unchanged."""
    with replace_file(target) as unfinished:
        unfinished.write_bytes(content)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
