"""The pages `/missions` and `/missions/<mission>`: the values of a mission, compared with other missions."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

from flask import Blueprint, abort

from metrics.catalogue import ALL_MISSIONS
from metrics.key_indicators import write_keys
from metrics.languages import translate
from metrics.standing import judge_priorities, place_dots
from service.application import Application
from service.names import suggest_names
from service.web.pages.layout import cache_pages, open_page, write_labels
from service.web.pages.parts import count_rows, read_part, take_part

# Series of one part of the page.
MAX_SERIES = 400
MAX_BREACHES = 100
# Size in pixels of the strip that compares a mission with the others.
STRIP_WIDTH = 120
STRIP_MARGIN = 5


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the pages to the routes."""
    cached = cache_pages(application)
    catalogue = application.definitions.catalogue

    @routes.get("/missions")
    @cached
    def list_missions() -> str:
        with open_page(application) as page:
            return page.render("missions.html", missions=page.read("pages/list_missions"))

    @routes.get("/missions/<mission>")
    @cached
    def show_mission(mission: str) -> str:
        found = next((entry for entry in catalogue.missions if entry.mission == mission), None)
        if found is None:
            names = [entry.mission for entry in catalogue.missions]
            abort(404, f"Unknown mission {mission!r}. {suggest_names(mission, names)}")
        with open_page(application) as page:
            part = read_part("values", MAX_SERIES)
            rows = page.read("pages/list_values", one=None, priority=None, mission=mission, **part.rows)
            part = count_rows(part, rows)
            every = rows if part.is_whole else page.read("pages/count_values", one=None, mission=mission)
            shown = json.dumps([{"name": row["name"], "dimensions": row["dimensions"]} for row in rows])
            others = {
                (row["name"], write_labels(row["dimensions"])): row
                for row in page.read("pages/list_other_missions", mission=mission, shown=shown)
            }
            for row in rows:
                row["others"] = others.get((row["name"], write_labels(row["dimensions"])))
                row["strip"] = place_on_strip(row["value"], row["others"], row["maximum"])
            titles = {entry.priority: translate(entry.title) for entry in catalogue.priorities}
            rows.sort(key=lambda row: list(titles).index(row["priority"]) if row["priority"] in titles else len(titles))
            unreported = page.read("pages/list_unreported", mission=mission)
            breaches = page.read("pages/list_breaches", metric=None, mission=mission)
            near = page.read("pages/list_near_limits", mission=mission)
            shown_breaches, breach_part = take_part("breaches", MAX_BREACHES, breaches)
            shown_near, near_part = take_part("near", MAX_BREACHES, near)
            peers = page.read("pages/list_peers", keys=write_keys(application.definitions.key_indicators))
            compared = [compare_with_peers(row, mission) for row in peers]
            return page.render(
                "mission.html",
                mission=found,
                is_whole=mission == ALL_MISSIONS,
                standings=judge_priorities(catalogue.priorities, every, breaches, near, unreported),
                near=shown_near,
                near_part=near_part,
                peers=[row for row in compared if row["own"]] if found.status == "active" else [],
                key_count=len(peers),
                summary=next(row for row in page.read("pages/list_missions") if row["mission"] == mission),
                groups=[
                    (priority, titles.get(priority, priority), list(group))
                    for priority, group in groupby(rows, key=lambda row: row["priority"])
                ],
                unreported=unreported,
                breaches=shown_breaches,
                breach_part=breach_part,
                part=part,
            )


def compare_with_peers(row: dict[str, Any], mission: str) -> dict[str, Any]:
    """Return a key indicator with the mission's own value, None if it has none, and the strip of all missions."""
    own = next((entry for entry in row["missions"] if entry["mission"] == mission), None)
    values = [entry["value"] for entry in row["missions"]]
    return {**row, "own": own, "dots": place_dots(values, row["median"], own and own["value"])}


def place_on_strip(value: float | None, others: dict[str, Any] | None, maximum: float | None = None) -> dict[str, float] | None:
    """Return the positions in pixels of the value and of the others' minimum, median and maximum, None without a comparison."""
    if value is None or others is None or others["missions"] < 2:
        return None
    values = {"value": value, "minimum": others["minimum"], "median": others["median"], "maximum": others["maximum"]}
    if maximum is not None:  # an impossible value does not set the scale
        values = {name: min(number, maximum) for name, number in values.items()}
    low, high = min(values.values()), max(values.values())
    if low == high:
        return None
    scale = (STRIP_WIDTH - 2 * STRIP_MARGIN) / (high - low)
    return {name: round(STRIP_MARGIN + (number - low) * scale, 1) for name, number in values.items()}
