"""Isolation of a worker by the operating system: resource limits, no new privileges, and Landlock for files and network."""

from __future__ import annotations

import ctypes
import os
import resource
import struct
from collections.abc import Mapping
from pathlib import Path

MIB = 1 << 20
# Address space that Python, DuckDB and the stacks of threads need before a query is run.
BASE_BYTES = 1024 * MIB
MAX_FILES = 64
# For the lifetime of a worker; the pool limits the time of a query.
CPU_SECONDS = 3600

_PR_SET_DUMPABLE, _PR_CAPBSET_READ, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 4, 23, 24, 38, 47
_AMBIENT_CLEAR_ALL, _CAPABILITY_VERSION, _MAX_CAPABILITY = 4, 0x20080522, 63
# System call numbers, the same on every architecture, and bits of linux/landlock.h.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _RULE_PATH_BENEATH = 1, 1
_FS_RIGHTS = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 5: 0xFFFF}
FS_READ, _FS_TRUNCATE = 0b1100, 0x4000
_FS_WRITE = 0x1FFF & ~1  # all of the first version but to execute
_NET_RIGHTS, _SCOPES = 0b11, 0b11

_libc = ctypes.CDLL(None, use_errno=True)


def limit_resources(memory_bytes: int, file_bytes: int) -> None:
    """Limit address space, file size, open files and processor time of this process."""
    set_limits(
        {
            resource.RLIMIT_AS: BASE_BYTES + memory_bytes,
            resource.RLIMIT_FSIZE: file_bytes,
            resource.RLIMIT_NOFILE: MAX_FILES,
            resource.RLIMIT_CPU: CPU_SECONDS,
            resource.RLIMIT_CORE: 0,
        }
    )
    # If memory is short, the kernel ends this process first.
    Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def set_limits(limits: Mapping[int, int]) -> None:
    """Set resource limits by their RLIMIT number, or the hard limit where that is lower."""
    for kind, limit in limits.items():
        _, hard = resource.getrlimit(kind)
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (limit, limit))


def isolate(readable: Path, spill: Path) -> bool:
    """Drop privileges and access to files except below two folders. Return whether the kernel has Landlock.

    Files below `readable` can be read, files below `spill` also written. The process can read its own entry in /proc and
    the cgroup limits. Open files stay open. Raises OSError when the kernel rejects a restriction.
    """
    folders = {readable: FS_READ, spill: _FS_WRITE | _FS_TRUNCATE}
    # DuckDB reads the limits of its container when it opens a database, and fails if it cannot.
    folders |= {folder: FS_READ for folder in (Path("/proc/self"), Path("/sys/fs/cgroup")) if folder.exists()}
    return restrict_access(folders)


def restrict_access(folders: dict[Path, int]) -> bool:
    """Deny this thread new privileges, TCP, and all files except those below the folders, each with its Landlock rights.

    Return whether the kernel has Landlock. Files that are open stay open. Raises OSError when the kernel refuses a restriction.
    """
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _check(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0))
    version = _libc.syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    if version < 1:
        return False
    rights = _FS_RIGHTS[max(known for known in _FS_RIGHTS if known <= version)]
    attributes = struct.pack("QQQ", rights, _NET_RIGHTS, _SCOPES)[: 24 if version >= 6 else 16 if version >= 4 else 8]
    ruleset = _check(_libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0))
    for folder, allowed in folders.items():
        opened = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        # Files that grow need the truncate right if the kernel supports it.
        rule = struct.pack("=Qi", allowed & rights, opened)
        _check(_libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0))
        os.close(opened)
    _check(_libc.syscall(_RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)
    return True


def drop_capabilities() -> None:
    """Drop every capability of this thread, also for programs it might start."""
    for number in range(_MAX_CAPABILITY + 1):
        # Only a process with CAP_SETPCAP may change its bounding set. Without capabilities the set has no effect.
        if _libc.prctl(_PR_CAPBSET_READ, number, 0, 0, 0) == 1:
            _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)
    _libc.prctl(_PR_CAP_AMBIENT, _AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    _check(_libc.capset(header, bytes(24)))


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
