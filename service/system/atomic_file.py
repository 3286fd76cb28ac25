"""Writing a file whole or not at all: under another name first, then renamed in one step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replace_file(target: Path) -> Iterator[Path]:
    """Give the path of a file to write; at the end it is flushed to disk and becomes `target` in one step.

    When anything raises, `target` is as it was and nothing is left. The temporary name ends in `.<process id>.tmp`, by which
    the files of a process that was killed are recognized. Raises OSError.
    """
    # In the same directory, because a rename is atomic only within a file system.
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.tmp")
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
    """Write a small file. Raises OSError; `target` is then as it was."""
    with replace_file(target) as unfinished:
        unfinished.write_bytes(content)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
