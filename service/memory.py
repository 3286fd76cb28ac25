"""The allocator of the C library: few arenas, so that memory that was freed is returned to the system."""

from __future__ import annotations

import ctypes
import logging

log = logging.getLogger(__name__)

# Numbers of glibc's malloc.h. An arena for each few threads (8 a processor unless set) never gives back what it holds:
# with fifty mixed clients the service took 961 MB in 25 s with glibc's own settings, and 636 MB in two minutes with two arenas.
M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
MAX_ARENAS = 2
# Set, it no longer grows with what is freed: larger blocks go back to the system at once.
MMAP_THRESHOLD_BYTES = 1 << 20


def limit_arenas() -> bool:
    """Limit the arenas of this process; return whether the C library took it. Call it before threads are started."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        log.info("the memory allocator has no arenas to limit")
        return False
    return bool(mallopt(M_ARENA_MAX, MAX_ARENAS)) and bool(mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES))
