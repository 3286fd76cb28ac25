"""Access to the Unix socket: processes of its user and of root, except children of the service, even with the secret."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from service.application import Application
from service.client.address import SECRET_HEADER, listen, write_secret
from service.client.protocol import JobsRequest
from service.client.remote import RemoteClient
from service.settings import TREE
from service.web.handoff import make_handoff_app
from service.web.handoff_server import Peer, find_refusal
from service.web.server import WebServer, bind

LIST_RUNS = """
import sys
from pathlib import Path
from service.errors import HandoffError
from service.client.protocol import JobsRequest
from service.client.remote import RemoteClient
try:
    print(len(RemoteClient(Path(sys.argv[1])).list_runs(JobsRequest(last=1, only_failed=False))), "run")
except HandoffError as error:
    print(error)
"""
# Its first process ends before the second connects, which is then no child of the service any more.
DETACHED = f"""
import os, time
started_by = os.getpid()
if os.fork():
    os._exit(0)
while os.getppid() == started_by:
    time.sleep(0.01)
{LIST_RUNS}
"""
# Enters the directory as root, which another user could not, and connects as that user.
AS_ANOTHER_USER = """
import os, socket, sys
os.chdir(sys.argv[1])
os.setgroups([])
os.setgid(65533)
os.setuid(65533)
with socket.socket(socket.AF_UNIX) as client:
    client.settimeout(10)
    client.connect("a4p.sock")
    print(client.makefile().read())
"""


@pytest.fixture
def handoff_dir(application: Application) -> Iterator[Path]:
    """The data directory of a service in this process, whose handoff socket is open."""
    data_dir = application.settings.data_dir
    server = WebServer(Flask(__name__), 1, bind("127.0.0.1", 0))
    server.start_handoff(make_handoff_app(application, write_secret(data_dir)), listen(data_dir))
    yield data_dir
    server.close()


def run_client(code: str, data_dir: Path) -> str:
    """Return what a client of the socket prints."""
    ended = subprocess.run([sys.executable, "-c", code, str(data_dir)], capture_output=True, text=True, cwd=TREE)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_process_of_the_service_and_unrelated_processes_are_accepted(handoff_dir: Path) -> None:
    assert len(RemoteClient(handoff_dir).list_runs(JobsRequest(last=1, only_failed=False))) == 1
    assert run_client(DETACHED, handoff_dir) == "1 run\n"


def test_a_child_process_of_the_service_is_refused_even_with_the_secret(handoff_dir: Path) -> None:
    assert "was started by the service itself" in run_client(LIST_RUNS, handoff_dir)


def test_a_process_of_another_user_is_refused() -> None:
    assert find_refusal(Peer(pid=1, uid=os.geteuid())) is None
    assert find_refusal(Peer(pid=1, uid=0)) is None
    assert "runs as user 65533" in str(find_refusal(Peer(pid=1, uid=65533)))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_that_reaches_the_socket_gets_a_refusal_before_its_request_is_read(handoff_dir: Path) -> None:
    handoff_dir.chmod(0o755)
    (handoff_dir / "a4p.sock").chmod(0o666)
    answer = run_client(AS_ANOTHER_USER, handoff_dir)
    assert answer.startswith("HTTP/1.1 403 Forbidden")
    assert "runs as user 65533; run the command as user 0, like the service, or as root" in answer


def test_a_load_without_a_name_cannot_be_cancelled_by_another_client(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_handoff_app(application, "secret").test_client()
    seen: list[object] = []

    def load(*arguments: object) -> list[object]:
        answer = client.post("/cancel", json={"work": ""}, headers={SECRET_HEADER: "secret"})
        *_, is_cancelled, _ = arguments
        assert callable(is_cancelled)
        seen.extend([answer.json, is_cancelled()])
        return []

    monkeypatch.setattr(application.loads, "load_and_publish", load)
    body = client.post("/load", json={"files": []}, headers={SECRET_HEADER: "secret"}).text
    assert body == '{"result": []}\n'
    assert seen == [{"is_found": False}, False]
