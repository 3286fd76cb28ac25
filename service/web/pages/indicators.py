"""The pages `/indicators` and `/indicators/<name>` of indicators and KPIs. Alerts link to both."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import Blueprint, abort, request

from metrics.catalogue import ALL_MISSIONS, Indicator
from metrics.glossary import find_abbreviations
from metrics.kpi_file import Kpi
from metrics.languages import get_language, translate
from metrics.summaries import summarize_values
from metrics.values import STATUS_TEXT
from service.application import Application
from service.events.selection import EventSelection, select_counted
from service.names import suggest_names
from service.web.pages.layout import Page, cache_pages, open_page, write_labels
from service.web.pages.parts import count_rows, read_part

# Rows of one part of a table. On a phone each row is a card of 130 to 150 pixels.
MAX_SERIES = 100
MAX_PERIODS = 50
# The latest values of a count, of which zeros are hidden.
MAX_COUNTED_SERIES = 400
MAX_TOTALS = 20
MAX_EVENTS = 20
MAX_COUNTS = 100


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the pages to the routes."""
    cached = cache_pages(application)
    definitions = application.definitions
    catalogue = definitions.catalogue
    indicators = {entry.indicator: (priority, entry) for priority, entry in catalogue.indicators}
    kpis = {kpi.kpi: kpi for kpi in definitions.kpis}
    missions = [entry.mission for entry in catalogue.missions]

    @routes.get("/indicators")
    @cached
    def list_indicators() -> str:
        filters = {name: request.args.get(name) or None for name in ("q", "priority", "mission", "status", "change")}
        with open_page(application) as page:
            terms = (filters["q"] or "").split()
            is_source = get_language().is_source
            rows = page.read(
                "pages/list_indicators",
                terms=terms if is_source else [],
                **{name: filters[name] for name in ("priority", "mission", "status", "change")},
            )
            return page.render(
                "indicators.html",
                filters=filters,
                rows=rows if is_source else [row for row in rows if has_terms(row["name"], terms)],
                priorities=catalogue.priorities,
                statuses=STATUS_TEXT,
            )

    def has_terms(name: str, terms: list[str]) -> bool:
        """Return whether name, title and description of an indicator or KPI, in both languages, have all words."""
        entry = indicators[name][1] if name in indicators else kpis.get(name)
        texts = [entry.title, entry.description] if entry else []
        whole = " ".join([name, *texts, *map(translate, texts)]).lower()
        return all(term.lower() in whole for term in terms)

    @routes.get("/indicators/<name>")
    @cached
    def show_indicator(name: str) -> str:
        mission = request.args.get("mission") or None
        if mission is not None and mission not in missions:
            abort(404, f"Unknown mission {mission!r}. {suggest_names(mission, missions)}")
        if name in indicators:
            with open_page(application) as page:
                return _show_indicator(page, *indicators[name], mission)
        if name in kpis:
            with open_page(application) as page:
                return _show_kpi(page, kpis[name], mission)
        abort(404, f"Unknown indicator or KPI {name!r}. {suggest_names(name, [*indicators, *kpis])}")

    def _show_indicator(page: Page, priority: str, indicator: Indicator, mission: str | None) -> str:
        name = indicator.indicator
        # A count of decades has a table of totals; its rows by mission are on the page of each mission.
        is_summed = indicator.counted_from is not None and not mission
        periods = read_part("periods", MAX_COUNTS if is_summed else MAX_PERIODS)
        period_rows = page.read("pages/list_periods", indicator=name, mission=mission, **periods.rows)
        totals = read_part("totals", MAX_TOTALS)
        total_rows = [] if mission else page.read("pages/list_total_changes", indicator=name, **totals.rows)
        common = _read_common(page, name, indicator.metric, priority, mission, MAX_COUNTED_SERIES if is_summed else MAX_SERIES)
        counted = [row for row in common["values"] if row["value"] != 0] if is_summed else []
        return page.render(
            "indicator.html",
            kind="indicator",
            name=name,
            definition=indicator,
            abbreviations=find_abbreviations(definitions.glossary, f"{indicator.title} {indicator.description}"),
            periods=period_rows,
            period_part=count_rows(periods, period_rows),
            using=page.read("pages/list_using_kpis", indicator=name),
            count_totals=page.read("pages/list_count_totals", indicator=name) if is_summed else [],
            **(_read_events(page, indicator, mission) if indicator.counted_from else {}),
            totals=total_rows,
            total_part=count_rows(totals, total_rows),
            hides_zero=bool(counted),
            **{**common, "values": counted or common["values"]},
        )

    def _read_events(page: Page, indicator: Indicator, mission: str | None) -> dict[str, Any]:
        """Return the newest events that an indicator counts, and their selection on the page of events."""
        assert indicator.counted_from is not None
        rows = page.read(
            "pages/list_counted_events", indicator=indicator.indicator, mission=None if mission == ALL_MISSIONS else mission,
            dimensions=None, first_day=None, last_day=None, max_rows=MAX_EVENTS,
        )  # fmt: skip
        return {"events": rows, "selection": select_counted(indicator.counted_from, mission)}

    def _show_kpi(page: Page, kpi: Kpi, mission: str | None) -> str:
        dates = read_part("periods", MAX_PERIODS)
        date_rows = page.read("pages/list_kpi_dates", kpi=kpi.kpi, mission=mission, **dates.rows)
        return page.render(
            "kpi.html",
            kind="kpi",
            name=kpi.kpi,
            definition=kpi,
            abbreviations=find_abbreviations(definitions.glossary, f"{kpi.title} {kpi.description}"),
            inputs=[indicators[name][1] for name in kpi.inputs if name in indicators],
            **_read_window(page, kpi, mission),
            dates=date_rows,
            period_part=count_rows(dates, date_rows),
            **_read_common(page, kpi.kpi, kpi.metric, kpi.priority, mission, MAX_SERIES),
        )

    def _read_window(page: Page, kpi: Kpi, mission: str | None) -> dict[str, Any]:
        """Return the newest events of the feed of a KPI, and their selection on the page of events."""
        if kpi.feed is None:
            return {"events": []}
        selection = EventSelection(kpi.feed, mission)
        (covered,) = page.read("events/find_covered_day", feed=kpi.feed, known_at=None)
        return {
            "covered_until": covered["covered_until"],
            "events": page.read("pages/list_events", max_rows=MAX_EVENTS, skipped=0, **selection.parameters),
            "selection": selection,
        }

    def _read_common(page: Page, name: str, metric: str, priority: str, mission: str | None, max_series: int) -> dict[str, Any]:
        """Return the values that pages of indicators and KPIs have in common."""
        thresholds = page.read("pages/list_thresholds", metric=metric)
        # Evaluating thresholds takes a third of the time of the page, and few metrics have one.
        breaches = page.read("pages/list_breaches", metric=metric, mission=None) if thresholds else []
        counts = Counter(
            (row["threshold_mission"], write_labels(row["threshold_dimensions"]), row["comparison"], row["severity"])
            for row in breaches
        )
        for row in thresholds:
            row["breaches"] = counts[row["mission"], write_labels(row["dimensions"]), row["comparison"], row["severity"]]
        values = read_part("values", max_series)
        found = page.read("pages/list_values", one=name, priority=None, mission=mission, **values.rows)
        values = count_rows(values, found)
        summarized = found if mission or values.is_whole else page.read("pages/count_values", one=name, mission=None)
        return {
            "priority": next((entry for entry in catalogue.priorities if entry.priority == priority), None),
            "mission": mission,
            "values": found,
            "value_part": values,
            "summary": [] if mission else summarize_values(summarized, len(breaches)),
            "breaches": {(row["mission"], write_labels(row["dimensions"])) for row in breaches},
            "thresholds": thresholds,
        }
