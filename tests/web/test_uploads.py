"""Bodies that a real server receives: chunked, too large, and files to load, which may be larger than other bodies."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from flask import Flask, request

from service.web.server import FORM_BYTES, MAX_BODY_BYTES, MAX_UPLOADS, UPLOAD_PATHS, WebServer, bind
from tests.service_process import wait_for

pytestmark = pytest.mark.usefixtures("server")
UPLOAD_BYTES = MAX_BODY_BYTES + (4 << 20)
OTHER_PATH = "/api/v1/thresholds"


@pytest.fixture(scope="module")
def tcp() -> socket.socket:
    return bind("127.0.0.1", 0)


@pytest.fixture(scope="module")
def port(tcp: socket.socket) -> int:
    return int(tcp.getsockname()[1])


@pytest.fixture(scope="module")
def server(tcp: socket.socket) -> Iterator[WebServer]:
    """A server that answers with the size of what it received."""
    app = Flask(__name__)

    def measure() -> str:
        size = 0
        while chunk := request.stream.read(1 << 20):
            size += len(chunk)
        return str(size)

    for path in (*UPLOAD_PATHS, OTHER_PATH):
        app.add_url_rule(path, path, measure, methods=["POST"])
    running = WebServer(app, 4, tcp, UPLOAD_BYTES)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    yield running
    running.close()


def post(port: int, path: str, size: int, is_chunked: bool) -> tuple[int, str]:
    block = b"x" * (1 << 20)
    whole, rest = divmod(size, len(block))
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as client:
        headers = {} if is_chunked else {"Content-Length": str(size)}
        client.request("POST", path, (*[block] * whole, block[:rest]), headers, encode_chunked=is_chunked)
        answer = client.getresponse()
        return answer.status, answer.read().decode()


@pytest.mark.parametrize("path", UPLOAD_PATHS)
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_file_to_load_can_be_larger_than_other_bodies(port: int, is_chunked: bool, path: str) -> None:
    size = MAX_BODY_BYTES + (1 << 20)
    assert post(port, path, size, is_chunked) == (200, str(size))


@pytest.mark.parametrize("path", [OTHER_PATH, *UPLOAD_PATHS])
def test_a_body_whose_length_is_over_the_limit_is_refused_before_it_is_sent(port: int, path: str) -> None:
    limit = MAX_BODY_BYTES if path == OTHER_PATH else UPLOAD_BYTES + FORM_BYTES
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as client:
        client.putrequest("POST", path)
        client.putheader("Content-Length", str(limit))
        client.endheaders()
        assert client.getresponse().status == 413


def test_only_a_few_files_are_received_at_the_same_time(server: WebServer, port: int) -> None:
    clients = [http.client.HTTPConnection("127.0.0.1", port, timeout=30) for _ in range(MAX_UPLOADS)]
    try:
        for client in clients:
            client.putrequest("POST", UPLOAD_PATHS[0])
            client.putheader("Content-Length", str(MAX_BODY_BYTES + 1))
            client.endheaders(b"x")
        wait_for(lambda: server.count_uploads() == MAX_UPLOADS)
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as another:
            another.putrequest("POST", UPLOAD_PATHS[0])
            another.putheader("Content-Length", str(MAX_BODY_BYTES + 1))
            another.endheaders()
            assert another.getresponse().status == 413
        assert post(port, UPLOAD_PATHS[0], 10, False) == (200, "10")
    finally:
        for client in clients:
            client.close()
