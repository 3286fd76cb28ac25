"""File names of dated backups."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

BACKUP_NAME = "warehouse-%Y%m%dT%H%M%S.%fZ.duckdb"


def read_backup_time(file: Path) -> datetime | None:
    """Return the time in the name of a dated backup, or None when the file has another name."""
    try:
        return datetime.strptime(file.name, BACKUP_NAME).replace(tzinfo=UTC)
    except ValueError:
        return None


def list_backups(directory: Path) -> list[tuple[datetime, Path]]:
    """Return the dated backups of a directory, newest first; files with other names are left out."""
    if not directory.is_dir():
        return []
    dated = [(made_at, file) for file in directory.iterdir() if (made_at := read_backup_time(file)) is not None]
    return sorted(dated, reverse=True)
