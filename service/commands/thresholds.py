"""`a4p thresholds`: set thresholds on metrics, back-test them, and list their history."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.table import Table

from metrics.thresholds import COMPARISONS, EVERY_MISSION, SEVERITIES, Comparison, Severity, make_threshold
from service.alerting.thresholds import BackTest, GovernedValue, ThresholdChange, back_test_threshold, check_threshold
from service.client.choose import use_client
from service.client.protocol import ThresholdRequest
from service.commands.options import data_dir_option, parse_labels
from service.commands.progress import show_progress
from service.commands.tables import print_wide
from service.settings import Settings, read_settings
from service.warehouse.connection import open_copy
from service.warehouse.database import run_sql
from service.warehouse.definitions import read_definitions

F = TypeVar("F", bound=Callable[..., Any])
MAX_SHOWN = 50


@click.group(
    epilog="""\b
Examples:
  a4p thresholds test sofa_incidents_new --above 100
  a4p thresholds set sofa_incidents_new --above 100 --note "Talk to the host state"
  a4p thresholds list
"""
)
def thresholds() -> None:
    """Set thresholds on metrics, and back-test them on the history. Works with and without a running service."""


def _where_options(command: F) -> F:
    """Add METRIC and the options that select the series of a threshold."""
    for add in (
        click.option(
            "--label", "dimensions", multiple=True, callback=parse_labels, help="Only this value of a label: name=value."
        ),
        click.option("--mission", default=EVERY_MISSION, help="Only this mission.  [default: every mission]"),
        click.argument("metric"),
    ):
        command = add(command)
    return data_dir_option(command)


def _limit_options(command: F) -> F:
    """Add the limit and its severity."""
    for add in (
        click.option("--severity", type=click.Choice(SEVERITIES), default="warning", show_default=True),
        click.option("--below", type=float, help="Fire if the value is below this limit."),
        click.option("--above", type=float, help="Fire if the value is above this limit."),
    ):
        command = add(command)
    return command


def _choose_limit(above: float | None, below: float | None) -> tuple[Comparison, float]:
    if above is None and below is not None:
        return "below", _check_finite(below)
    if above is not None and below is None:
        return "above", _check_finite(above)
    raise click.UsageError("give --above or --below, one of them")


def _check_finite(limit: float) -> float:
    if limit != limit or limit in (float("inf"), float("-inf")):
        raise click.UsageError("the limit must be a finite number")
    return limit


_by_option = click.option("--by", "set_by", default=getpass.getuser, show_default="the OS user", help="Name to record.")


@thresholds.command(
    name="set",
    epilog="""\b
Examples:
  a4p thresholds set sofa_incidents_new --above 100 --note "Talk to the host state"
  a4p thresholds set hospital_outage_days --above 60 --mission UNMISS --label cause=Equipment --severity critical
""",
)
@_where_options
@_limit_options
@click.option("--note", help="Reason to record.")
@_by_option
def set_(
    metric: str, mission: str, dimensions: dict[str, str], above: float | None, below: float | None,
    severity: Severity, note: str | None, set_by: str, data_dir: Path | None,
) -> None:  # fmt: skip
    """Set a threshold on METRIC, an indicator, KPI or a4p_indicator_change. The next scrape shows it.

    A threshold of a mission has precedence over a general one, and one with label values over one without. Setting the same
    threshold again replaces its limit; the history has both.
    """
    comparison, limit = _choose_limit(above, below)
    requested = ThresholdRequest(
        action="set", metric=metric, mission=mission, dimensions=dimensions, comparisons=[comparison],
        severities=[severity], limit=limit, note=note, set_by=set_by,
    )  # fmt: skip
    changed = _change(read_settings(data_dir=data_dir), requested)
    replaced = "" if changed.replaced_limit is None else f"; it replaces {changed.replaced_limit:g}"
    click.echo(f"set: {changed.text}{replaced}")


@thresholds.command(
    epilog="""\b
Examples:
  a4p thresholds remove sofa_incidents_new
  a4p thresholds remove hospital_outage_days --mission UNMISS --label cause=Equipment --severity critical
