"""The user of the service: a service started as root becomes A4P_USER before it opens anything else."""

from __future__ import annotations

import os
import pwd
import stat
import sysconfig
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path

from service.errors import PrivilegeError, SettingsError
from service.settings import TREE, Settings
from service.system.file_access import DATA_DIRECTORY, OWN_NAMES, find_group

ROOT_WARNING = (
    "warning: the service runs as root, so a vulnerability in it affects the whole machine; start it as a separate user, "
    "or set A4P_USER"
)


def drop_privileges(settings: Settings) -> bool:
    """Become A4P_USER if this process is root, and change the owner of the data directory. Return whether it is still root.

    The groups of the process are the user's own group and A4P_GROUP. Raises SettingsError when the user or group is unknown
    or the directory is not the service's, PrivilegeError when root cannot be dropped.
    """
    is_root = os.geteuid() == 0
    if not settings.user:
        return is_root
    user = find_user(settings.user)
    if not is_root:
        if user.pw_uid != os.geteuid():
            raise SettingsError(
                f"setting A4P_USER: only root can become {settings.user!r}; start the service as root or as that user, "
                "or remove the setting"
            )
        return False
    shared_group = find_group(settings.group)
    _give_data_directory(settings, user)
    try:
        os.setgroups([] if shared_group is None else [shared_group])
        os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
        os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    except OSError as error:
        raise PrivilegeError(f"the service cannot become {settings.user}: {error.strerror}; start it as that user") from None
    _check_dropped(user)
    _check_readable(user)
    # Libraries use these to find their files.
    os.environ |= {"HOME": user.pw_dir, "USER": user.pw_name, "LOGNAME": user.pw_name}
    return False


def find_user(name: str) -> pwd.struct_passwd:
    """Return the entry of a user, given by name or number. Raises SettingsError when it is unknown or root."""
    try:
        user = pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
    except (KeyError, OverflowError):
        raise SettingsError(
            f"setting A4P_USER: unknown user {name!r}; create it with 'useradd --system {name}', or set another"
        ) from None
    if user.pw_uid == 0 or user.pw_gid == 0:
        raise SettingsError(f"setting A4P_USER: {name!r} is root or in root's group; set it to a separate user")
    return user


def _check_dropped(user: pwd.struct_passwd) -> None:
    """Raise PrivilegeError unless this process runs as the user and cannot become root again."""
    with suppress(PermissionError):
        os.setuid(0)
    with suppress(PermissionError):
        os.setgid(0)
    if set(os.getresuid()) != {user.pw_uid} or set(os.getresgid()) != {user.pw_gid} or 0 in os.getgroups():
        raise PrivilegeError(f"the service could become root again after it became {user.pw_name}, so it does not start")


def _check_readable(user: pwd.struct_passwd) -> None:
    """Raise PrivilegeError when the user cannot read Python or this code, which are loaded lazily."""
    for folder in (Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("purelib")), TREE / "sql"):
        if not os.access(folder, os.R_OK | os.X_OK):
            raise PrivilegeError(
                f"the user {user.pw_name} cannot read {folder}; install Python and the service where every user can read them, "
                "such as in /opt, or start the service as another user"
            )


def _give_data_directory(settings: Settings, user: pwd.struct_passwd) -> None:
    """Create the data directory if needed. Make the user its owner and that of the service's files. Ignore links."""
    directory = settings.data_dir
    try:
        if not directory.is_dir():
            directory.mkdir(parents=True)
            directory.chmod(DATA_DIRECTORY)
        _check_own_directory(settings)
        os.chown(directory, user.pw_uid, user.pw_gid)
        for folder, folders, files, descriptor in os.fwalk(str(directory), follow_symlinks=False):
            if folder == str(directory):
                folders[:] = [name for name in folders if _is_own(name)]
                files = [name for name in files if _is_own(name)]
            for name in (*folders, *files):
                os.chown(name, user.pw_uid, user.pw_gid, dir_fd=descriptor, follow_symlinks=False)
        if settings.alerts_token_file and settings.alerts_token_file.is_file():
            os.chown(settings.alerts_token_file, user.pw_uid, -1, follow_symlinks=False)
    except OSError as error:
        raise SettingsError(
            f"the data directory {directory} cannot be given to {user.pw_name}: {error.strerror}; correct it, or set "
            "A4P_DATA_DIR to another directory"
        ) from None


def _check_own_directory(settings: Settings) -> None:
    """Raise SettingsError for a directory that is not the service's: changing its owner would affect its users."""
    directory = settings.data_dir
    names = {file.name for file in directory.iterdir()} - {"lost+found"}
    is_shared = directory.stat().st_mode & stat.S_ISVTX
    if is_shared or (names and not any(_is_own(name) for name in names)):
        raise SettingsError(
            f"the data directory {directory} contains other files and none of the service, so its owner is not changed to "
            f"{settings.user}; set A4P_DATA_DIR to an empty directory"
        )


def _is_own(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in OWN_NAMES)
