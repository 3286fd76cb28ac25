"""The panel that shows how many missions each total or share covers."""

from __future__ import annotations

from collections.abc import Iterable

from metrics.dashboards.labels import Contents
from metrics.dashboards.panels import Column, PanelBuilder, map_titles, tabulate
from metrics.dashboards.queries import among, select
from metrics.dashboards.summary_panels import AS_OF, link_indicator


def tabulate_coverage(contents: Contents, kpis: Iterable[str] = ()) -> PanelBuilder:
    """Return the table of missions used and expected, for the named KPIs or for all."""
    matchers = [among("kpi", kpis)] if kpis else []
    return tabulate(
        "Missions covered by totals",
        AS_OF + "A total or share covers the missions with a value in the newest reported period. Its change is computed "
                "over the missions that both periods cover (view kpi_changes).",
        [
            f"max by (kpi) ({select('a4p_kpi_missions_used', *matchers)})",
            f"max by (kpi) ({select('a4p_kpi_missions_expected', *matchers)})",
        ],
        [
            Column(
                "kpi", "KPI", mappings=[map_titles(contents.short_titles)],
                link=link_indicator("${__value.raw}"),
            ),
            Column("Value #A", "Used", 80, align="right"),
            Column("Value #B", "Expected", 90, align="right"),
        ],
        "No totals yet",
        sort_by="KPI",
    )  # fmt: skip
