"""The page `/`: sentences, map, key indicators, breaches and alerts by mission, overdue reports and changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from flask import Blueprint, Response

from metrics.briefing import write_briefing
from metrics.catalogue import ALL_MISSIONS, Catalogue
from metrics.key_indicators import add_chart, write_keys
from metrics.languages import gettext
from metrics.mission_map import NOTE, MissionMap, draw_map, find_states, list_places
from service.alerting.alerts import find_version, list_firing
from service.application import Application
from service.web.answer_cache import AnswerCache
from service.web.pages.layout import MAX_CACHED, answer_page, open_page

# Changes of each kind; the others are behind a link.
MAX_CHANGES = 8
MAX_OPEN_CHANGES = 3
# Breaches, their dimension values, and alerts of a mission; the others are behind a link.
MAX_TROUBLES = 20
# Width and size of letters of the map on wide screens and on phones, whose letters have to be larger.
MAP_SIZES = {"wide": (720, 13), "narrow": (390, 12)}
SEVERITIES = ("critical", "warning", "info")
Row = dict[str, Any]


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the page to the routes."""
    cache: AnswerCache[bytes] = AnswerCache(MAX_CACHED, application.pages, is_prepared=True)

    @routes.get("/")
    def show_overview() -> Response:
        # Alerts change between snapshots, so they are read from the warehouse itself.
        with application.open_live_session() as session:
            version = find_version(session)
        return answer_page(application, cache, lambda: render_overview(application), version)


def render_overview(application: Application) -> str:
    """Return the page with the alerts that fire now."""
    with application.open_live_session() as session:
        firing = list_firing(session)
    catalogue = application.definitions.catalogue
    kpis = application.definitions.kpis
    closed = set(catalogue.closed_missions)
    alert_count = len(firing)
    firing = [row for row in firing if row["mission"] not in closed]
    with open_page(application) as page:
        cycle = page.read("pages/describe_latest_cycle")[0]
        breaches = page.read("overview/list_breaches")
        changes = page.read(
            "overview/list_changes", max_rows=MAX_CHANGES, cycle_start=cycle["period_start"], cycle_end=cycle["period_end"]
        )
        overdue = [row for row in page.read("pages/list_overdue", is_newest=True) if row["mission"] not in closed]
        keys = page.read("overview/list_key_values", keys=write_keys(application.definitions.key_indicators))
        return page.render(
            "overview.html",
            cycle=cycle,
            sentences=write_briefing(cycle["cycle"], breaches, changes, overdue),
            map_note=gettext(NOTE),
            maps=draw_maps(catalogue, page.values_as_of),
            states=find_states(breaches),
            missions={entry.mission: entry for entry in catalogue.missions},
            keys=[add_chart(row, breaches) for row in keys],
            group_equal=group_equal,
            troubles=group_by_mission(catalogue, breaches, firing),
            max_troubles=MAX_TROUBLES,
            breach_count=len(breaches),
            alert_count=alert_count,
            unlisted_count=alert_count - len(firing),
            units={entry.metric: entry.unit for _, entry in catalogue.indicators} | {kpi.metric: kpi.unit for kpi in kpis},
            overdue=overdue,
            # A row may be listed for its sentence only.
            tones={tone: [row for row in changes if row["tone"] == tone][:MAX_CHANGES] for tone in ("worse", "better")},
            counts={row["tone"]: row["tone_count"] for row in changes},
            max_open_changes=MAX_OPEN_CHANGES,
            priorities=[(entry, sum(row["priority"] == entry.priority for row in breaches)) for entry in catalogue.priorities],
        )


def draw_maps(catalogue: Catalogue, day: date | None) -> dict[str, MissionMap]:
    """Return the map of the missions that are open on a day, in each size; none if no mission has a place."""
    places = list_places(catalogue, day)
    return {name: draw_map(places, *size) for name, size in MAP_SIZES.items()} if places else {}


def group_equal(breaches: Iterable[Row]) -> list[tuple[tuple[object, ...], list[Row]]]:
    """Return breaches that differ only in their dimensions together, by severity, title, value with status, and limit."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in breaches:
        value, limit = (row["value"], row["status"]), (row["comparison"], row["limit_value"])
        groups.setdefault((row["severity"], row["title"], value, limit), []).append(row)
    return list(groups.items())


def group_by_mission(
    catalogue: Catalogue, breaches: Iterable[Row], firing: Iterable[Row]
) -> list[tuple[str, list[Row], list[Row]]]:
    """Return mission, breaches and firing alerts: the most severe mission first, alerts about no mission last, with ''."""
    groups: dict[str, tuple[list[Row], list[Row]]] = {}
    for row in breaches:
        groups.setdefault(row["mission"], ([], []))[0].append(row)
    for row in firing:
        groups.setdefault(row["mission"], ([], []))[1].append(row)
    order = [entry.mission for entry in catalogue.missions]

    def place(mission: str) -> tuple[object, ...]:
        rows = [row for kind in groups[mission] for row in kind]
        worst = min(
            (SEVERITIES.index(row["severity"]) for row in rows if row["severity"] in SEVERITIES), default=len(SEVERITIES)
        )
        place_in_order = order.index(mission) if mission in order else len(order)
        return mission == "", mission == ALL_MISSIONS, worst, -len(rows), place_in_order

    return [(mission, *groups[mission]) for mission in sorted(groups, key=place)]
