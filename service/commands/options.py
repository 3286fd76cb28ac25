"""Options that several subcommands share, and the settings they make."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from service.loading.request import DIGEST_PATTERN
from service.queries.moments import parse_as_of, parse_date, parse_instant

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


class Parsed(click.ParamType[T]):
    """A value read by a function that raises ValueError with a sentence for the user."""

    def __init__(self, name: str, parse: Callable[[str], T]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> T:
        try:
            return self._parse(str(value))
        except ValueError as error:
            self.fail(str(error), parameter, context)


DAY = Parsed("date", parse_date)
AS_OF = Parsed("date", parse_as_of)
INSTANT = Parsed("time", parse_instant)


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


def read_digest(digest: str, dry_run: bool) -> str:
    """Return the value of --digest, in lower case. Raises UsageError with --dry-run, and BadParameter."""
    if dry_run:
        raise click.UsageError("--digest confirms a preview. Leave out --dry-run to load, or --digest to preview.")
    if not re.fullmatch(DIGEST_PATTERN, digest.lower()):
        raise click.BadParameter("a digest has 64 hexadecimal digits; --dry-run prints it.", param_hint="'--digest'")
    return digest.lower()


def parse_labels(context: click.Context, parameter: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    """Return the values of options of the form name=value by name. Raises BadParameter."""
    labels: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name or not value:
            raise click.BadParameter(f"{pair!r} is not of the form name=value")
        if labels.setdefault(name, value) != value:
            raise click.BadParameter(f"the label {name!r} is given twice")
    return labels
