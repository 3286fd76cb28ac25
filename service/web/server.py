"""The servers: TCP for all clients, and the Unix socket for commands on the same host. Each has its own event loop.

waitress runs in one process (the warehouse has one writer), needs no compiler, serves slow clients without a thread each, and
passes bytes to the kernel without rendering. This module adds limits on connections and time.
"""

from __future__ import annotations

import copy
import os
import resource
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer, create_server

from service.errors import PortTaken
from service.web.dispatcher import LastIdleFirst
from service.web.handoff_server import HandoffServer
from service.web.repeated_answers import RememberedAnswers, Task

UPLOAD_PATHS = ("/api/v1/loads", "/api/v1/events", "/events/load")

# waitress writes unsent bytes beyond this size to a file. Our bodies are in memory already.
NEVER_TO_FILE = 1 << 40
# Posted bodies are small, except files to load. A larger body is rejected before it is read.
MAX_BODY_BYTES = 16 << 20
# Files to load that are received at the same time; waitress writes them to temporary files before it calls the application.
MAX_UPLOADS = 4
# What a multipart body has beside its file.
FORM_BYTES = 1 << 16
# With the default of five milliseconds, a scrape waits that long at each thread switch while a history query runs.
SWITCH_SECONDS = 0.001
HANDOFF_THREADS = 4
MAX_CONNECTIONS = 4096
# Descriptors for everything but connections: DuckDB, copies, pipes of child processes.
SPARE_DESCRIPTORS = 512
BACKLOG = 1024

