"""The page `/thresholds`: current thresholds, their history, and back-tests."""

from __future__ import annotations

import math
import shlex
from typing import Any, cast

from flask import Blueprint, request

from metrics.thresholds import COMPARISONS, EVERY_MISSION, SEVERITIES, Comparison, Severity, Threshold, make_threshold
from service.alerting.thresholds import BackTest, back_test_threshold, list_exclusions, list_metrics
from service.application import Application
from service.errors import ThresholdError
from service.warehouse.database import read_rows, run_sql
from service.web.pages.layout import open_page

MAX_CHANGES = 100
MAX_FIRED = 100


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the page to the routes."""
    definitions = application.definitions
    measured: dict[str, Any] = {entry.metric: entry for _, entry in definitions.catalogue.indicators}
    measured |= {kpi.metric: kpi for kpi in definitions.kpis}
    names = {metric: getattr(entry, "indicator", None) or entry.kpi for metric, entry in measured.items()}

    @routes.get("/thresholds")
    def show_thresholds() -> str:
        form = {name: request.args.get(name, "").strip() for name in ("metric", "mission", "labels", "limit")}
        form["comparison"] = _choose(request.args.get("comparison"), COMPARISONS, "above")
        form["severity"] = _choose(request.args.get("severity"), SEVERITIES, "warning")
        with open_page(application) as page:
            assert page.session is not None
            back_test: BackTest | None = None
            error_text = ""
            if form["metric"]:
                try:
                    back_test = back_test_threshold(page.session, definitions, read_back_test(form), suggest=True)
                except ThresholdError as error:
                    error_text = str(error)
            thresholds = read_rows(run_sql(page.session, "thresholds/list", metric=None))
            exclusions = list_exclusions(page.session, None)
            for row in thresholds:
                key = make_threshold(
                    row["metric"], row["mission"], row["dimensions"], row["comparison"], row["severity"], None, None
                ).key
                row["exclusions"] = exclusions.get(key, [])
            return page.render(
                "thresholds.html",
                form=form,
                back_test=back_test,
                error_text=error_text,
                thresholds=thresholds,
                history=read_rows(run_sql(page.session, "thresholds/history", metric=None, last=MAX_CHANGES)),
                metrics=list_metrics(definitions),
                missions=[entry.mission for entry in definitions.catalogue.missions],
                comparisons=COMPARISONS,
                severities=SEVERITIES,
                measured=measured,
                names=names,
                command=write_command(back_test.threshold) if back_test else "",
                max_fired=MAX_FIRED,
                every_mission=EVERY_MISSION,
            )


def read_back_test(form: dict[str, str]) -> Threshold:
    """Return the threshold to back-test. Without a limit, only suggestions are computed.

    Raises ThresholdError if the limit is not a number or the labels are not name=value pairs.
    """
    limit: float | None = None
    if form["limit"]:
        try:
            limit = float(form["limit"])
        except ValueError:
            raise ThresholdError(f"limit: {form['limit']!r} is not a number. Write it like 100 or 0.25.") from None
        if not math.isfinite(limit):
            raise ThresholdError("limit: the number must be finite.")
    labels: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in form["labels"].split(";"))):
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not (equals and name and value):
            raise ThresholdError(f"labels: {pair!r} is not written as name=value. Separate labels with a semicolon.")
        labels[name] = value
    return make_threshold(
        form["metric"],
        form["mission"] or EVERY_MISSION,
        labels,
        cast(Comparison, form["comparison"]),
        cast(Severity, form["severity"]),
        limit,
        None,
    )


def write_command(threshold: Threshold) -> str:
    """Return the command that sets a threshold."""
    parts = ["a4p", "thresholds", "set", threshold.metric]
    if threshold.limit is not None:
        parts += [f"--{threshold.comparison}", f"{threshold.limit:g}"]
    if threshold.mission != EVERY_MISSION:
        parts += ["--mission", threshold.mission]
    for name, value in threshold.dimensions.items():
        parts += ["--label", f"{name}={value}"]
    return shlex.join([*parts, "--severity", threshold.severity])


def _choose(given: str | None, known: tuple[str, ...], default: str) -> str:
    return given if given in known else default
