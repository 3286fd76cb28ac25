"""A real nginx with the shipped configuration, in front of two replicas."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from metrics.addresses import place_nginx
from service.settings import find_in_tree
from tests.service_process import wait_for
from tests.tools import find_free_port, find_tool


def find_nginx() -> str:
    """Return the path of nginx, which Debian has in a directory of root's PATH."""
    return shutil.which("nginx", path="/usr/sbin") or find_tool("nginx")


@contextmanager
def run_nginx(directory: Path, replicas: tuple[str, str], *changes: tuple[str, str]) -> Iterator[str]:
    """Run nginx in front of two replicas, given as host:port; yield its URL. `changes` are texts to replace, such as times."""
    program, address = find_nginx(), f"127.0.0.1:{find_free_port()}"
    directory.mkdir()
    text = place_nginx((find_in_tree("nginx") / "a4p.conf").read_text(), replicas, address)
    for shipped, replacement in changes:
        assert shipped in text, shipped
        text = text.replace(shipped, replacement)
    (directory / "a4p.conf").write_text(text)
    shutil.copy(find_in_tree("nginx") / "nginx.conf", directory)
    # Started by root, it would read this private directory as www-data.
    user = ["-g", "user root;"] if os.geteuid() == 0 else []
    command = [program, "-e", "stderr", "-p", f"{directory}/", "-c", str(directory / "nginx.conf"), *user]
    with (directory / "log").open("w") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            wait_for(lambda: _answers(address) or process.poll() is not None)
            assert process.poll() is None, (directory / "log").read_text()
            yield f"http://{address}"
        finally:
            process.terminate()


def _answers(address: str) -> bool:
    host, port = address.split(":")
    try:
        socket.create_connection((host, int(port))).close()
    except OSError:
        return False
    return True
