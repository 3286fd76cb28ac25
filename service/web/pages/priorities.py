"""The pages `/priorities` and `/priorities/<priority>`: indicators against missions, with their newest figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, abort

from service.application import Application
from service.web.pages.layout import keep_pages, open_page, suggest_names, write_labels

WHOLE = "ALL"
MAX_SERIES = 1000

Row = dict[str, Any]


@dataclass
class MatrixRow:
    """One indicator or KPI, and dimension values where it has them, with its figure for each mission.

    `period` is that of its newest figure; `is_first` whether the row before it is of another indicator.
    """

    figure: Row
    labels: str
    is_first: bool
    cells: dict[str, Row] = field(default_factory=dict)

    @property
    def newest(self) -> Row:
        """The cell with the newest period."""
        return max(self.cells.values(), key=lambda cell: cell["period_end"])


def arrange_matrix(rows: Iterable[Row]) -> list[MatrixRow]:
    """Return a row for each indicator and its dimension values, in the order in which they come first."""
    matrix: dict[tuple[str, str], MatrixRow] = {}
    previous = None
    for row in rows:
        labels = write_labels(row["dimensions"])
        key = (row["name"], labels)
        if key not in matrix:
            matrix[key] = MatrixRow(row, labels, row["name"] != previous)
            previous = row["name"]
        matrix[key].cells[row["mission"]] = row
    return list(matrix.values())


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the pages to the routes."""
    keep = keep_pages(application)
    catalogue = application.definitions.catalogue

    @routes.get("/priorities")
    @keep
    def list_priorities() -> str:
        with open_page(application) as page:
            return page.render("priorities.html", priorities=page.read("pages/list_priorities"))

    @routes.get("/priorities/<priority>")
    @keep
    def show_priority(priority: str) -> str:
        found = next((entry for entry in catalogue.priorities if entry.priority == priority), None)
        if found is None:
            names = [entry.priority for entry in catalogue.priorities]
            abort(404, f"Unknown priority {priority!r}. {suggest_names(priority, names)}")
        with open_page(application) as page:
            rows = page.read("pages/list_figures", one=None, priority=priority, mission=None, most=MAX_SERIES)
            matrix = arrange_matrix(rows)
            seen = {row["name"] for row in rows}
            return page.render(
                "priority.html",
                priority=found,
                missions=[entry for entry in catalogue.missions if any(entry.mission in row.cells for row in matrix)],
                whole=[row for row in matrix if set(row.cells) == {WHOLE}],
                by_mission=[row for row in matrix if set(row.cells) != {WHOLE}],
                unreported=[entry for name, entry in catalogue.indicators if name == priority and entry.indicator not in seen],
                breaches={
                    (row["name"], row["mission"], write_labels(row["dimensions"]))
                    for row in page.read("pages/list_breaches", metric=None, mission=None)
                },
                is_cut=len(rows) == MAX_SERIES,
            )
