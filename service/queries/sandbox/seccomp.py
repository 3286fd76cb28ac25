"""A seccomp filter that denies a worker sockets, processes and programs: a few BPF instructions, loaded by system call."""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from dataclasses import dataclass

# The same on every architecture.
_CLONE3, _IO_URING_SETUP = 435, 425
_CLONE_THREAD = 0x10000
# linux/seccomp.h and linux/filter.h
_SET_MODE_FILTER, _FLAG_ALL_THREADS = 1, 1
_ALLOW, _DENY, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _JUMP_EQUAL, _JUMP_GREATER_OR_EQUAL, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
# Offsets in struct seccomp_data; both architectures are little-endian.
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
# On x86-64 higher numbers are those of the x32 interface.
_X32_NUMBERS = 0x40000000


@dataclass(frozen=True)
class _Architecture:
    audit_number: int
    seccomp: int
    clone: int
    denied: tuple[int, ...]


# Denied: socket, socketpair, ptrace, execve, execveat, bpf, userfaultfd, and fork and vfork where they exist.
_ARCHITECTURES = {
    "x86_64": _Architecture(0xC000003E, 317, 56, (41, 53, 101, 59, 322, 321, 323, 57, 58)),
    "aarch64": _Architecture(0xC00000B7, 277, 220, (198, 199, 117, 221, 281, 280, 282)),
}


def deny_sockets_and_processes() -> bool:
    """Deny every thread of this process new sockets, processes and programs; return whether the architecture is known.

    Threads may still be started. Needs no_new_privs. Raises OSError when the kernel has no seccomp.
    """
    architecture = _ARCHITECTURES.get(platform.machine())
    if architecture is None:
        return False
    program = _write_program(architecture)
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(architecture.seccomp, _SET_MODE_FILTER, _FLAG_ALL_THREADS, header) != 0:
        raise OSError(ctypes.get_errno(), "the seccomp filter cannot be set")
    return True


def _write_program(architecture: _Architecture) -> bytes:
    denied = _DENY | errno.EPERM
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_JUMP_EQUAL, architecture.audit_number, 1, 0),
        _step(_RETURN, _KILL_PROCESS),
        _step(_LOAD, _NUMBER),
        _step(_JUMP_GREATER_OR_EQUAL, _X32_NUMBERS, 0, 1),
        _step(_RETURN, denied),
        # glibc starts threads with clone when the kernel does not know clone3, whose flags a filter cannot read.
        _step(_JUMP_EQUAL, _CLONE3, 0, 1),
        _step(_RETURN, _DENY | errno.ENOSYS),
    ]
    for number in (*architecture.denied, _IO_URING_SETUP):
        steps += [_step(_JUMP_EQUAL, number, 0, 1), _step(_RETURN, denied)]
    steps += [
        _step(_JUMP_EQUAL, architecture.clone, 0, 3),
        _step(_LOAD, _FIRST_ARGUMENT),
        _step(_JUMP_ANY_BIT, _CLONE_THREAD, 1, 0),
        _step(_RETURN, denied),
        _step(_RETURN, _ALLOW),
    ]
    return b"".join(steps)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
