"""A machine with a network of its own, which can be lost: a network namespace, joined to this one by a pair of interfaces."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.tools import find_tool


class NetworkRefused(Exception):
    """This user may not make a network namespace."""


class Machine:
    """A network namespace. `here` is the address of this machine for it."""

    def __init__(self) -> None:
        self._program = find_tool("ip")
        self._name = f"a4p{os.getpid()}"
        # Of the range for tests of networks (RFC 2544).
        network = f"198.18.{os.getpid() % 256}"
        self.here, self._there, self.network = f"{network}.1", f"{network}.2", f"{network}.0/30"

    def make(self) -> None:
        """Make the namespace. Raises NetworkRefused."""
        outer, inner = f"{self._name}o", f"{self._name}i"
        self._ip("netns", "add", self._name)
        self._ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", self._name)
        self._ip("addr", "add", f"{self.here}/30", "dev", outer)
        self._ip("link", "set", outer, "up")
        self._ip("-n", self._name, "addr", "add", f"{self._there}/30", "dev", inner)
        self._ip("-n", self._name, "link", "set", inner, "up")
        shown = self._ip("-n", self._name, "-brief", "link", "show", inner)
        # Packets for it are sent also when it does not answer: no error ends a connection sooner than its timeouts.
        self._ip("neigh", "replace", self._there, "lladdr", shown.split()[2], "dev", outer, "nud", "permanent")

    def remove(self) -> None:
        """Remove the namespace with its interfaces."""
        subprocess.run([self._program, "netns", "delete", self._name], capture_output=True)

    def command(self, *arguments: str) -> list[str]:
        """Return the command that runs a program there."""
        return [self._program, "netns", "exec", self._name, *arguments]

    def disappear(self) -> None:
        """Lose the network: packets to it are dropped, and no connection is closed."""
        self._ip("-n", self._name, "addr", "del", f"{self._there}/30", "dev", f"{self._name}i")

    def come_back(self) -> None:
        """Have the network again."""
        self._ip("-n", self._name, "addr", "add", f"{self._there}/30", "dev", f"{self._name}i")

    def _ip(self, *arguments: str) -> str:
        done = subprocess.run([self._program, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise NetworkRefused(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout


@contextmanager
def make_machine() -> Iterator[Machine]:
    """Yield a machine with a network of its own. Raises NetworkRefused."""
    machine = Machine()
    try:
        machine.make()
        yield machine
    finally:
        machine.remove()
