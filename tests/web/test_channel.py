"""One connection of the server: who sends the bytes of an answer."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from waitress.adjustments import Adjustments

from service.web.repeated_answers import RememberedAnswers
from service.web.server import MAX_BODY_BYTES, Channel, _list_options

MORE_THAN_THE_SOCKET_HOLDS = bytes(64 << 20)


class Loop:
    """The server of a channel, which records how often its event loop was woken, and when the channel was sending."""

    def __init__(self) -> None:
        self.active_channels: dict[int, Channel] = {}
        self.woken: list[bool] = []
        self.task_dispatcher = SimpleNamespace()
        self.remembered = RememberedAnswers()

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
