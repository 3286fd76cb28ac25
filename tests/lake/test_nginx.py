"""nginx with the shipped configuration in front of two replicas of a lake."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.settings import find_in_tree
from tests.lake.servers import PASSWORD, SECRET, Bucket, Postgres
from tests.lake.test_processes import VALUE, Replica
from tests.nginx_process import run_nginx
from tests.prometheus_process import PrometheusProcess
from tests.service_process import get, wait_for
from tests.stack.test_victoriametrics import query, run_victoriametrics
from tests.tools import NEWER, find_free_port, find_tool

# Times of the shipped file, shorter.
QUICK = (
    ("fail_timeout=10s", "fail_timeout=2s"),
    ("proxy_read_timeout 60s", "proxy_read_timeout 9s"),
    ("proxy_read_timeout 4s", "proxy_read_timeout 2s"),
)
PAGES = ["/", "/indicators/sofa_incidents_new", "/api/v1/latest?limit=1", "/api/v1/sql?sql=select+42", "/metrics", "/-/ready"]


@dataclass
class Front:
    """Two replicas, nginx in front of them, and a token."""

    replicas: list[Replica]
    url: str
    token: str

    def read_all(self) -> None:
        """Request every kind of answer more often than there are replicas."""
        for path in PAGES * 3:
            status, _, body = get(f"{self.url}{path}")
            assert status == 200, (path, status, body[:500])

    def find_scraped(self) -> int:
        """Return which replica answers scrapes."""
        started = [read_start(each.url) for each in self.replicas]
        return started.index(read_start(self.url))


def end(replica: Replica) -> None:
    """Kill a replica, and close its output."""
    with replica.service:
        pass


def read_start(url: str) -> str:
    lines = get(f"{url}/metrics")[2].decode().splitlines()
    return next(line for line in lines if line.startswith("process_start_time_seconds "))


def post(url: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(url, body, {name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.fixture(scope="module")
def front(postgres: Postgres, bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("front")
    (folder / "secret").write_text(SECRET)
    # One observation: replicas start sooner.
    catalogue = folder / "catalogue"
    shutil.copytree(find_in_tree("metrics"), catalogue, ignore=shutil.ignore_patterns("observations", "*.py*"))
    (catalogue / "observations").mkdir()
    (catalogue / "observations" / "one.csv").write_text(VALUE.format(76))
    environment = {
        "A4P_WAREHOUSE": f"ducklake:postgres:{postgres.create_database('front')} password={PASSWORD}",
        "A4P_LAKE_DATA": "s3://lake/front",
        "A4P_LAKE_S3_ENDPOINT": bucket.endpoint,
        "A4P_LAKE_S3_KEY_ID": "a4p",
        "A4P_LAKE_S3_SECRET_FILE": str(folder / "secret"),
        "A4P_LAKE_S3_TLS": "false",
        "A4P_THREADS": "1",
        "A4P_CATALOGUE": str(catalogue),
        "A4P_PROXY_ADDRESSES": "127.0.0.1",
        "A4P_ANONYMOUS": "read",
        # As if another proxy stated the users of requests; this one does not.
        "A4P_PROXY_USER_HEADER": "X-Remote-User",
        "A4P_ALLOWED_HOSTS": "a4p.example.org",
    }
    ports = [find_free_port() for _ in range(2)]
    with ExitStack() as stack:
        replicas = [Replica(folder / name, environment, port) for name, port in zip("ab", ports, strict=True)]
        stack.callback(lambda: [end(replica) for replica in replicas])
        for replica in replicas:
            replica.wait()
        token = replicas[0].run("tokens", "create", "--service", "loader", "--role", "administrator").stdout.strip()
        addresses = (f"127.0.0.1:{ports[0]}", f"127.0.0.1:{ports[1]}")
        url = stack.enter_context(run_nginx(folder / "nginx", addresses, *QUICK))
        yield Front(replicas, url, token)


def test_pages_sql_scrapes_and_promql_are_answered_through_nginx(front: Front, tmp_path: Path) -> None:
    front.read_all()
    with PrometheusProcess(tmp_path / "prometheus", service_url=front.url, scrapes=True) as prometheus:

        def read(expression: str, instant: float) -> list[str]:
            found = prometheus.ask("query", query=expression, time=instant)["data"]["result"]
            return [series["value"][1] for series in found]

        assert read('a4p_sofa_incidents_new{job="a4p-history"} @ 1735689600', time.time()) in (["76"], ["77"])
        # Two replicas are one target, so no series is there twice.
        wait_for(lambda: read('count(a4p_sofa_incidents_new{mission="UNMISS"})', time.time()) == ["1"], 60, 0.2)


def test_a_client_cannot_state_a_user_or_another_host(front: Front) -> None:
    status, _, body = get(f"{front.url}/admin/users", X_Remote_User="root")
    assert status == 403 or b"Sign in" in body
    assert post(f"{front.url}/api/v1/loads", b"", X_Remote_User="root")[0] == 401
    assert get(f"{front.url}/", Host="a4p.example.org")[0] == 200
    assert get(f"{front.url}/", Host="evil.example.org")[0] == 421


def test_an_answer_to_a_user_is_not_given_to_others(front: Front) -> None:
    headers = {"Authorization": f"Bearer {front.token}"}
    answers = [get(f"{front.url}/api/v1/audit", **headers) for _ in range(2)]
    assert {(status, found["Cache-Control"].split(",")[0]) for status, found, _ in answers} == {(200, "private")}
    assert {get(f"{front.url}/api/v1/audit")[0] for _ in range(4)} == {401}


def test_only_files_to_load_may_be_large(front: Front) -> None:
    for size, path, expected in (
        (20_000_000, "/api/v1/loads", 401),
        (20_000_000, "/api/v1/thresholds", 413),
        (70_000_000, "/api/v1/loads", 413),
    ):
        # nginx closes the connection while the rest is sent, which a client may see first.
        with suppress(ConnectionError, urllib.error.URLError):
            assert post(f"{front.url}{path}", bytes(size))[0] == expected, path
            continue
        assert expected == 413


def test_a_file_that_is_loaded_through_nginx_is_on_both_replicas(front: Front) -> None:
    head = '--x\r\nContent-Disposition: form-data; name="file"; filename="values.csv"\r\nContent-Type: text/csv\r\n\r\n'
    body = f"{head}{VALUE.format(77)}\r\n--x--\r\n".encode()
    headers = {"Content_Type": "multipart/form-data; boundary=x", "Authorization": f"Bearer {front.token}"}
    status, answer = post(f"{front.url}/api/v1/loads", body, **headers)
    assert status == 201, answer
    for replica in front.replicas:
        wait_for(lambda replica=replica: replica.read('a4p_sofa_incidents_new{mission="UNMISS"}') == "77", 60, 0.2)


def test_readers_notice_no_killed_replica_and_it_comes_back(front: Front) -> None:
    assert front.find_scraped() == 0
    killed = front.replicas[0]
    end(killed)
    front.read_all()
    front.replicas[0] = Replica(killed.data_dir, killed.environment, killed.port)
    front.replicas[0].wait()
    wait_for(lambda: front.find_scraped() == 0, 60, 0.2)
    front.read_all()


def test_a_replica_that_hangs_is_passed_over(front: Front) -> None:
    process = front.replicas[0].service.process
    process.send_signal(signal.SIGSTOP)
    try:
        for path in ("/metrics", "/api/v1/latest?limit=1", "/api/v1/latest?limit=1"):
            assert get(f"{front.url}{path}")[0] == 200
    finally:
        process.send_signal(signal.SIGCONT)
    wait_for(lambda: front.find_scraped() == 0, 60, 0.2)


def test_a_request_that_was_sent_is_repeated_only_if_it_changes_nothing(tmp_path: Path) -> None:
    received: list[str] = []

    def answer_nothing(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                received.append(" ".join(connection.recv(65536).decode().split()[:2]))

    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        for listener in listeners:
            threading.Thread(target=answer_nothing, args=[listener], daemon=True).start()
        addresses = [f"127.0.0.1:{listener.getsockname()[1]}" for listener in listeners]
        url = stack.enter_context(run_nginx(tmp_path / "nginx", (addresses[0], addresses[1]), (" max_fails=1", " max_fails=0")))
        assert get(f"{url}/page")[0] == 502
        assert post(f"{url}/api/v1/read", b"query")[0] == 502
        for path in ("/api/v1/loads", "/api/v1/thresholds", "/sign-in"):
            assert post(f"{url}{path}", b"change")[0] == 502
        assert get(f"{url}/metrics")[0] == 502
        for listener in listeners:
            listener.shutdown(socket.SHUT_RDWR)
    assert {line: received.count(line) for line in received} == {
        "GET /page": 2,
        "POST /api/v1/read": 2,
        "POST /api/v1/loads": 1,
        "POST /api/v1/thresholds": 1,
        "POST /sign-in": 1,
        "GET /metrics": 2,
    }


def test_vmctl_copies_the_history_of_a_replica_to_victoriametrics(front: Front, tmp_path: Path) -> None:
    with run_victoriametrics(tmp_path / "victoriametrics") as target:
        done = subprocess.run(
            [find_tool("vmctl", NEWER), "remote-read", "-s", "--disable-progress-bar", f"--remote-read-src-addr={front.url}",
             "--remote-read-filter-label=job", "--remote-read-filter-label-value=a4p-history",
             "--remote-read-filter-time-start=2024-11-01T00:00:00Z", "--remote-read-filter-time-end=2024-11-30T00:00:00Z",
             "--remote-read-step-interval=month", f"--vm-addr={target}"],
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        get(f"{target}/internal/force_flush")
        values = query(target, 'last_over_time(a4p_sofa_incidents_new{mission="UNMISS"}[1y])', "2024-12-01T00:00:00Z")
    assert list(values.values()) in ([76], [77])