# A connection is closed after this many seconds ...
SILENT_SECONDS = 10.0  # ... without a first byte
HEADER_SECONDS = 10.0  # ... with incomplete headers
BODY_SECONDS = 60.0  # ... with an incomplete body
UPLOAD_SECONDS = 600.0  # ... with an incomplete file to load
IDLE_SECONDS = 75.0  # ... between two requests
UNREAD_SECONDS = 30.0  # ... without reading any byte of its answer
ANSWER_SECONDS = 600.0  # ... with one answer
# A larger step between wall clock and monotonic clock means that the wall clock was set.
CLOCK_STEP_SECONDS = 1.0
# Maximum unread bytes of an answer when the next request of the connection starts.
PIPELINE_BYTES = 1 << 20
MAX_PIPELINED = 100


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """A request whose body can be larger if it is a file to load: `server.upload_bytes` for MAX_UPLOADS requests at a time."""

    def __init__(self, adj: Any, server: Server) -> None:
        super().__init__(adj)
        self.is_upload = False
        self._server = server

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the header, and choose the limit of the body by the path."""
        super().parse_header(header_plus)
        if self.path in UPLOAD_PATHS and self.command == "POST" and self._server.count_uploads() < MAX_UPLOADS:
            self.is_upload = True
            own = copy.copy(self.adj)
            own.max_request_body_size = max(MAX_BODY_BYTES, self._server.upload_bytes + FORM_BYTES)
            self.adj: Any = own


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that records how long it waits, and starts a pipelined request after the previous answer is read."""

    server: Server
    task_class = Task
    will_close: bool

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.request_since: float | None = None
        self.answer_since: float | None = None
        self.has_requested = False
        self.is_held = False
        self.is_sending = False
        # What was received at once while no other request was read or answered.
        self.received_whole = b""
        super().__init__(*arguments, **options)

    def parser_class(self, adj: Any) -> Parser:
        """Return the parser of the next request."""
        return Parser(adj, self.server)

    def received(self, data: bytes) -> bool:
        """Receive bytes from the client. The time of a request starts with its first byte."""
        is_alone = self.request is None and not self.requests
        if is_alone and not (self.will_close or self.close_when_flushed) and (answer := self.server.remembered.find(data)):
            self.has_requested = True
            with suppress(ClientDisconnected):
                for part in answer.read():
                    self.write_soon(part)
            return True
        self.received_whole = data if is_alone else b""
        if self.request is None:
            self.request_since = time.monotonic()
        is_received: bool = super().received(data)
        if self.request is None:
            self.request_since = None
        if self.requests:
            self.has_requested = True
        if len(self.requests) > MAX_PIPELINED:
            self.will_close = True
        return is_received

    def write_soon(self, data: Any) -> int:
        """Send bytes in the thread of the request, and leave the rest to the event loop."""
        self.is_sending = True
        try:
            size: int = super().write_soon(data)
            return size
        finally:
            self.is_sending = False
            if self.total_outbufs_len:
                self.server.pull_trigger()

    def writable(self) -> bool:
        """Return whether the event loop has to send bytes or to close the connection.

        While the thread of the request sends, the loop cannot, because it does not get the lock. waitress polls the socket
        nevertheless, without a pause: 70 times per scrape of 0.75 MB, so that the thread waited for the interpreter.
        """
        if self.is_sending and self.total_outbufs_len <= self.adj.outbuf_high_watermark:
            return bool(self.will_close or self.close_when_flushed)
        return bool(super().writable())

    def handle_write(self) -> None:
        """Send bytes to the client, and start the request that waited for it."""
        super().handle_write()
        if self.total_outbufs_len:
            self.answer_since = self.answer_since or time.monotonic()
        else:
            self.answer_since = None
        if self.is_held and self.total_outbufs_len <= PIPELINE_BYTES:
            self.is_held = False
            self.server.task_dispatcher.add_task(self)

    def find_overdue(self, wall: float, now: float) -> bool:
        """Return whether the connection has exceeded one of its time limits.

        `wall` is the time of the clock that waitress uses for activity, `now` the monotonic time.
        """
        idle = wall - self.last_activity
        if self.total_outbufs_len:
            is_slow = self.answer_since is not None and now - self.answer_since > ANSWER_SECONDS
            return bool(is_slow or idle > UNREAD_SECONDS)
        if self.requests:
            return False
        if self.request is not None and self.request_since is not None:
            if not self.request.headers_finished:
                return now - self.request_since > HEADER_SECONDS
            return now - self.request_since > (UPLOAD_SECONDS if self.request.is_upload else BODY_SECONDS)
        return bool(idle > (IDLE_SECONDS if self.has_requested else SILENT_SECONDS))

    @property
    def is_idle(self) -> bool:
        """Whether no request is being read or answered, so that closing the connection loses nothing."""
        return not self.requests and not self.total_outbufs_len


