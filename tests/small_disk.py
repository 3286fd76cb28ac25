"""A small file system in memory, and files that fill it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.tools import find_tool


class MountRefused(Exception):
    """This user may not mount a file system."""


@contextmanager
def mount_disk(directory: Path, *options: str) -> Iterator[Path]:
    """Mount a small file system in memory for as long as a `with` lasts. Raises MountRefused."""
    directory.mkdir()
    mounted = subprocess.run(
        [find_tool("mount"), "-t", "tmpfs", "-o", ",".join(options), "none", str(directory)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        raise MountRefused(f"cannot mount a file system: {mounted.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run([find_tool("umount"), "--lazy", str(directory)], check=True)


def fill_disk(disk: Path, spare_bytes: int = 0) -> Path:
    """Fill a disk but for some bytes; return the file that does."""
    filler = disk / "filler"
    descriptor = os.open(filler, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(descriptor, bytes(4096))
    except OSError:
        os.ftruncate(descriptor, max(0, os.fstat(descriptor).st_size - spare_bytes))
    finally:
        os.close(descriptor)
    return filler