"""
)
@_where_options
@click.option("--above", is_flag=False, flag_value="any", metavar="", help="Only the upper limit.")
@click.option("--below", is_flag=False, flag_value="any", metavar="", help="Only the lower limit.")
@click.option("--severity", type=click.Choice(SEVERITIES), help="Only of this severity.")
@click.option("--note", help="Reason to record.")
@_by_option
def remove(
    metric: str, mission: str, dimensions: dict[str, str], above: str | None, below: str | None,
    severity: Severity | None, note: str | None, set_by: str, data_dir: Path | None,
) -> None:  # fmt: skip
    """Remove the threshold on METRIC for this mission and these labels; it stays in the history."""
    comparisons: list[Comparison] = [name for name, given in zip(COMPARISONS, (above, below), strict=True) if given]
    requested = ThresholdRequest(
        action="remove", metric=metric, mission=mission, dimensions=dimensions, comparisons=comparisons or list(COMPARISONS),
        severities=[severity] if severity else list(SEVERITIES), limit=None, note=note, set_by=set_by,
    )  # fmt: skip
    click.echo(f"removed: {_change(read_settings(data_dir=data_dir), requested).text}")


@thresholds.command(
    name="list",
    epilog="""\b
Examples:
  a4p thresholds list
  a4p thresholds list a4p_sofa_incidents_new
""",
)
@click.argument("metric", required=False)
@data_dir_option
def list_(metric: str | None, data_dir: Path | None) -> None:
    """List the current thresholds and the number of series that breach each."""
    settings = read_settings(data_dir=data_dir)
    with open_copy(settings.read_copy_file) as copy:
        rows = run_sql(copy, "thresholds/list", metric=_name_metric(settings, metric)).fetchall()
    table = Table("metric", "mission", "labels", "limit", "severity", "breaches", "note", "set by", "set at (UTC)", **PLAIN)
    for metric_, mission, dimensions, comparison, severity, limit, breaches, note, set_by, set_at in rows:
        table.add_row(
            metric_, mission, _write_labels(dimensions), f"{comparison} {limit:g}", severity, f"{breaches:,}", note or "",
            set_by, set_at,
        )  # fmt: skip
    print_wide(table)


@thresholds.command(
    epilog="""\b
Examples:
  a4p thresholds history
  a4p thresholds history a4p_sofa_incidents_new --last 100
"""
)
@click.argument("metric", required=False)
@click.option("--last", default=50, show_default=True, type=click.IntRange(1), help="Number of changes to list.")
@data_dir_option
def history(metric: str | None, last: int, data_dir: Path | None) -> None:
    """List changes of thresholds with user, time, note and replaced limit, newest first."""
    settings = read_settings(data_dir=data_dir)
    with open_copy(settings.read_copy_file) as copy:
        rows = run_sql(copy, "thresholds/history", metric=_name_metric(settings, metric), last=last).fetchall()
    table = Table("set at (UTC)", "by", "metric", "mission", "labels", "severity", "", "before", "after", "note", **PLAIN)
    for metric_, mission, dimensions, comparison, severity, before, after, note, set_by, set_at in rows:
        table.add_row(
            set_at, set_by, metric_, mission, _write_labels(dimensions), severity, comparison, _write_limit(before, "none"),
            _write_limit(after, "removed"), note or "",
        )  # fmt: skip
    print_wide(table)


@thresholds.command(
    epilog="""\b
Examples:
  a4p thresholds test sofa_incidents_new --above 100
  a4p thresholds test sea_allegations --suggest
