"""Opening `access.sqlite` of a data directory, or the store of a lake, for the commands about users, tokens and the audit."""

from __future__ import annotations

import getpass
import os

from metrics.catalogue import read_catalogue
from service.access.access import Access
from service.access.administration import Administration
from service.access.identity import make_socket_identity
from service.errors import AccessError
from service.settings import Settings
from service.system.file_access import give_to_directory_owner, list_own_files
from service.system.privileges import drop_privileges
from service.warehouse.database import read_clock


def open_access(settings: Settings, may_create: bool = False) -> Access:
    """Return the access of the data directory or the lake, also beside a running service.

    A data directory is never created; with `may_create` the file is, in a directory that is empty or the service's. Raises
    AccessError.
    """
    if settings.has_lake:
        drop_privileges(settings)
        return Access(settings, read_clock)
    directory, file = settings.data_dir, settings.access_file
    if not directory.is_dir():
        raise AccessError(
            f"the data directory {directory} does not exist; set --data-dir or A4P_DATA_DIR, or create it for a new service"
        )
    try:
        is_new = not file.exists()
        is_other = is_new and any(directory.iterdir()) and not any(list_own_files(directory))
        is_readable = is_new or os.access(file, os.R_OK | os.W_OK)
    except PermissionError:
        is_readable = False
    if not is_readable:
        raise AccessError(f"{file} cannot be opened by {getpass.getuser()}; run this command as the user of the service")
    if is_new and not may_create:
        raise AccessError(f"there are no users in {directory} yet; add one with 'a4p users add NAME --role administrator'")
    if is_other:
        raise AccessError(f"{directory} has files of other programs and none of the service; set --data-dir or A4P_DATA_DIR")
    drop_privileges(settings)
    access = Access(settings, read_clock)
    if is_new:
        with access.store.read():
            pass
        give_to_directory_owner(file)
    return access


def open_administration(settings: Settings, may_create: bool = False) -> Administration:
    """Return the changes that the operating-system user may make. Raises as `open_access` does."""
    # Before a command of root becomes A4P_USER.
    user = getpass.getuser()
    access = open_access(settings, may_create)
    missions = {mission.mission for mission in read_catalogue(settings.catalogue).missions}
    return Administration(access, make_socket_identity(user), missions)
