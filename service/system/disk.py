"""What the disk of the data directory still takes, and the sentences for when it takes no more."""

from __future__ import annotations

import shutil
from pathlib import Path

from service.errors import WarehouseUnwritable

# What the operating system reports, as DuckDB and Python pass it on.
UNWRITABLE = (
    ("No space left on device", "no space or no inode is left", "free some space"),
    ("Read-only file system", "the file system is read-only", "mount it for writing"),
    ("Disk quota exceeded", "the disk quota is used up", "raise the quota or free some space"),
)
# Free space below which no checkpoint and no copy is tried: room for the log to record what the service did.
SPARE_BYTES = 1 << 20


def translate_write_error(error: Exception, directory: Path) -> WarehouseUnwritable | None:
    """Return the sentence for a write that the disk of `directory` did not take, or None when it failed for another reason."""
    for sign, problem, fix in UNWRITABLE:
        if sign in str(error):
            return WarehouseUnwritable(
                f"{problem} in {directory}; {fix}. The service serves the last good state and tries again within a minute"
            )
    return None


def measure_free_bytes(directory: Path) -> int:
    """Return the free space of the disk of `directory`."""
    return shutil.disk_usage(directory).free


def has_space(directory: Path, needed_bytes: int) -> bool:
    """Return whether so many bytes can be written, and some more for the log."""
    return measure_free_bytes(directory) >= needed_bytes + SPARE_BYTES


def check_space(directory: Path, needed_bytes: int) -> None:
    """Raise WarehouseUnwritable when `has_space` is false."""
    if not has_space(directory, needed_bytes):
        needed_mb = (needed_bytes + SPARE_BYTES) / 1e6
        raise WarehouseUnwritable(f"{needed_mb:,.1f} MB of free space are needed in {directory}; free some space")
