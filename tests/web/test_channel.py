"""One connection of the server: who sends the bytes of an answer, and answers that are repeated."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from flask import Flask, Response, request
from waitress.adjustments import Adjustments

from service.web.server import MAX_BODY_BYTES, MAX_REPEATABLE, READ_BODY, Channel, WebServer, _list_options, bind

MORE_THAN_THE_SOCKET_HOLDS = bytes(64 << 20)


class Loop:
    """The server of a channel, which records how often its event loop was woken, and when the channel was sending."""

    def __init__(self) -> None:
        self.active_channels: dict[int, Channel] = {}
        self.woken: list[bool] = []
        self.task_dispatcher = SimpleNamespace()
        self.repeatable: dict[bytes, object] = {}

    def pull_trigger(self) -> None:
        self.woken += [channel.is_sending for channel in self.active_channels.values()]


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def connection(loop: Loop) -> Iterator[tuple[Channel, socket.socket]]:
    own, client = socket.socketpair()
    own.setblocking(False)
    with own, client:
        yield Channel(loop, own, ("127.0.0.1", 1), Adjustments(**_list_options(MAX_BODY_BYTES)), map={}), client


def test_the_event_loop_does_not_poll_for_a_thread_that_sends(
    connection: tuple[Channel, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, _ = connection
    polled: list[bool] = []

    def send(data: bytes, do_close: bool = True) -> int:
        polled.append(channel.writable())
        return len(data)

    monkeypatch.setattr(channel, "send", send)
    channel.write_soon(b"answer")
    assert polled == [False]
    assert not channel.writable()


def test_the_event_loop_sends_what_a_thread_could_not(loop: Loop, connection: tuple[Channel, socket.socket]) -> None:
    channel, client = connection
    channel.write_soon(MORE_THAN_THE_SOCKET_HOLDS)
    assert channel.total_outbufs_len
    # The last time, the loop was woken after the thread had stopped sending: it would not poll before.
    assert loop.woken[-1] is False
    assert channel.writable()
    received = 0
    while channel.writable():
        channel.handle_write()
        received += len(client.recv(8 << 20))
    client.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            received += len(client.recv(8 << 20))
    assert received == len(MORE_THAN_THE_SOCKET_HOLDS)


def test_the_event_loop_closes_a_connection_also_while_a_thread_sends(connection: tuple[Channel, socket.socket]) -> None:
    channel, _ = connection
    channel.is_sending = True
    assert not channel.writable()
    channel.will_close = True
    assert channel.writable()


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
    def repeatable(self) -> dict[bytes, object]:
        return self.web._tcp.repeatable

    def ask(self, *parts: bytes, answers: int = 1) -> list[bytes]:
        """Send bytes on a new connection, and return the bodies of the answers."""
        received = b""
        with socket.create_connection(self.tcp.getsockname(), timeout=60) as client:
            for part in parts:
                client.sendall(part)
                while received.count(b"number ") < answers and part is parts[-1]:
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
    assert [counting.ask(GET) for _ in range(3)] == [[b"number 1"], [b"number 2"], [b"number 3"]]
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
    assert len(counting.requests) == 2 * answers
    assert not counting.repeatable


def test_requests_that_were_sent_at_once_are_answered_in_order(counting: Counting) -> None:
    counting.ask(GET)
    assert counting.repeatable
    assert counting.ask(GET + GET + GET, answers=3) == [b"number 2", b"number 3", b"number 4"]


def test_few_answers_are_remembered(counting: Counting) -> None:
    for number in range(MAX_REPEATABLE + 1):
        counting.ask(GET.replace(b"Host: a", b"Host: %d" % number))
    assert 0 < len(counting.repeatable) <= MAX_REPEATABLE
