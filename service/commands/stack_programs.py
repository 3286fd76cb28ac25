"""The stack without containers: the service, Prometheus, Alertmanager and, if installed, Grafana, on the loopback."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from metrics.addresses import Addresses, place_alertmanager, place_prometheus
from metrics.notifications import add_notifications
from service.errors import StackError
from service.notifications import read_notifications
from service.settings import Settings, find_in_tree

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.1
SHOWN_LOG_LINES = 5
# Names of each program: in Debian's package, and in other installations.
PROMETHEUS = ("prometheus",)
ALERTMANAGER = ("prometheus-alertmanager", "alertmanager")
GRAFANA = ("grafana", "grafana-server")


@dataclass(frozen=True)
class Program:
    """A program of the stack: its command, its address, and the path that returns 200 when it is ready."""

    name: str
    command: tuple[str, ...]
    url: str
    ready_path: str
    environment: Mapping[str, str] = field(default_factory=dict)


def plan_stack(settings: Settings) -> list[Program]:
    """Return the programs in start order, each on its usual port if that is free.

    Writes their configuration from the shipped files to `stack` in the data directory. Raises StackError with every missing
    program; Grafana is optional.
    """
    prometheus, alertmanager, grafana = (_find(*names) for names in (PROMETHEUS, ALERTMANAGER, GRAFANA))
    missing = [names[0] for path, names in ((prometheus, PROMETHEUS), (alertmanager, ALERTMANAGER)) if path is None]
    if prometheus is None or alertmanager is None:
        raise StackError(f"not on the PATH: {', '.join(missing)}; install Debian's packages: apt install {' '.join(missing)}")
    folder = (settings.data_dir / "stack").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    service, alerting, scraping = (f"{HOST}:{port}" for port in _choose_ports(settings.port, 9093, 9090))
    addresses = Addresses(
        service=service,
        instance=service,
        alertmanager=alerting,
        rules=str(find_in_tree("prometheus") / "rules" / "*.yml"),
        token_file=str(settings.token_file.resolve()),
    )
    files = {}
    notifications = read_notifications(settings)
    for name, place in (("prometheus.yml", place_prometheus), ("alertmanager.yml", place_alertmanager)):
        files[name] = folder / name
        text = place((find_in_tree("prometheus") / name).read_text(encoding="utf-8"), addresses)
        files[name].write_text(add_notifications(text, notifications) if name == "alertmanager.yml" else text, encoding="utf-8")
    programs = [
        Program(
            "service",
            (sys.executable, "-m", "service.cli", "serve", "--host", HOST, "--port", service.rpartition(":")[2],
             "--data-dir", str(settings.data_dir)),
            f"http://{service}",
            "/-/ready",
            {"A4P_ALERTMANAGER_URL": settings.alertmanager_url or f"http://{alerting}"},
        ),
        Program(
            "alertmanager",
            (alertmanager, f"--config.file={files['alertmanager.yml']}", f"--storage.path={folder / 'alertmanager'}",
             f"--web.listen-address={alerting}", "--cluster.listen-address="),
            f"http://{alerting}",
            "/-/ready",
        ),
        Program(
            "prometheus",
            (prometheus, f"--config.file={files['prometheus.yml']}", f"--storage.tsdb.path={folder / 'prometheus'}",
             f"--web.listen-address={scraping}"),
            f"http://{scraping}",
            "/-/ready",
        ),
    ]  # fmt: skip
    if grafana is not None:
        programs.append(plan_grafana(Path(grafana), folder, programs[2].url, programs[1].url))
    return programs


def plan_grafana(binary: Path, folder: Path, prometheus_url: str, alertmanager_url: str) -> Program:
    """Return Grafana with the shipped provisioning. The password of its user admin is in `grafana-password`."""
    (port,) = _choose_ports(3000)
    shared = Path("/usr/share/grafana")
    # Packages install the program and its files in different folders; the archive has them in one.
    home = shared if shared.is_dir() else binary.resolve().parent.parent
    server = ("server",) if binary.name == "grafana" else ()
    config = find_in_tree("grafana") / "grafana.ini"
    return Program(
        "grafana",
        (str(binary), *server, f"--homepath={home}", f"--config={config}"),
        f"http://{HOST}:{port}",
        "/api/health",
        {
            "GF_SERVER_HTTP_ADDR": HOST,
            "GF_SERVER_HTTP_PORT": str(port),
            "GF_PATHS_DATA": str(folder / "grafana"),
            "GF_PATHS_PROVISIONING": str(find_in_tree("grafana") / "provisioning"),
            "GF_SECURITY_ADMIN_PASSWORD": _read_password(folder / "grafana-password"),
            "A4P_PROMETHEUS_URL": prometheus_url,
            "A4P_ALERTMANAGER_URL": alertmanager_url,
            "A4P_DASHBOARDS": str(find_in_tree("grafana") / "dashboards"),
        },
    )


class Stack:
    """The running programs. The output of each is in `<name>.log` in the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[tuple[Program, subprocess.Popen[bytes]]] = []

    def start(self, program: Program) -> None:
        """Start a program and wait until it is ready. Raises StackError with the end of its log if it is not."""
        with self._log(program).open("wb") as log:
            process = subprocess.Popen(
                program.command,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **program.environment},
                # Ctrl-C goes to the parent process, which ends the programs in order.
                start_new_session=True,
            )
        self._running.append((program, process))
        deadline = time.monotonic() + START_SECONDS
        while not _is_ready(program.url + program.ready_path):
            self.check()
            if time.monotonic() > deadline:
                raise StackError(f"{program.name} was not ready within {START_SECONDS:g} s; {self._point_to_log(program)}")
            time.sleep(POLL_SECONDS)

    def check(self) -> None:
        """Raise StackError when a program has ended."""
        for program, process in self._running:
            if process.poll() is not None:
                raise StackError(f"{program.name} ended with code {process.returncode}; {self._point_to_log(program)}")

    def stop(self) -> None:
        """End every program in reverse start order."""
        while self._running:
            _, process = self._running.pop()
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _log(self, program: Program) -> Path:
        return self.folder / f"{program.name}.log"

    def _point_to_log(self, program: Program) -> str:
        log = self._log(program)
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-SHOWN_LOG_LINES:]
        return "\n  ".join([f"the end of {log}:", *lines])


@contextmanager
def run_stack(folder: Path) -> Iterator[Stack]:
    """Yield a stack. Its programs end with the block."""
    stack = Stack(folder)
    try:
        yield stack
    finally:
        stack.stop()


def _find(*names: str) -> str | None:
    return next((path for path in map(shutil.which, names) if path), None)


def _choose_ports(*usual: int) -> list[int]:
    """Return a free port of the loopback for each usual port: the port itself, or any."""
    sockets: list[socket.socket] = []
    try:
        for port in usual:
            try:
                sockets.append(socket.create_server((HOST, port)))
            except OSError:
                sockets.append(socket.create_server((HOST, 0)))
        return [int(listener.getsockname()[1]) for listener in sockets]
    finally:
        for listener in sockets:
            listener.close()


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _read_password(file: Path) -> str:
    # Grafana stores the password of its first start, so later starts have to use the same one.
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(18), encoding="ascii")
    return file.read_text(encoding="ascii")
