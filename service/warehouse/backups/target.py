"""The check of the target of a backup: it must not be a file that the service uses."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from service.errors import WarehouseError
from service.settings import Settings


def check_target(target: Path, settings: Settings) -> None:
    """Raise WarehouseError when `target` is, or links to, a file the service uses, or is in its `tmp` directory.

    A backup written onto the live warehouse would replace it while its log still contains committed loads.
    """
    for name, file in list_used_files(settings):
        if is_same_file(target, file):
            raise WarehouseError(f"{target} is the {name} of the service; choose another file for the backup")
    scratch = (settings.data_dir / "tmp").resolve()
    if target.resolve().is_relative_to(scratch):
        raise WarehouseError(f"{target} is in {scratch}, which the service empties; choose another directory for the backup")
    if target.exists() and not target.is_file():
        raise WarehouseError(f"{target} is not a regular file; choose another file for the backup")


def list_used_files(settings: Settings) -> Iterable[tuple[str, Path]]:
    """Return the files that the service uses, each with its description."""
    return (
        ("warehouse", settings.warehouse_file),
        ("write-ahead log", settings.warehouse_file.with_name(settings.warehouse_file.name + ".wal")),
        ("manifest", settings.manifest_file),
        ("read copy", settings.read_copy_file),
        ("stored text of the snapshot", settings.stored_exposition_file),
        ("stored history", settings.stored_history_file),
        ("stored changes of the history", settings.stored_changes_file),
        ("socket", settings.socket_file),
        ("alerts token", settings.token_file),
        ("database of users", settings.access_file),
        ("journal of the database of users", settings.access_file.with_name(f"{settings.access_file.name}-journal")),
    )


def is_same_file(first: Path, second: Path) -> bool:
    """Return whether two paths are the same file, also through a link. Neither has to exist."""
    if first.resolve() == second.resolve():
        return True
    try:
        return first.samefile(second)
    except OSError:
        return False
