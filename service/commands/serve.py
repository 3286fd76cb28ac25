"""`a4p serve`: the service."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

import click

from service.application import Application
from service.commands.options import catalogue_option, data_dir_option
from service.definitions import read_definitions
from service.handoff import SOCKET_NAME, listen, write_secret
from service.settings import read_settings
from service.web.app import WebServer, bind


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
@click.option("--snapshot-cron", help="When to make a snapshot, five cron fields.  [default: 0 * * * *]")
@click.option(
    "--accept-loss",
    is_flag=True,
    help="Open a warehouse that is missing or holds less than was recorded of it, and go on from there.",
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
    """Load the catalogue's figures, make the first snapshot, and serve until Ctrl-C."""
    started = time.monotonic()
    settings = read_settings(host=host, port=port, snapshot_cron=snapshot_cron, data_dir=data_dir, catalogue=catalogue)
    definitions = read_definitions(settings.catalogue)
    signal.signal(signal.SIGTERM, _raise_interrupt)
    tcp = bind(settings.host, settings.port)
    try:
        application = Application(settings, definitions, accept_loss=accept_loss)
    except BaseException:
        tcp.close()
        raise
    server: WebServer | None = None
    try:
        secret = write_secret(settings.data_dir)
        handoff = listen(settings.data_dir)
        server = WebServer(application, tcp, handoff, secret)
        for reason in definitions.left_out:
            click.echo(f"left out: {reason}")
        click.echo(f"{'new warehouse' if application.warehouse.is_new else 'warehouse'} {settings.warehouse_file}")
        _load_report(application)
        behind = application.runner.catch_up(application.jobs)
        snapshot = application.refresh(with_history=False)
        application.start_history()
        click.echo(f"{snapshot.series_count:,} series exposed, as of {snapshot.as_of} (snapshot {snapshot.snapshot_id})")
        for job in behind:
            if job is not application.snapshot_job:
                application.runner.run(job)
        application.start()
        url = f"http://{settings.host if ':' not in settings.host else f'[{settings.host}]'}:{tcp.getsockname()[1]}"
        click.echo(f"metrics   {url}/metrics")
        click.echo(f"pages     {url}/")
        click.echo(f"read copy {settings.read_copy_file} (any DuckDB opens it)")
        click.echo(f"ready in {time.monotonic() - started:.1f} s; stop with Ctrl-C")
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        # A second Ctrl-C must not cut the closing short.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if server is not None:
            server.close()
        with suppress(OSError):
            (settings.data_dir / SOCKET_NAME).unlink(missing_ok=True)
        application.close()
    click.echo("stopped")


def _load_report(application: Application) -> None:
    batches = application.load_shipped()
    new = sum(batch.new_observations for batch in batches)
    revised = sum(batch.revisions for batch in batches)
    with application.warehouse.cursor() as cursor:
        (total,) = cursor.execute("select count(*) from observations").fetchone() or (0,)
    click.echo(f"{new + revised:,} observations loaded, {total:,} in the warehouse")


def _raise_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
