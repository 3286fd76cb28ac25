"""Options that several subcommands share, and the settings they make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def data_dir_option(command: F) -> F:
    """Add --data-dir."""
    return click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the warehouse.  [default: ./data]")(
        command
    )


def catalogue_option(command: F) -> F:
    """Add --catalogue."""
    return click.option("--catalogue", type=click.Path(path_type=Path), help="Catalogue directory in place of metrics/.")(
        command
    )
