"""`a4p stack`: the service with Prometheus, Alertmanager and Grafana, without containers."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from types import FrameType

import click

from service.commands.options import data_dir_option
from service.commands.stack_programs import plan_stack, run_stack
from service.settings import read_settings

CHECK_SECONDS = 0.5


@click.command(
    epilog="""\b
Examples:
  a4p stack
  a4p stack --data-dir /tmp/a4p
"""
)
@data_dir_option
def stack(data_dir: Path | None) -> None:
    """Run the service, Prometheus and Alertmanager on this machine until Ctrl-C, and Grafana if it is installed.

    The configuration is that of prometheus/ and grafana/; each server uses its default port on 127.0.0.1, or a free one.
    """
    settings = read_settings(data_dir=data_dir)
    programs = plan_stack(settings)
    folder = settings.data_dir / "stack"
    signal.signal(signal.SIGTERM, _raise_interrupt)
    with run_stack(folder) as running:
        try:
            for program in programs:
                running.start(program)
                click.echo(f"{program.name:<12} {program.url}")
            if "grafana" in (program.name for program in programs):
                click.echo(f"             user admin, password in {folder / 'grafana-password'}")
            else:
                click.echo("grafana      not on the PATH, so not started")
            click.echo(f"logs         {folder}/*.log\nrunning; stop with Ctrl-C")
            while True:
                running.check()
                time.sleep(CHECK_SECONDS)
        except KeyboardInterrupt:
            # A second Ctrl-C must not cut the stopping short.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            click.echo("stopping")
    click.echo("stopped")


def _raise_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
