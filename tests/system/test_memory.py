"""Memory freed by threads is returned to the system."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from flask.testing import FlaskClient

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
import ctypes, duckdb
from service.system.memory import DECAY_MS, find_mallctl, limit_memory
limit_memory()
duckdb.connect().execute("select count(*) from range(1000000) group by all").fetchall()
mallctl = find_mallctl()
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


# Twenty threads run a query each and then wait. Prints the arenas of DuckDB's allocator, and the bytes in caches of threads.
CACHES = """
import ctypes, json, os, sys, threading
from service.system.memory import choose_arenas, find_mallctl, flush_thread_cache
os.cpu_count = lambda: int(sys.argv[2])
choose_arenas()
import duckdb
mallctl = find_mallctl()
def read(name, kind):
    value, size = kind(), ctypes.c_size_t(ctypes.sizeof(kind))
    assert mallctl(name.encode(), ctypes.byref(value), ctypes.byref(size), None, 0) == 0
    return value.value
database = duckdb.connect(config={"threads": 1})
ready, is_read = threading.Barrier(21), threading.Barrier(21)
def work():
    with database.cursor() as session:
        session.execute("select i % 1000 as k, list(i) from range(100000) as r(i) group by all order by all").fetchall()
    if sys.argv[1] == "flushed":
        flush_thread_cache()
    ready.wait()
    is_read.wait()
for _ in range(20):
    threading.Thread(target=work).start()
ready.wait()
now = ctypes.c_uint64(1)
mallctl(b"epoch", None, None, ctypes.byref(now), 8)
arenas = read("opt.narenas", ctypes.c_uint32)
cached = sum(read(f"stats.arenas.{arena}.tcache_bytes", ctypes.c_size_t) for arena in range(arenas))
is_read.wait()
print(json.dumps([arenas, cached]))
"""


def measure_caches(kind: str, processors: int = 2) -> tuple[int, int]:
    done = subprocess.run([sys.executable, "-c", CACHES, kind, str(processors)], capture_output=True, text=True, check=True)
    arenas, cached_bytes = json.loads(done.stdout)
    return arenas, cached_bytes


def test_duckdb_uses_one_arena_for_four_processors() -> None:
    assert measure_caches("flushed", processors=2)[0] == 1
    assert measure_caches("flushed", processors=16)[0] == 4


def test_threads_that_wait_return_what_duckdb_freed() -> None:
    _, cached_bytes = measure_caches("not flushed")
    assert cached_bytes > 4 << 20
    _, cached_bytes = measure_caches("flushed")
    assert cached_bytes < 1 << 20


def test_each_request_returns_the_cache_of_its_thread(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    flushes = []
    monkeypatch.setattr("service.web.app.flush_thread_cache", lambda: flushes.append(1))
    client.get("/missions")
    assert flushes == [1]
