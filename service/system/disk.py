"""Free space of the data directory, and the errors of a disk that is full or read-only."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from service.errors import WarehouseUnwritable

# Messages of the operating system, as DuckDB and Python report them.
UNWRITABLE = (
    ("No space left on device", "no space or no inode is left", "free some space"),
    ("Read-only file system", "the file system is read-only", "mount it for writing"),
    ("Disk quota exceeded", "the disk quota is used up", "raise the quota or free some space"),
)
# Free space below which no checkpoint and no copy is attempted: room for the write-ahead log.
SPARE_BYTES = 1 << 20


def translate_write_error(error: Exception, directory: Path) -> WarehouseUnwritable | None:
    """Return the service error for a write that failed because of the disk of `directory`; None for another cause."""
    for sign, problem, fix in UNWRITABLE:
        if sign in str(error):
            return WarehouseUnwritable(
                f"{problem} in {directory}; {fix}. The service serves the last good state and retries within a minute"
            )
    return None


def measure_free_bytes(directory: Path) -> int:
    """Return the free space of the disk of `directory`."""
    return shutil.disk_usage(directory).free


def has_no_inode(directory: Path) -> bool:
    """Return whether no further file can be made on the disk of `directory`; programs then report errors of other kinds."""
    counts = os.statvfs(directory)
    return counts.f_files > 0 and counts.f_favail == 0


def has_space(directory: Path, needed_bytes: int) -> bool:
    """Return whether this number of bytes can be written, with some space left for the log."""
    return measure_free_bytes(directory) >= needed_bytes + SPARE_BYTES


def check_space(directory: Path, needed_bytes: int) -> None:
    """Raise WarehouseUnwritable when `has_space` is false."""
    if not has_space(directory, needed_bytes):
        needed_mb = (needed_bytes + SPARE_BYTES) / 1e6
        raise WarehouseUnwritable(f"{directory} needs {needed_mb:,.1f} MB of free space; free some space")
