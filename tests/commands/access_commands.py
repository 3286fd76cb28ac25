"""Commands about users, tokens and the audit, run in the process of the test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner, Result

from service.access.access import Access
from service.cli import a4p
from service.settings import Settings
from service.warehouse.database import read_clock

PASSWORD = "correct horse battery"
Run = Callable[..., Result]


def make_run(data_dir: Path) -> Run:
    """Return a function that runs `a4p` on a data directory; a ServiceError is the exception of its result."""

    def run(*arguments: str, typed: str = "") -> Result:
        return CliRunner().invoke(a4p, arguments, input=typed, env={"A4P_DATA_DIR": str(data_dir)})

    return run


def open_access(data_dir: Path) -> Access:
    """Return the access of a data directory, as the service opens it."""
    return Access(Settings(data_dir=data_dir), read_clock)
