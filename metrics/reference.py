"""The reference page of metrics, written from the catalogue."""

from __future__ import annotations

from metrics.catalogue import Catalogue
from metrics.families import INDICATOR_FAMILIES, UNIT_TEXT
from metrics.kpi_file import Kpi


def render_reference(catalogue: Catalogue, kpis: tuple[Kpi, ...]) -> str:
    """Return docs/metrics.md: every indicator and KPI with its metric, labels, unit and meaning, by priority."""
    lines = [
        "# Metrics",
        "",
        "Written from the catalogue by `make generate`; change `metrics/` or `sql/kpis/`, not this page.",
        "",
        'Every metric is a gauge with the label `mission`. `mission="ALL"` is peacekeeping as a whole, so a sum over',
        'missions leaves it out: `sum(a4p_sofa_incidents_new{mission!="ALL"})`. A series without a value (missing, under',
        "validation, not applicable) is absent, never 0; `a4p_indicator_status` has the reason.",
        "",
        f"{len(catalogue.indicators)} indicators and {len(kpis)} KPIs.",
    ]
    for priority in catalogue.priorities:
        lines += [
            "",
            f"## {priority.title}",
            "",
            "| metric | what | unit | better | labels | frequency | source |",
            "|---|---|---|---|---|---|---|",
        ]
        for name, indicator in catalogue.indicators:
            if name == priority.priority:
                labels = "".join(f", {dimension}: {' / '.join(values)}" for dimension, values in indicator.dimensions.items())
                lines.append(
                    _row(
                        f"`{indicator.metric}`",
                        f"**{indicator.title}.** {indicator.description}",
                        UNIT_TEXT[indicator.unit],
                        indicator.better,
                        f"mission{labels}",
                        indicator.frequency.replace("_", "-"),
                        indicator.source,
                    )
                )
        computed = [kpi for kpi in kpis if kpi.priority == priority.priority]
        if computed:
            lines += ["", *_tabulate_kpis(computed)]
    lines += ["", "## About all indicators", "", *_tabulate_kpis([kpi for kpi in kpis if kpi.priority == "all"])]
    lines += ["", "| metric | what |", "|---|---|"]
    lines += [_row(f"`{family.name}`", family.help) for family in INDICATOR_FAMILIES]
    return "\n".join([*lines, ""])


def _tabulate_kpis(kpis: list[Kpi]) -> list[str]:
    rows = ["| KPI | what | unit | better | labels | from |", "|---|---|---|---|---|---|"]
    for kpi in kpis:
        inputs = ", ".join(f"`{name}`" for name in kpi.inputs) if kpi.inputs and not kpi.reads_everything else kpi.source
        rows.append(
            _row(
                f"`{kpi.metric}`",
                f"**{kpi.title}.** {kpi.description}",
                UNIT_TEXT[kpi.unit],
                kpi.better,
                ", ".join(kpi.labels),
                inputs,
            )
        )
    return rows


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
