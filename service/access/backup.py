"""Copies of `access.sqlite`: written beside a running service, verified, and restored."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from service.access.access import Access, open_access_store
from service.access.audit import Audit
from service.access.identity import Identity
from service.access.store import AccessStore
from service.errors import AccessError, AccessUnavailable, ServiceError
from service.settings import Settings
from service.system.atomic_file import replace_file
from service.system.file_access import give_to_directory_owner
from service.warehouse.backups.target import is_same_file
from service.warehouse.database import read_clock

ACCESS_BACKUP_NAME = "access-%Y%m%dT%H%M%S.%fZ.sqlite"
SQLITE_HEADER = b"SQLite format 3\0"
EARLIER = "before-restore-%Y%m%dT%H%M%S.%fZ"
# Files that SQLite applies to the database of the same name.
COMPANIONS = ("-journal", "-wal", "-shm")


@dataclass(frozen=True)
class RestoredAccess:
    """The audit of a restored database, and the path of the previous one; None if there was none."""

    entries: int
    newest_hash: str
    earlier: Path | None


def back_up_access(access: Access, target: Path, identity: Identity) -> None:
    """Write a private copy of the database; it is in the audit. Raises AccessError if `target` exists or is not writable."""
    if target.exists():
        raise AccessError(f"{target} exists; choose another file for the backup")
    try:
        with replace_file(target) as unfinished:
            access.store.copy(unfinished)
    except OSError as error:
        raise AccessError(f"{target} cannot be written: {error.strerror}") from None
    access.audit.note(identity, "backup", str(target))


def verify_access(file: Path) -> tuple[int, str]:
    """Return the number of entries of the audit and the newest hash of an undamaged database, which is not changed.

    Raises ServiceError with the first fault.
    """
    store = AccessStore(file, read_clock, is_read_only=True)
    with store.read() as connection:
        (found,) = connection.execute("pragma integrity_check(1)").fetchone()
        if found != "ok":
            raise AccessUnavailable(
                f"{file} is damaged ({' '.join(str(found).split())}); restore a copy with 'a4p restore --access'"
            )
    return Audit(store).verify()


def verify_shared(settings: Settings) -> tuple[int, str]:
    """Return the number of entries of the audit and the newest hash of the store of a lake. Raises ServiceError."""
    store = open_access_store(settings, read_clock)
    try:
        return Audit(store).verify()
    finally:
        store.close()


def is_access_file(file: Path) -> bool:
    """Return whether a file is an SQLite database."""
    try:
        with file.open("rb") as stream:
            return stream.read(len(SQLITE_HEADER)) == SQLITE_HEADER
    except OSError:
        return False


def restore_access(backup: Path, settings: Settings, clock: Callable[[], datetime], identity: Identity) -> RestoredAccess:
    """Replace the database by a verified copy of `backup`, without its sessions and links. The previous one is renamed.

    In a lake, the rows in PostgreSQL are replaced, and written to a file before. Only without a running service. Raises
    AccessError or AccessUnavailable when the backup cannot be used; nothing is changed then.
    """
    file = settings.access_file
    if not settings.has_lake and is_same_file(backup, file):
        raise AccessError(f"{backup} is the database of users itself; name a copy")
    if not is_access_file(backup):
        raise AccessError(f"{backup} is not a copy of access.sqlite; name a file written by 'a4p backup --access'")
    try:
        verify_access(backup)
    except ServiceError as error:
        raise AccessError(f"{backup} cannot be restored: {error}") from None
    if settings.has_lake:
        return _restore_shared(backup, settings, clock, identity)
    try:
        with replace_file(file) as unfinished:
            AccessStore(backup, clock, is_read_only=True).copy(unfinished)
            _end_sessions(AccessStore(unfinished, clock))
            give_to_directory_owner(unfinished)
            earlier = _set_aside(file, clock())
    except OSError as error:
        raise AccessError(f"{backup} could not be restored: {error.strerror}") from None
    access = Access(settings, clock)
    access.audit.note(identity, "restore", str(backup))
    entries, newest = access.audit.verify()
    return RestoredAccess(entries, newest, earlier)


def _restore_shared(backup: Path, settings: Settings, clock: Callable[[], datetime], identity: Identity) -> RestoredAccess:
    access = Access(settings, clock)
    earlier = settings.access_file.with_name(clock().strftime(f"{settings.access_file.name}.{EARLIER}"))
    try:
        access.store.copy(earlier)
        access.store.replace(backup)
        access.audit.note(identity, "restore", str(backup))
        entries, newest = access.audit.verify()
    except OSError as error:
        raise AccessError(f"{backup} could not be restored: {error.strerror}") from None
    except AccessError:
        # Nothing was replaced.
        earlier.unlink(missing_ok=True)
        raise
    finally:
        access.store.close()
    return RestoredAccess(entries, newest, earlier)


def _end_sessions(store: AccessStore) -> None:
    # Sessions that were ended after the backup must not begin again.
    with store.write() as connection:
        connection.execute("delete from sessions")
        connection.execute("delete from links")


def _set_aside(file: Path, now: datetime) -> Path | None:
    """Add a dated name to the database, and rename its journal. Return the dated name, None without a database."""
    earlier = file.with_name(now.strftime(f"{file.name}.{EARLIER}"))
    if file.exists():
        os.link(file, earlier)
    for companion in COMPANIONS:
        left = file.with_name(file.name + companion)
        if left.exists():
            shutil.move(left, earlier.with_name(earlier.name + companion))
    return earlier if earlier.exists() else None
