"""The page `/quality`: reconciliation of totals, impossible values, completeness, load warnings, loads and counts."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from flask import Blueprint

from metrics.languages import localize
from metrics.values import MINUS
from service.application import Application
from service.web.pages.layout import cache_pages, open_page

MAX_ROWS = 5000
MAX_BATCHES = 100
MAX_WARNINGS = 100
# Number of columns that fit a screen.
MAX_CYCLES = 6


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the page to the routes."""
    cached = cache_pages(application)

    @routes.get("/quality")
    @cached
    def show_quality() -> str:
        with open_page(application) as page:
            due = page.read("pages/list_completeness", max_rows=MAX_ROWS)
            cycles = sorted({row["cycle"] for row in due if row["cycle"] is not None})[-MAX_CYCLES:]
            return page.render(
                "quality.html",
                contents=page.read("pages/describe_contents")[0],
                comparisons=page.read("pages/list_reconciliation"),
                impossible=page.read("pages/list_impossible"),
                cycles=cycles,
                totals=[_add_up([row for row in due if row["cycle"] == cycle]) for cycle in cycles],
                priorities=_arrange(due, cycles),
                others=[row for row in due if row["cycle"] is None],
                overdue=page.read("pages/list_overdue", is_newest=False),
                batches=page.read("pages/list_batches", max_rows=MAX_BATCHES),
                max_batches=MAX_BATCHES,
                warnings=page.read("pages/list_load_warnings", max_rows=MAX_WARNINGS),
                max_warnings=MAX_WARNINGS,
                write_number=write_number,
                is_cut=len(due) == MAX_ROWS,
            )


def write_number(value: float | None) -> str:
    """Return a number with up to four decimals, the precision of ratios in the report."""
    return "" if value is None else localize(f"{value:,.4f}".rstrip("0").rstrip(".")).replace("-", MINUS)


def _add_up(rows: list[dict[str, Any]]) -> tuple[int, int]:
    return sum(row["missions_reported"] for row in rows), sum(row["missions_expected"] for row in rows)


def _arrange(due: list[dict[str, Any]], cycles: list[int]) -> list[dict[str, Any]]:
    """Return the indicators by priority. Each has a cell for each cycle, None for cycles in which it was not due."""
    shown = [row for row in due if row["cycle"] in cycles]
    arranged = []
    for (priority, title), of_priority in groupby(shown, key=lambda row: (row["priority"], row["priority_title"])):
        indicators = []
        for _, found in groupby(of_priority, key=lambda row: row["indicator"]):
            rows = list(found)
            by_cycle = {row["cycle"]: row for row in rows}
            indicators.append({**rows[0], "cells": [by_cycle.get(cycle) for cycle in cycles]})
        arranged.append({"priority": priority, "title": title, "indicators": indicators})
    return arranged
