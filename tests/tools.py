"""Programs and ports that tests need from the machine."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path

import pytest


def find_tool(name: str) -> str:
    """Return the path of a program. Without it the test is skipped, but fails where the project's own check runs."""
    # Some come as packages of Python, beside the interpreter.
    path = shutil.which(name) or shutil.which(name, path=Path(sys.executable).parent)
    if path is None:
        message = f"{name} is missing; .ci/run says which package has it"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path


def find_free_port() -> int:
    """Return a port of the loopback that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
