"""Options that several subcommands share, and the settings they make."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click


class Instant(click.ParamType[datetime]):
    """A date or time as 2024-07-01 or 2024-07-01T12:00Z; without an offset it is meant in UTC."""

    name = "time"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> datetime:
        try:
            instant = value if isinstance(value, datetime) else datetime.fromisoformat(value)
            return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no date or time; write it like 2024-07-01 or 2024-07-01T12:00Z", parameter, context)


INSTANT = Instant()
F = TypeVar("F", bound=Callable[..., Any])


def data_dir_option(command: F) -> F:
    """Add --data-dir."""
    return click.option("--data-dir", type=click.Path(path_type=Path), help="Directory of the warehouse.  [default: ./data]")(
        command
    )


def catalogue_option(command: F) -> F:
    """Add --catalogue."""
    return click.option(
        "--catalogue", type=click.Path(path_type=Path), help="Directory of the catalogue.  [default: metrics/]"
    )(command)