"""
)
@_where_options
@_limit_options
@click.option("--note", expose_value=False, help="Ignored; accepted so that the arguments of set can be reused.")
@click.option("--by", expose_value=False, help="Ignored, as --note.")
@click.option("--suggest", is_flag=True, help="Propose limits from the history; the limit is then optional.")
def test(
    metric: str, mission: str, dimensions: dict[str, str], above: float | None, below: float | None,
    severity: Severity, suggest: bool, data_dir: Path | None,
) -> None:  # fmt: skip
    """Back-test a threshold on METRIC: list the missions and periods for which it would have fired.

    Changes nothing. For counts of rare events (fatalities, misconduct), also shows the probability of such a value or a higher
    one, by the Poisson distribution with the mean of the earlier periods of the series: a large probability means noise.
    """
    settings = read_settings(data_dir=data_dir)
    definitions = read_definitions(settings.catalogue)
    comparison: Comparison
    limit: float | None
    if suggest and above is None and below is None:
        comparison, limit = _find_bad_side(metric, [(i.metric, i.better) for _, i in definitions.catalogue.indicators]
                                           + [(kpi.metric, kpi.better) for kpi in definitions.kpis]), None  # fmt: skip
    else:
        comparison, limit = _choose_limit(above, below)
    requested = make_threshold(metric, mission, dimensions, comparison, severity, limit, None)
    check_threshold(definitions, requested)
    with open_copy(settings.read_copy_file) as copy:
        back_test = back_test_threshold(copy, definitions, requested, suggest)
    _show_back_test(back_test)


PLAIN: dict[str, Any] = {"box": None, "pad_edge": False}


def _find_bad_side(metric: str, better: Sequence[tuple[str, str]]) -> Comparison:
    known = dict(better)
    return "below" if known.get(metric, known.get(f"a4p_{metric}")) == "higher" else "above"


def _show_back_test(back_test: BackTest) -> None:
    for warning in back_test.warnings:
        click.echo(f"warning: {warning}", err=True)
    if back_test.threshold.limit is not None:
        fired, tested = back_test.fired, back_test.tested
        click.echo(f"{back_test.threshold}: would have fired {len(fired):,} of {len(tested):,} times")
        if fired:
            has_chance = any(item.chance is not None for item in fired)
            table = Table("mission", "labels", "period", "value", "limit", "by how much", "", **PLAIN)
            if has_chance:
                table.add_column("chance (Poisson)")
            for item in fired[:MAX_SHOWN]:
                cells = [
                    item.mission, _write_labels(item.dimensions), _write_period(item), f"{item.value:g}",
                    f"{back_test.threshold.limit:g}", f"{item.excess:g}", "now" if item.is_newest else "",
                ]  # fmt: skip
                table.add_row(*cells, *([_write_chance(item)] if has_chance else []))
            print_wide(table)
            if len(fired) > MAX_SHOWN:
                click.echo(f"... and {len(fired) - MAX_SHOWN:,} more")
        for word, items in (("started", back_test.started), ("cleared", back_test.cleared)):
            shown = [f"{item.mission} {_write_labels(item.dimensions)}".strip() for item in items if item.is_newest]
            now = f"; now: {', '.join(shown[:MAX_SHOWN])}" if shown else ""
            click.echo(f"against today's thresholds, {word}: {len(items):,}{now}")
    for exclusion in back_test.excluded[:MAX_SHOWN]:
        click.echo(str(exclusion))
    if len(back_test.excluded) > MAX_SHOWN:
        click.echo(f"... and {len(back_test.excluded) - MAX_SHOWN:,} more are excluded")
    if not back_test.tested:
        click.echo("no value so far is governed by it")
    for suggestion in back_test.suggestions:
        click.echo(
            f"suggested: --{back_test.threshold.comparison} {suggestion.limit:g}   fires {suggestion.fired:,} of "
            f"{len(back_test.tested):,} times; {suggestion.reason}"
        )


def _write_period(item: GovernedValue) -> str:
    return f"{item.period_start or 'as of'} {'to ' if item.period_start else ''}{item.period_end}"


def _write_chance(item: GovernedValue) -> str:
    if item.chance is None or item.earlier_mean is None:
        return "no earlier period"
    return f"{item.chance:.2g} (mean {item.earlier_mean:.4g} of {item.earlier_count})"


def _write_labels(dimensions: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in dimensions.items())


def _write_limit(limit: float | None, none: str) -> str:
    return none if limit is None else f"{limit:g}"


def _name_metric(settings: Settings, metric: str | None) -> str | None:
    if metric is None:
        return None
    threshold = make_threshold(metric, EVERY_MISSION, {}, "above", "warning", None, None)
    return check_threshold(read_definitions(settings.catalogue), threshold)[0].metric


def _change(settings: Settings, requested: ThresholdRequest) -> ThresholdChange:
    with show_progress() as progress:
        changed = use_client(settings, lambda client: client.change_threshold(requested, progress))
    for warning in changed.warnings:
        click.echo(f"warning: {warning}", err=True)
    for exclusion in changed.exclusions:
        click.echo(exclusion, err=True)
    return changed
