"""Programs and ports that tests need from the machine."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path

import pytest

# Servers of two generations: those installed on the machine, and the newer ones that .ci/fetch-servers unpacks into a folder.
INSTALLED, NEWER = "installed", "newer"
each_generation = pytest.mark.parametrize("generation", [INSTALLED, NEWER])


def locate_newer_servers() -> Path:
    """Return the folder of the newer servers' programs, which may not exist."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("A4P_TEST_SERVERS") or cache / "a4p-test-servers") / "usr" / "bin"


def find_tool(name: str, generation: str = INSTALLED) -> str:
    """Return the path of a program. Without it the test is skipped, but fails where the project's own check runs."""
    if generation == NEWER:
        path = shutil.which(name, path=locate_newer_servers())
        source = ".ci/fetch-servers downloads it"
    else:
        # Some come as packages of Python, beside the interpreter.
        path = shutil.which(name) or shutil.which(name, path=Path(sys.executable).parent)
        source = ".ci/run says which package has it"
    if path is None:
        message = f"{name} ({generation}) is missing; {source}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path


def find_free_port() -> int:
    """Return a port of the loopback that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