class Server(TcpWSGIServer):  # type: ignore[misc]
    """A server that closes overdue connections and, at the connection limit, those that are idle longest."""

    channel_class = Channel
    clock_offset: float | None = None
    upload_bytes = MAX_BODY_BYTES
    remembered: RememberedAnswers

    def count_uploads(self) -> int:
        """Return how many files to load are being received."""
        return sum(channel.request is not None and channel.request.is_upload for channel in list(self.active_channels.values()))

    def maintenance(self, now: float) -> None:
        """Close overdue connections. Setting the wall clock does not make connections overdue."""
        monotonic = time.monotonic()
        offset, before = now - monotonic, self.clock_offset
        self.clock_offset = offset
        for channel in list(self.active_channels.values()):
            if before is not None and abs(offset - before) > CLOCK_STEP_SECONDS:
                channel.last_activity += offset - before
            if channel.find_overdue(now, monotonic):
                channel.will_close = True

    def handle_accept(self) -> None:
        """Accept a connection. At the limit, close idle connections first, longest idle first."""
        if len(self.active_channels) >= find_connection_limit():
            idle = sorted((channel for channel in self.active_channels.values() if channel.is_idle), key=_find_last_activity)
            for channel in idle[: max(1, len(idle) // 10)]:
                channel.handle_close()
        super().handle_accept()

    def add_task(self, task: Channel) -> None:
        """Start the next request of a connection, unless too much of the previous answer is unread."""
        if task.total_outbufs_len > PIPELINE_BYTES:
            task.is_held = True
        else:
            self.task_dispatcher.add_task(task)


def _find_last_activity(channel: Channel) -> float:
    return float(channel.last_activity)


def raise_descriptor_limit() -> None:
    """Raise the limit of file descriptors to the number that connections need, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    required = MAX_CONNECTIONS + SPARE_DESCRIPTORS
    limit = required if hard == resource.RLIM_INFINITY else min(required, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def find_connection_limit() -> int:
    """Return the maximum number of simultaneous connections."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else max(64, min(MAX_CONNECTIONS, soft - SPARE_DESCRIPTORS))


def bind(host: str, port: int) -> socket.socket:
    """Return a listening TCP socket. Raises PortTaken when the address cannot be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise PortTaken(
            f"cannot listen on {host}:{port} ({os.strerror(error.errno or 0)}). "
            "Stop the other process, or set A4P_PORT to another port"
        ) from None


class WebServer:
    """The TCP server, which runs in the calling thread, and the server of the Unix socket, which runs in another thread."""

    def __init__(self, app: Flask, threads: int, tcp: socket.socket, upload_bytes: int = MAX_BODY_BYTES) -> None:
        raise_descriptor_limit()
        sys.setswitchinterval(SWITCH_SECONDS)
        self._tcp_map: dict[int, Any] = {}
        self._handoff_map: dict[int, Any] = {}
        self._tcp = create_server(
            app, map=self._tcp_map, sockets=[tcp], _dispatcher=LastIdleFirst(threads), **_list_options(MAX_BODY_BYTES)
        )
        # create_server returns an instance of its own class. Our class adds limits, and the answers to repeat.
        self._tcp.__class__ = Server
        self._tcp.channel_class = Channel
        self._tcp.upload_bytes = upload_bytes
        self._tcp.remembered = RememberedAnswers()
        self._handoff: Any = None

    def start_handoff(self, app: Flask, listener: socket.socket) -> None:
        """Start the server for commands. TCP clients cannot use up its connections."""
        self._handoff = create_server(
            app,
            map=self._handoff_map,
            sockets=[listener],
            _dispatcher=LastIdleFirst(HANDOFF_THREADS),
            **_list_options(MAX_BODY_BYTES),
        )
        # As above: the class adds a check of each connection and no state.
        self._handoff.__class__ = HandoffServer
        threading.Thread(target=self._handoff.run, name="handoff", daemon=True).start()

    def count_uploads(self) -> int:
        """Return how many files to load are being received."""
        return int(self._tcp.count_uploads())

    def run(self) -> None:
        """Serve requests until SystemExit or KeyboardInterrupt is raised in this thread."""
        self._tcp.run()

    def close(self) -> None:
        """Stop both servers."""
        for server, sockets in ((self._tcp, self._tcp_map), (self._handoff, self._handoff_map)):
            if server is not None:
                server.task_dispatcher.shutdown()
                wasyncore.close_all(sockets)


def _list_options(largest_body_bytes: int) -> dict[str, Any]:
    return {
        "ident": "a4p",
        "outbuf_overflow": NEVER_TO_FILE,
        "outbuf_high_watermark": NEVER_TO_FILE,
        # TrustedProxies heeds these headers of trusted addresses only.
        "clear_untrusted_proxy_headers": False,
        "max_request_body_size": largest_body_bytes,
        # Our limit is lower and closes idle connections. At its own limit, waitress stops accepting.
        "connection_limit": 2 * MAX_CONNECTIONS,
        "backlog": BACKLOG,
        "asyncore_use_poll": True,
        "cleanup_interval": 1,
        "channel_timeout": int(IDLE_SECONDS),
        # Detects a disconnected client while its request is processed.
        "channel_request_lookahead": 1,
    }
