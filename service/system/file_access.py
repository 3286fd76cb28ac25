"""Access to the files of the data directory: only its user, and for two files also the group A4P_GROUP."""

from __future__ import annotations

import grp
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from service.errors import SettingsError
from service.settings import Settings
from service.warehouse.backups.names import list_backups
from service.warehouse.manifest import BACKUPS_NAME

log = logging.getLogger(__name__)

PRIVATE_FILE, SHARED_FILE = 0o600, 0o640
PRIVATE_DIRECTORY, DATA_DIRECTORY = 0o700, 0o750
# Names of the service's files in the data directory. Other files are not changed.
OWN_NAMES = ("warehouse*", "access.sqlite*", "a4p.*", "alerts-token", BACKUPS_NAME, "tmp")


def find_group(name: str) -> int | None:
    """Return the number of a group, given by name or number; None for an empty name. Raises SettingsError."""
    if not name:
        return None
    try:
        return (grp.getgrgid(int(name)) if name.isdecimal() else grp.getgrnam(name)).gr_gid
    except (KeyError, OverflowError):
        raise SettingsError(
            f"setting A4P_GROUP: unknown group {name!r}; create it with 'groupadd --system {name}', or set another"
        ) from None


def restrict_data_directory(settings: Settings) -> None:
    """Make new files of this process private, and restrict the modes of existing files.

    Modes are only restricted. With A4P_GROUP its members may also list the directory and read the read copy and the alerts
    token. A file that cannot be changed is logged. Raises SettingsError when the group is unknown or cannot own a file.
    """
    os.umask(0o077)
    group = find_group(settings.group)
    _check_membership(settings.group, group)
    if not settings.data_dir.is_dir():
        return
    if settings.data_dir.stat().st_mode & stat.S_ISVTX:
        log.warning(
            "%s is shared by users (sticky bit); set A4P_DATA_DIR to a directory that only the service uses", settings.data_dir
        )
        return
    shared = {file for file in (settings.read_copy_file, settings.token_file) if file.is_file()}
    for file in list_own_files(settings.data_dir):
        if file not in shared:
            _tighten(file, PRIVATE_DIRECTORY if file.is_dir() else PRIVATE_FILE)
    for file in shared:
        # If a setting names the token file, the administrator chooses its group.
        is_elsewhere = file == settings.alerts_token_file
        _give(file, group, SHARED_FILE if group is not None or is_elsewhere else PRIVATE_FILE)
    _give(settings.data_dir, group, DATA_DIRECTORY)


def share_file(file: Path, group: int | None) -> None:
    """Make a file readable by the group if one is given, and private otherwise. Raises OSError only with a group."""
    if group is not None:
        os.chown(file, -1, group)
        file.chmod(SHARED_FILE)
        return
    # A backup may be written to a file system without modes.
    with suppress(OSError):
        file.chmod(PRIVATE_FILE)


def give_to_directory_owner(file: Path) -> None:
    """Make the owner of its directory the owner of a file that root created, so that the service can open it."""
    if os.geteuid() == 0:
        owner = file.parent.stat()
        os.chown(file, owner.st_uid, owner.st_gid)


def restrict_backups(backup_dir: Path, read_copy: Path) -> None:
    """Make the backups private that were shared while they were the read copy. Raises OSError."""
    for _, backup in list_backups(backup_dir):
        status = backup.stat()
        if status.st_mode & 0o077 and not os.path.samestat(status, read_copy.stat()):
            backup.chmod(PRIVATE_FILE)


def list_own_files(data_dir: Path) -> Iterator[Path]:
    """Yield the files and directories of the service in its data directory, except links."""
    for pattern in OWN_NAMES:
        for file in data_dir.glob(pattern):
            if file.is_symlink():
                continue
            yield file
            # Files in tmp are temporary; the directory is private.
            if file.is_dir() and file.name == BACKUPS_NAME:
                yield from (backup for backup in file.iterdir() if backup.is_file() and not backup.is_symlink())


def _check_membership(name: str, group: int | None) -> None:
    if group is not None and os.geteuid() != 0 and group not in {os.getegid(), *os.getgroups()}:
        raise SettingsError(
            f"setting A4P_GROUP: the user of the service is not a member of the group {name!r}; add it with "
            f"'usermod --append --groups {name} USER', and start the service again"
        )


def _give(file: Path, group: int | None, mode: int) -> None:
    """Restrict a mode. With a group, change the group of the file and set exactly this mode."""
    if group is None:
        _tighten(file, mode)
        return
    try:
        os.chown(file, -1, group)
        file.chmod(mode)
    except OSError as error:
        log.warning("the group and mode of %s cannot be changed: %s", file, error.strerror)


def _tighten(file: Path, mode: int) -> None:
    try:
        now = stat.S_IMODE(file.stat().st_mode)
        if now & ~mode:
            file.chmod(now & mode)
    except FileNotFoundError:
        pass  # a temporary file that was removed
    except OSError as error:
        log.warning("the mode of %s cannot be changed to %03o: %s", file, mode, error.strerror)
