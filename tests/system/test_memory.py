"""Memory freed by threads is returned to the system."""

from __future__ import annotations

import subprocess
import sys

# Each of forty threads holds many small blocks, at the same time as the others, and frees them.
PROGRAM = """
import ctypes, threading, sys, re
from service.system.memory import limit_arenas
if sys.argv[1] == "limited":
    assert limit_arenas()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
together = threading.Barrier(40)
def work():
    blocks = [libc.malloc(1000) for _ in range(200)]
    together.wait()
    for block in blocks:
        libc.free(block)
threads = [threading.Thread(target=work) for _ in range(40)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


def count_arenas(kind: str) -> int:
    done = subprocess.run([sys.executable, "-c", PROGRAM, kind], capture_output=True, text=True, check=True)
    return done.stdout.count("<heap nr=")


def test_the_service_uses_few_arenas() -> None:
    assert count_arenas("limited") == 2
    assert count_arenas("unlimited") > 2


# Prints how long each arena of DuckDB's allocator holds freed pages, and each that is made later.
DECAY = """
import _duckdb, ctypes, duckdb
from service.system.memory import DECAY_MS, limit_memory
limit_memory()
duckdb.connect().execute("select count(*) from range(1000000) group by all").fetchall()
mallctl = ctypes.CDLL(_duckdb.__file__).duckdb_je_mallctl
for arena in ("arenas", "arena.0", "arena.1"):
    for name in DECAY_MS:
        value, size = ctypes.c_ssize_t(), ctypes.c_size_t(ctypes.sizeof(ctypes.c_ssize_t))
        if mallctl(f"{arena}.{name}".encode(), ctypes.byref(value), ctypes.byref(size), None, 0) == 0:
            print(arena, name, value.value)
"""


def test_duckdb_returns_freed_pages_soon() -> None:
    done = subprocess.run([sys.executable, "-c", DECAY], capture_output=True, text=True, check=True)
    read = dict(line.rsplit(" ", 1) for line in done.stdout.splitlines())
    assert read["arenas dirty_decay_ms"] == read["arena.0 dirty_decay_ms"] == "200"
    assert read["arenas muzzy_decay_ms"] == read["arena.0 muzzy_decay_ms"] == "0"
    assert read.get("arena.1 dirty_decay_ms", "200") == "200"
