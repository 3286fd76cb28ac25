"""The panel that shows how many missions the KPIs over several missions cover."""

from __future__ import annotations

from collections.abc import Iterable

from metrics.dashboards.briefs import AS_OF, link_figure
from metrics.dashboards.panels import Column, PanelBuilder, map_titles, tabulate
from metrics.dashboards.queries import among, select
from metrics.dashboards.words import Vocabulary


def tabulate_bases(words: Vocabulary, kpis: Iterable[str] = ()) -> PanelBuilder:
    """Return the table of the missions used and expected, for the KPIs named or for all."""
    matchers = [among("kpi", kpis)] if kpis else []
    return tabulate(
        "How many missions do totals cover?",
        AS_OF + "A total or share covers the missions with a value in the newest period that any mission reported: used of "
        "expected. Its change is over the missions that the value before covers too (kpi_changes).",
        [
            f"max by (kpi) ({select('a4p_kpi_missions_used', *matchers)})",
            f"max by (kpi) ({select('a4p_kpi_missions_expected', *matchers)})",
        ],
        [
            Column(
                "kpi", "KPI", mappings=[map_titles({entry.name: entry.title for entry in words.subjects})],
                link=link_figure("${__value.raw}"),
            ),
            Column("Value #A", "Used", 80, align="right"),
            Column("Value #B", "Expected", 90, align="right"),
        ],
        "No KPI over several missions by then",
        sort_by="KPI",
    )  # fmt: skip
