"""Real servers for tests of the lake: PostgreSQL from Debian, and an S3 server (rclone), each with data of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from tests.tools import find_free_port, find_tool

PASSWORD = "pass-of-postgres"
SECRET = "secret-of-the-bucket"


def find_postgres() -> Path:
    """Return the directory of PostgreSQL's programs. Without it the test is skipped, but fails where CI runs it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    return Path(find_tool("initdb")).parent


class Postgres:
    """A PostgreSQL server that asks for a password. It refuses to run as root, so it runs as `postgres` then."""

    def __init__(self) -> None:
        self._programs = find_postgres()
        # Not one of pytest's, which only the user of the tests can enter.
        self._folder = folder = Path(tempfile.mkdtemp(prefix="a4p-postgres-"))
        self._as = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        self.port = find_free_port()
        password = folder / "password"
        password.write_text(PASSWORD)
        if self._as:
            for path in (folder, password):
                shutil.chown(path, "postgres")
        self._run(
            "initdb", "-D", str(folder / "data"), "-U", "a4p", "-A", "scram-sha-256", "--pwfile", str(password), "--no-sync",
            "-E", "UTF8", "--locale", "C",
        )  # fmt: skip
        self.start()

    def start(self, further_address: str = "") -> None:
        """Start the server, which may have a second address, and wait until it answers."""
        addresses = ",".join(filter(None, ("127.0.0.1", further_address)))
        options = f"-p {self.port} -k {self._folder} -c listen_addresses={addresses} -c fsync=off"
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-o", options, "-w", "-l", str(self._folder / "log"), "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it; `immediate` ends all sessions without a shutdown."""
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", mode, "-w", "stop")

    @property
    def is_running(self) -> bool:
        """Whether the server runs."""
        return (self._folder / "data" / "postmaster.pid").exists()

    def close(self) -> None:
        """Stop it and delete its data."""
        self.stop()
        shutil.rmtree(self._folder)

    def restart(self) -> None:
        """Restart it, which ends all sessions."""
        self.stop()
        self.start()

    def allow(self, network: str) -> None:
        """Let clients of a network sign in, from the next start on."""
        with (self._folder / "data" / "pg_hba.conf").open("a") as file:
            file.write(f"host all a4p {network} scram-sha-256\n")

    def pause(self) -> None:
        """Stop all its processes: the kernel accepts connections and data, and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Continue after `pause`."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        server = int((self._folder / "data" / "postmaster.pid").read_text().split()[0])
        # First the one that starts the others.
        os.kill(server, number)
        for child in Path(f"/proc/{server}/task/{server}/children").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(child), number)

    def run_sql(self, text: str, database: str = "postgres") -> str:
        """Return the output of psql."""
        return self._run("psql", "-At", "-d", f"{self.describe(database)} password={PASSWORD}", "-c", text)

    def create_database(self, name: str) -> str:
        """Create a database; return its connection string without the password."""
        self.run_sql(f'create database "{name}"')
        return self.describe(name)

    def describe(self, database: str) -> str:
        """Return the connection string of a database without the password."""
        return f"host=127.0.0.1 port={self.port} user=a4p dbname={database}"

    def _run(self, program: str, *arguments: str) -> str:
        # pg_ctl leaves the server running with its output, so that is a file.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [*self._as, str(self._programs / program), *arguments],
                stdout=output, stderr=subprocess.STDOUT, cwd=self._folder, timeout=60,
            )  # fmt: skip
            output.seek(0)
            text = output.read()
        assert done.returncode == 0, text
        return text


class Bucket:
    """An S3 server with one bucket in a directory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "lake").mkdir(parents=True)
        self.port = find_free_port()
        self.endpoint = f"127.0.0.1:{self.port}"
        self._program = find_tool("rclone")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._process = subprocess.Popen(
            [self._program, "serve", "s3", "--addr", self.endpoint, "--auth-key", f"a4p,{SECRET}", "--config", "",
             str(self._folder)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://{self.endpoint}/", timeout=5).close()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.05)
        pytest.fail("the S3 server does not answer")

    def stop(self) -> None:
        """Stop the server; the data remains."""
        if self._process is not None:
            # On SIGTERM it waits for idle connections.
            self._process.kill()
            self._process.wait()
            self._process = None

    def list_files(self) -> set[str]:
        """Return the data files in the bucket."""
        return {str(file.relative_to(self._folder)) for file in self._folder.rglob("*.parquet")}


def check_packages() -> None:
    """Skip the test without the packages of the lake group; fail where CI runs it."""
    done = subprocess.run([sys.executable, "-c", "import psycopg, duckdb_extension_ducklake"], capture_output=True)
    if done.returncode != 0:
        message = "the packages of the lake group are missing; requirements-dev.txt has them"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
