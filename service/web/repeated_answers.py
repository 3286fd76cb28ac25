"""Answers that the event loop repeats without the application: for the same request, the same head and the current body.

Prometheus sends the same bytes for each scrape. Flask and the change of threads took two thirds of the time of one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from waitress.buffers import ReadOnlyFileBasedBuffer
from waitress.task import WSGITask
from waitress.utilities import build_http_date

from service.web.chunks import ChunkReader

# In the environment of a request whose answer depends only on its bytes, not on who sends it: a function that reads the body.
READ_BODY = "a4p.read_body"
# At this number all are forgotten. Each request has at most 8 KB (`recv_bytes` of waitress).
MAX_REMEMBERED = 50
END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True)
class RememberedAnswer:
    """The head of an answer, except length and date, and the function that reads its body."""

    head: bytes
    read_body: Callable[[], Sequence[bytes]]

    def read(self) -> tuple[bytes, ReadOnlyFileBasedBuffer]:
        """Return the current head and body."""
        chunks = self.read_body()
        length = sum(map(len, chunks))
        end = f"\r\nContent-Length: {length}\r\nDate: {build_http_date(time.time())}".encode()
        body = ReadOnlyFileBasedBuffer(ChunkReader(chunks))
        body.prepare(length)
        return self.head + end + END_OF_HEAD, body


class RememberedAnswers:
    """Answers by the bytes of their requests."""

    def __init__(self) -> None:
        self._answers: dict[bytes, RememberedAnswer] = {}

    def __len__(self) -> int:
        return len(self._answers)

    def find(self, received: bytes) -> RememberedAnswer | None:
        """Return the answer to a request, or None."""
        return self._answers.get(received)

    def add(self, received: bytes, answer: RememberedAnswer) -> None:
        """Remember an answer."""
        if len(self) >= MAX_REMEMBERED:
            self._answers.clear()
        self._answers[received] = answer


class Task(WSGITask):  # type: ignore[misc]
    """A request that the application answers."""

    def finish(self) -> None:
        """End the answer, and remember it if it can be repeated."""
        super().finish()
        received, request, environ = self.channel.received_whole, self.request, self.get_environment()
        if (
            READ_BODY in environ
            # One request without a body: what follows it is the next request.
            and received.find(END_OF_HEAD) == len(received) - len(END_OF_HEAD)
            and request.body_rcv is None
            and (request.command, self.status, self.close_on_finish) == ("GET", "200 OK", False)
        ):
            fields: list[Any] = [field for field in self.response_headers if field[0] not in ("Content-Length", "Date")]
            head = "\r\n".join([f"HTTP/{self.version} {self.status}", *(f"{name}: {value}" for name, value in sorted(fields))])
            self.channel.server.remembered.add(received, RememberedAnswer(head.encode("latin-1"), environ[READ_BODY]))
