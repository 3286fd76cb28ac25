"""Settings of the memory allocators of this process, so that freed memory is returned to the system soon.

There are two: the allocator of the C library (Python, Arrow, documents), and jemalloc in the library of DuckDB.
"""

from __future__ import annotations

import ctypes
import logging

import _duckdb

log = logging.getLogger(__name__)

# Numbers of glibc's malloc.h. An arena (by default 8 per processor) never returns its memory: with 50 mixed clients the
# service took 961 MB in 25 s with the defaults of glibc, and 636 MB in 2 minutes with 2 arenas.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
MAX_ARENAS = 2
# Fixed values, which glibc then does not increase: larger blocks, and more free memory at the end of an arena, are returned
# at once.
MMAP_THRESHOLD_BYTES = 1 << 20
TRIM_THRESHOLD_BYTES = 128 << 10

# How long jemalloc retains freed memory pages. The query of a web page fills hash tables of 100 MB, which are then freed.
# DuckDB sets 1,000 ms for both. 16 clients that read web pages took 563 MB with that, 388 MB with these values, and 265 MB
# with 0 ms, which costs 50 % more processor time per page.
DECAY_MS = {"dirty_decay_ms": 200, "muzzy_decay_ms": 0}


def limit_memory() -> None:
    """Configure both allocators. Call it before threads are started and databases are opened."""
    if not limit_arenas():
        log.info("the memory allocator of the C library has no such settings")
    if not limit_decay():
        log.info("the memory allocator of DuckDB has no such settings")


def limit_arenas() -> bool:
    """Limit the arenas of the C library; return whether it accepted all settings."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    options = {M_ARENA_MAX: MAX_ARENAS, M_MMAP_THRESHOLD: MMAP_THRESHOLD_BYTES, M_TRIM_THRESHOLD: TRIM_THRESHOLD_BYTES}
    return all(mallopt(option, value) for option, value in options.items())


def limit_decay() -> bool:
    """Shorten how long jemalloc retains freed pages, in its first arena and in later ones. Return whether it accepted that."""
    try:
        mallctl = ctypes.CDLL(_duckdb.__file__).duckdb_je_mallctl
    except (OSError, AttributeError):  # a library of DuckDB that was built without jemalloc
        return False
    mallctl.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]

    def write(name: str, milliseconds: int) -> bool:
        value = ctypes.c_ssize_t(milliseconds)
        return bool(mallctl(name.encode(), None, None, ctypes.byref(value), ctypes.sizeof(value)) == 0)

    return all(write(f"{arena}.{name}", value) for arena in ("arenas", "arena.0") for name, value in DECAY_MS.items())
