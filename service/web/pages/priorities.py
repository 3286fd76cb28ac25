"""The pages `/priorities` and `/priorities/<priority>`: latest values by indicator and mission."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, abort

from metrics.catalogue import ALL_MISSIONS
from service.application import Application
from service.names import suggest_names
from service.web.pages.layout import cache_pages, open_page, write_labels
from service.web.pages.parts import count_rows, read_part

# Series of one part of the page.
MAX_SERIES = 1000

Row = dict[str, Any]


@dataclass
class MatrixRow:
    """A row of the table: one indicator or KPI with dimension values, and a cell for each mission.

    `definition` is one of the rows of the query; `is_first` is true for the first row of an indicator.
    """

    definition: Row
    labels: str
    is_first: bool
    cells: dict[str, Row] = field(default_factory=dict)

    @property
    def latest(self) -> Row:
        """The cell with the latest period."""
        return max(self.cells.values(), key=lambda cell: cell["period_end"])


def arrange_matrix(rows: Iterable[Row]) -> list[MatrixRow]:
    """Return a row for each indicator and dimension values, in the order of their first occurrence."""
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
    cached = cache_pages(application)
    catalogue = application.definitions.catalogue

    @routes.get("/priorities")
    @cached
    def list_priorities() -> str:
        with open_page(application) as page:
            return page.render("priorities.html", priorities=page.read("pages/list_priorities"))

    @routes.get("/priorities/<priority>")
    @cached
    def show_priority(priority: str) -> str:
        found = next((entry for entry in catalogue.priorities if entry.priority == priority), None)
        if found is None:
            names = [entry.priority for entry in catalogue.priorities]
            abort(404, f"Unknown priority {priority!r}. {suggest_names(priority, names)}")
        with open_page(application) as page:
            part = read_part("values", MAX_SERIES)
            rows = page.read("pages/list_values", one=None, priority=priority, mission=None, **part.rows)
            part = count_rows(part, rows)
            matrix = arrange_matrix(rows)
            seen = {row["name"] for row in (rows if part.is_whole else page.read("pages/list_reported"))}
            return page.render(
                "priority.html",
                priority=found,
                missions=[entry for entry in catalogue.missions if any(entry.mission in row.cells for row in matrix)],
                whole=[row for row in matrix if set(row.cells) == {ALL_MISSIONS}],
                by_mission=[row for row in matrix if set(row.cells) != {ALL_MISSIONS}],
                unreported=[entry for name, entry in catalogue.indicators if name == priority and entry.indicator not in seen],
                breaches={
                    (row["name"], row["mission"], write_labels(row["dimensions"]))
                    for row in page.read("pages/list_breaches", metric=None, mission=None)
                },
                part=part,
            )
