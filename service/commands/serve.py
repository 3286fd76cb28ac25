"""`a4p serve`: the service."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

import click
import duckdb

from service.application import Application
from service.client.address import listen, write_secret
from service.commands.options import catalogue_option, data_dir_option
from service.errors import AccessUnavailable, LakeUnavailable, WarehouseUnwritable
from service.jobs.watch import WATCH_SECONDS
from service.settings import read_settings
from service.system.disk import translate_write_error
from service.system.file_access import restrict_data_directory
from service.system.memory import limit_memory
from service.system.privileges import ROOT_WARNING, drop_privileges
from service.warehouse.connection import check_not_held
from service.warehouse.definitions import read_definitions
from service.warehouse.manifest import check_nothing_lost
from service.warehouse.opening import prepare_directory
from service.web.app import count_threads, make_app
from service.web.handoff import make_handoff_app
from service.web.server import WebServer, bind


@click.command(
    epilog="""\b
Examples:
  a4p serve
  a4p serve --port 9000 --data-dir /var/lib/a4p
  A4P_SNAPSHOT_CRON="*/15 * * * *" a4p serve
"""
)
@click.option("--host", help="Address to bind.  [default: 127.0.0.1]")
@click.option("--port", type=int, help="Port to bind; 0 takes a free one.  [default: 8000]")
@click.option("--snapshot-cron", help="Schedule of snapshots, five cron fields.  [default: 0 * * * *]")
@click.option(
    "--accept-loss",
    is_flag=True,
    help="Open a warehouse that is missing or has lost rows, and continue with it.",
)
@data_dir_option
@catalogue_option
def serve(
    host: str | None,
    port: int | None,
    snapshot_cron: str | None,
    accept_loss: bool,
    data_dir: Path | None,
    catalogue: Path | None,
) -> None:
    """Load the observations of the catalogue, compute a snapshot, and serve until Ctrl-C.

    While the warehouse is opened, the read copy of the last run is served.
    """
    started = time.monotonic()
    limit_memory()
    settings = read_settings(host=host, port=port, snapshot_cron=snapshot_cron, data_dir=data_dir, catalogue=catalogue)
    is_root = drop_privileges(settings)
    definitions = read_definitions(settings.catalogue)
    signal.signal(signal.SIGTERM, _raise_interrupt)
    # Before anything is served or written: what ends the start at once.
    check_not_held(settings.warehouse_file)
    # The file is a copy of a lake, which is pulled again.
    if not accept_loss and not settings.has_lake:
        check_nothing_lost(settings.warehouse_file)
    tcp = bind(settings.host, settings.port)
    application = Application(settings, definitions, opens_warehouse=False)
    server: WebServer | None = None
    start = Start(application, accept_loss, is_root)
    try:
        start.is_published = application.served.restore()
        try:
            prepare_directory(settings.data_dir)
        except WarehouseUnwritable:
            if not start.is_published:
                raise
        restrict_data_directory(settings)
        server = WebServer(make_app(application), count_threads(application), tcp, application.settings.load_max_bytes)
        application.sandbox.start()
        start.begin(server, tcp, started)
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        # A second Ctrl-C must not cut the closing short.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        start.end()
        if server is not None:
            server.close()
        tcp.close()
        if start.has_socket:
            with suppress(OSError):
                settings.socket_file.unlink(missing_ok=True)
        application.close()
    if start.failure is not None:
        raise start.failure
    click.echo("stopped")


class Start:
    """The start of the service beside the server that answers already: open, load, make a snapshot, listen for commands."""

    def __init__(self, application: Application, accept_loss: bool, is_root: bool) -> None:
        self.application = application
        self.accept_loss = accept_loss
        self.is_root = is_root
        self.is_published = False
        self.has_socket = False
        self.failure: BaseException | None = None
        self._is_ended = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, server: WebServer, tcp: socket.socket, started: float) -> None:
        """Start in a thread; a failure ends the server."""

        def run() -> None:
            try:
                self.application.served.restore_history()
                self._open()
                if not self._is_ended.is_set():
                    self._run(server, tcp, started)
            except BaseException as error:
                self.failure = error
                os.kill(os.getpid(), signal.SIGTERM)

        self._thread = threading.Thread(target=run, name="start")
        self._thread.start()

    def end(self) -> None:
        """Wait until the step that is running is done; the next ones are not begun."""
        self._is_ended.set()
        if self._thread is not None:
            self._thread.join()

    def _open(self) -> None:
        """Open the warehouse. Retry while the disk is full, or a lake cannot be reached, and an earlier state is served.

        Raises ServiceError.
        """
        reason = ""
        while not self._is_ended.is_set():
            try:
                self.application.open(self.accept_loss)
                return
            except (WarehouseUnwritable, LakeUnavailable, duckdb.Error) as error:
                unwritable = translate_write_error(error, self.application.settings.data_dir) or error
                if not self.is_published or not isinstance(unwritable, WarehouseUnwritable | LakeUnavailable):
                    raise
                if str(unwritable) != reason:
                    reason = str(unwritable)
                    click.echo(f"serving the state of the last run; the warehouse cannot be opened: {reason}", err=True)
                self._is_ended.wait(WATCH_SECONDS)

    def _run(self, server: WebServer, tcp: socket.socket, started: float) -> None:
        application, settings = self.application, self.application.settings
        if self.is_root:
            click.echo(ROOT_WARNING, err=True)
        handoff_app = make_handoff_app(application, write_secret(settings.data_dir))
        server.start_handoff(handoff_app, listen(settings.data_dir))
        self.has_socket = True
        for reason in application.definitions.left_out:
            click.echo(f"left out: {reason}")
        click.echo(f"{'new warehouse' if application.warehouse.is_new else 'warehouse'} {settings.warehouse_file}")
        try:
            self._prepare()
        except (WarehouseUnwritable, LakeUnavailable) as error:
            if not self.is_published:
                raise
            click.echo(f"serving the state of the last run: {error}", err=True)
            # Its failure is recorded, and the watch tries again once there is space.
            application.refresh_again()
        application.start_history()
        application.start()
        url = f"http://{settings.host if ':' not in settings.host else f'[{settings.host}]'}:{tcp.getsockname()[1]}"
        click.echo(f"metrics   {url}/metrics")
        click.echo(f"pages     {url}/")
        click.echo(f"read copy {settings.read_copy_file} (any DuckDB opens it)")
        _open_access(application, settings.public_url or _find_own_url(url))
        click.echo(f"ready in {time.monotonic() - started:.1f} s; stop with Ctrl-C")

    def _prepare(self) -> None:
        application = self.application
        _load_report(application)
        behind = application.list_behind()
        snapshot = application.refresh(with_history=False)
        click.echo(f"{snapshot.series_count:,} series exposed, as of {snapshot.as_of} (snapshot {snapshot.snapshot_id})")
        for job in behind:
            application.runner.run(job)


def _load_report(application: Application) -> None:
    batches = application.loads.load_shipped()
    new = sum(batch.new_observations for batch in batches)
    revised = sum(batch.revisions for batch in batches)
    with application.warehouse.cursor() as cursor:
        (total,) = cursor.execute("select count(*) from observations").fetchone() or (0,)
    click.echo(f"{new + revised:,} observations loaded, {total:,} in the warehouse")


def _find_own_url(url: str) -> str:
    """Return the URL by which a browser on this machine reaches the service."""
    return re.sub(r"//(0\.0\.0\.0|\[::\]):", "//127.0.0.1:", url)


def _open_access(application: Application, url: str) -> None:
    """Open the database of users, and print a link that works once while there is no administrator.

    Without either the service still serves readers.
    """
    try:
        application.access.audit.close_interrupted()
        # The first page would need it, also that of a reader while the database of users does not answer.
        application.access.find_cookie_key()
        secret = application.access.offer_first_administrator()
    except AccessUnavailable as error:
        click.echo(f"no one can sign in: {error}", err=True)
        return
    if secret is not None:
        click.echo(f"first administrator, within a day: {url}/setup?link={secret}")


def _raise_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
