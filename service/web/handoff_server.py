"""The server of the Unix socket: it accepts only processes of this user and of root, and no child of the service."""

from __future__ import annotations

import logging
import os
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waitress.server import UnixWSGIServer

from service.web.handoff import write_refusal

log = logging.getLogger(__name__)

# struct ucred of socket(7): process, user and group, as they were when the client connected.
CREDENTIALS = struct.Struct("=iII")
MAX_ANCESTORS = 64


@dataclass(frozen=True)
class Peer:
    """The process at the other end of a Unix socket; `pid` is 0 when it is in another PID namespace."""

    pid: int
    uid: int


class HandoffServer(UnixWSGIServer):  # type: ignore[misc]
    """Answers a refused process with one sentence and closes its connection before a request is read."""

    def accept(self) -> tuple[socket.socket, Any] | None:
        """Return the next connection and its address, or None when there is none that is accepted."""
        accepted: tuple[socket.socket, Any] | None = super().accept()
        if accepted is None:
            return None
        connection, _ = accepted
        peer = read_peer(connection)
        reason = find_refusal(peer)
        if reason is None:
            return accepted
        log.warning("a connection to the handoff socket was refused: %s", reason)
        body = write_refusal(f"the service refused this command: {reason}").encode()
        head = "HTTP/1.1 403 Forbidden\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n"
        with connection, suppress(OSError):
            connection.send(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return None


def read_peer(connection: socket.socket) -> Peer:
    """Return the process that connected, as the kernel recorded it. Raises OSError."""
    pid, uid, _ = CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))
    return Peer(pid, uid)


def find_refusal(peer: Peer) -> str | None:
    """Return why a process must not use the socket, or None when it may."""
    own = os.geteuid()
    if peer.uid not in (own, 0):
        return f"process {peer.pid} runs as user {peer.uid}; run the command as user {own}, like the service, or as root"
    if _is_descendant(peer.pid):
        return f"process {peer.pid} was started by the service itself, and its child processes must not change the warehouse"
    return None


def _is_descendant(pid: int) -> bool:
    """Return whether a process is a child of this one, or a child of a child; a process that has ended is not."""
    own = os.getpid()
    if pid == own:
        return False
    for _ in range(MAX_ANCESTORS):
        if pid == own:
            return True
        if pid <= 1:
            return False
        try:
            # The name of the program stands in parentheses and may hold any character: state and parent follow the last one.
            pid = int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return False
    return False
