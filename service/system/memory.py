"""Settings of the memory allocators of this process, so that freed memory is returned to the system soon.

There are two: the allocator of the C library (Python, Arrow, documents), and jemalloc in the library of DuckDB.
"""

from __future__ import annotations

import ctypes
import logging
import os
from collections.abc import Callable
from functools import cache

log = logging.getLogger(__name__)

# Numbers of glibc's malloc.h. An arena (by default 8 per processor) never returns its memory: with 50 mixed clients the
# service took 961 MB in 25 s with the defaults of glibc, and 636 MB in 2 minutes with 2 arenas.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
MAX_ARENAS = 2
# Fixed values, which glibc then does not increase: larger blocks, and more free memory at the end of an arena, are returned
# at once. Parts of an answer of remote read have 0.3 to 0.9 MB: with a threshold of 1 MB, nine clients left 97 MB free but not
# returned, with this one 25 MB.
MMAP_THRESHOLD_BYTES = 256 << 10
TRIM_THRESHOLD_BYTES = 128 << 10

# How long jemalloc retains freed memory pages. The query of a web page fills hash tables of 100 MB, which are then freed.
# DuckDB sets 1,000 ms for both. 16 clients that read web pages took 563 MB with that, 388 MB with these values, and 265 MB
# with 0 ms, which costs 50 % more processor time per page.
DECAY_MS = {"dirty_decay_ms": 200, "muzzy_decay_ms": 0}

# jemalloc reads this variable when the library of DuckDB is loaded.
JEMALLOC_VARIABLE = "DUCKDB_JE_MALLOC_CONF"
# An arena returns freed memory only while it is used, and DuckDB sets as many arenas as processors. With one arena, the next
# page uses the memory of the previous one: 16 clients that read web pages took 425 MB, and 613 MB with two arenas.
PROCESSORS_PER_ARENA = 4


def choose_arenas() -> None:
    """Choose the number of arenas of jemalloc, unless the environment does. Call it before DuckDB is imported."""
    arenas = max(1, (os.cpu_count() or 1) // PROCESSORS_PER_ARENA)
    os.environ.setdefault(JEMALLOC_VARIABLE, f"narenas:{arenas}")


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
    mallctl = find_mallctl()
    if mallctl is None:
        return False

    def write(name: str, milliseconds: int) -> bool:
        value = ctypes.c_ssize_t(milliseconds)
        return bool(mallctl(name.encode(), None, None, ctypes.byref(value), ctypes.sizeof(value)) == 0)

    return all(write(f"{arena}.{name}", value) for arena in ("arenas", "arena.0") for name, value in DECAY_MS.items())


def flush_thread_cache() -> None:
    """Return the freed blocks that jemalloc caches for this thread, up to several MB, to its arena.

    The service has more than 150 threads, most of which wait: without this, 16 clients left 100 MB in the caches of threads.
    """
    if (mallctl := find_mallctl()) is not None:
        mallctl(b"thread.tcache.flush", None, None, None, 0)


@cache
def find_mallctl() -> Callable[..., int] | None:
    """Return the function that controls jemalloc in the library of DuckDB, or None if it was built without jemalloc."""
    # Imported here: the arenas are chosen before.
    import _duckdb

    try:
        mallctl = ctypes.CDLL(_duckdb.__file__).duckdb_je_mallctl
    except (OSError, AttributeError):
        return None
    mallctl.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    return mallctl
