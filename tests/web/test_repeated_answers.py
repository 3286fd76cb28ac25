"""Answers that are repeated to the same bytes of a request, without the application."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator

import pytest
from flask import Flask, Response, request

from service.web.repeated_answers import MAX_REMEMBERED, READ_BODY, RememberedAnswers
from service.web.server import WebServer, bind
from tests.service_process import wait_for


class Counting:
    """A server whose application counts its answers, of which each has the next number."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.bodies = 0
        app = Flask(__name__)
        app.add_url_rule("/number", "number", self._answer, methods=["GET", "POST"])
        app.add_url_rule("/private", "private", lambda: self._answer(is_repeatable=False))
        self.tcp = bind("127.0.0.1", 0)
        self.web = WebServer(app, 1, self.tcp)
        self.thread = threading.Thread(target=self.web.run, name="event loop", daemon=True)
        self.thread.start()

    @property
    def remembered(self) -> RememberedAnswers:
        return self.web._tcp.remembered

    def ask(self, *parts: bytes, answers: int = 1) -> list[bytes]:
        """Send bytes on a new connection, and return the bodies of the answers."""
        received = b""
        with socket.create_connection(self.tcp.getsockname(), timeout=60) as client:
            for part in parts:
                client.sendall(part)
                while len(re.findall(rb"number .", received)) < answers and part is parts[-1]:
                    received += client.recv(65536)
        for head in received.split(b"HTTP/1.1 200 OK")[1:]:
            assert re.search(rb"\r\nContent-Length: 8\r\n", head) and head.count(b"\r\nDate: ") == 1, head
        return re.findall(rb"number .", received)

    def _read(self) -> list[bytes]:
        self.bodies += 1
        return [b"number ", str(self.bodies % 10).encode()]

    def _answer(self, is_repeatable: bool = True) -> Response:
        self.requests.append(f"{request.method} {request.path} {threading.current_thread().name}")
        if is_repeatable:
            request.environ[READ_BODY] = self._read
        return Response(b"".join(self._read()), content_type="text/plain")


@pytest.fixture
def counting() -> Iterator[Counting]:
    server = Counting()
    yield server
    server.web.close()
    server.tcp.close()


GET = b"GET /number HTTP/1.1\r\nHost: a\r\n\r\n"


def test_the_same_request_is_answered_with_the_current_body_and_without_the_application(counting: Counting) -> None:
    assert counting.ask(GET) == [b"number 1"]
    wait_for(lambda: len(counting.remembered))
    assert [counting.ask(GET) for _ in range(2)] == [[b"number 2"], [b"number 3"]]
    assert len(counting.requests) == 1
    # One that differs in a header is another request.
    assert counting.ask(GET.replace(b"Host: a", b"Host: b")) == [b"number 4"]
    assert len(counting.requests) == 2


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([GET.replace(b"number", b"private")], id="the application does not offer it"),
        pytest.param([GET.replace(b"GET", b"POST")], id="a change"),
        pytest.param([GET.replace(b"Host", b"Content-Length: 1\r\nHost") + b"x"], id="with a body"),
        pytest.param([GET.replace(b"Host", b"Content-Length: 1\r\nHost"), b"x"], id="with a body in another packet"),
        pytest.param([GET.replace(b"Host", b"Transfer-Encoding: chunked\r\nHost") + b"0\r\n\r\n"], id="with a body in chunks"),
        pytest.param([GET.replace(b"Host", b"Connection: close\r\nHost")], id="the last one of its connection"),
        pytest.param([GET + GET], id="two at once"),
    ],
)
def test_other_requests_are_not_answered_from_memory(counting: Counting, parts: list[bytes]) -> None:
    answers = 2 if parts == [GET + GET] else 1
    for _ in range(2):
        assert len(counting.ask(*parts, answers=answers)) == answers
    # One thread answers, so the first ones have ended.
    assert len(counting.requests) == 2 * answers
    assert not counting.remembered


def test_requests_that_were_sent_at_once_are_answered_in_order(counting: Counting) -> None:
    counting.ask(GET)
    wait_for(lambda: len(counting.remembered))
    assert counting.ask(GET + GET + GET, answers=3) == [b"number 2", b"number 3", b"number 4"]


def test_few_answers_are_remembered(counting: Counting) -> None:
    for number in range(MAX_REMEMBERED + 1):
        counting.ask(GET.replace(b"Host: a", b"Host: %d" % number))
    assert 0 < len(counting.remembered) <= MAX_REMEMBERED
