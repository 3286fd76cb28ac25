"""Memory that threads have freed goes back to the system."""

from __future__ import annotations

import subprocess
import sys

# Each of forty threads holds many small blocks, at the same time as the others, and frees them.
PROGRAM = """
import ctypes, threading, sys, re
from service.memory import limit_arenas
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
