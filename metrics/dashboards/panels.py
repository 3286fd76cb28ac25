"""Panel types of the dashboards: tables, counts, bar gauges, step charts and state timelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BarGaugeValueMode,
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    GraphDrawStyle,
    LegendDisplayMode,
    LegendPlacement,
    LineInterpolation,
    SortOrder,
    StackingMode,
    TableAutoCellOptions,
    TableCellHeight,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardSpecialValueMapOptions,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    MatcherConfig,
    Panel,
    SpecialValueMap,
    SpecialValueMatch,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from metrics.dashboards.labels import (
    CELL_LABELS,
    CLEAR,
    MEANINGS,
    MISSION_COLOURS,
    SERIES_COLOURS,
    SHORT_CELL_LABELS,
    VALUE,
    VALUE_CELL,
    Contents,
)
from metrics.dashboards.queries import select_scraped

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="${datasource}")
# Grafana's grid has 24 columns.
COLUMNS = 24
REF_IDS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class PanelBuilder(Protocol):
    """A panel builder of the SDK."""

    def build(self) -> Panel: ...


@dataclass(frozen=True)
class Query:
    """A query of a panel. `legend` names its series; `instant` evaluates it at the end of the time range."""

    expression: str
    legend: str = ""
    instant: bool = False


@dataclass(frozen=True)
class Column:
    """A column of a table: field, heading, width in pixels (0: remaining width) and style of its cells."""

    field: str
    head: str
    width: int = 0
    unit: str = ""
    mappings: Sequence[ValueMapping] = ()
    is_coloured: bool = False
    link: tuple[str, str] | None = None
    colour: str = ""
    align: str = ""
    wraps: bool = False
    # Available to links, but not shown.
    is_hidden: bool = False


def map_values(shown_by_value: Mapping[Any, tuple[str, str]]) -> ValueMap:
    """Return the mapping of values to a text and a colour each; an empty colour means the colour of the panel."""
    return ValueMap(
        options={
            _write_value(value): ValueMappingResult(text=shown, color=colour or None, index=number)
            for number, (value, (shown, colour)) in enumerate(shown_by_value.items())
        }
    )


def map_titles(titles: Mapping[str, str]) -> ValueMap:
    """Return the mapping of names to titles."""
    # Without an index, which only orders the list in Grafana's editor: an added indicator would renumber all after it.
    return ValueMap(options={name: ValueMappingResult(text=title) for name, title in titles.items()})


def map_nothing(shown: str, colour: str = CLEAR) -> SpecialValueMap:
    """Return the mapping of a cell without a value."""
    return SpecialValueMap(
        options=DashboardSpecialValueMapOptions(
            match=SpecialValueMatch.NULL_AND_NAN, result=ValueMappingResult(text=shown, color=colour, index=1000)
        )
    )


def _write_value(value: object) -> str:
    return f"{value:.0f}" if isinstance(value, float) else str(value)


CELLS: tuple[ValueMapping, ...] = (map_values(CELL_LABELS), map_nothing("-"))
NARROW_CELLS: tuple[ValueMapping, ...] = (map_values(SHORT_CELL_LABELS), map_nothing("-"))


def plain_thresholds(*steps: tuple[float | None, str]) -> dashboard.ThresholdsConfig:
    """Return colour thresholds; the first step has no value and applies below the second."""
    return (
        dashboard.ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(value=value, color=colour) for value, colour in steps])
    )


def ask(queries: Sequence[Query], *, as_table: bool = False) -> list[prometheus.Dataquery]:
    """Return the targets of a panel."""
    targets = []
    for ref_id, query in zip(REF_IDS, queries, strict=False):
        target = prometheus.Dataquery().expr(query.expression).ref_id(ref_id).datasource(PROMETHEUS)
        target = target.instant() if query.instant else target.range()
        target = target.format(PromQueryFormat.TABLE if as_table else PromQueryFormat.TIME_SERIES)
        target = target.legend_format(query.legend or "__auto")
        targets.append(target)
    return targets


def override(name: str, options: object, **properties: object) -> tuple[MatcherConfig, list[DynamicConfigValue]]:
    """Return an override; `__` in the names of properties stands for a dot."""
    values = [DynamicConfigValue(id_val=key.replace("__", "."), value=value) for key, value in properties.items()]
    return MatcherConfig(id_val=name, options=options), values


def transform(name: str, **options: object) -> DataTransformerConfig:
    """Return a transformation with its options."""
    return DataTransformerConfig(id_val=name, options=options)


def count(title: str, description: str, query: str, none: str, colour: str, noun: str = "", nouns: str = "") -> stat.Panel:
    """Return a panel with one count, coloured if it is above 0.

    `noun` follows 1 and `nouns` other counts, so that it reads as a sentence.
    """
    unit = f"suffix: {nouns}" if nouns else "locale"
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .targets(list(ask([Query(query, "count", instant=True)])))
        .unit(unit)
        .no_value(none)
        .mappings([map_values({1: (f"1 {noun}", colour)})] if noun else [])
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .thresholds(plain_thresholds((None, "text"), (1, colour)))
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE)
        .text_mode(BigValueTextMode.VALUE)
        .text(common.VizTextDisplayOptions().value_size(20 if nouns else 36))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    )


def draw_legend() -> stat.Panel:
    """Return the panel that shows what each colour means. Its values are numbers of the meanings, without any metric."""
    meanings = [f'label_replace(vector({number}), "meaning", "{text}", "", "")' for number, (text, _) in enumerate(MEANINGS)]
    return (
        stat.Panel()
        .title("Meaning of colours")
        .description("What the colours of values, cells and marks mean. Missions and causes have colours of their own.")
        .datasource(PROMETHEUS)
        .targets(list(ask([Query(" or ".join(meanings), "{{meaning}}", instant=True)])))
        .unit("none")
        .no_value("No answer from Prometheus")
        .mappings([map_values({number: (text, colour) for number, (text, colour) in enumerate(MEANINGS)})])
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .thresholds(plain_thresholds((None, VALUE_CELL)))
        .color_mode(BigValueColorMode.BACKGROUND_SOLID)
        .graph_mode(BigValueGraphMode.NONE)
        .text_mode(BigValueTextMode.VALUE)
        .orientation(VizOrientation.VERTICAL)
        .text(common.VizTextDisplayOptions().value_size(13))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    )


def show_snapshot() -> stat.Panel:
    """Return a panel with the number of the snapshot that was scraped."""
    query = f"max by (id) ({select_scraped('a4p_snapshot_info')})"
    return (
        count(
            "Snapshot",
            "Number of the snapshot that Prometheus scraped at the end of the time range. The API and the view "
            "`snapshot_info` show the same number.",
            query,
            "No snapshot",
            "text",
        )
        .targets(list(ask([Query(query, "{{id}}", instant=True)])))
        .text_mode(BigValueTextMode.NAME)
    )


def tabulate(
    title: str,
    description: str,
    queries: Sequence[str],
    columns: Sequence[Column],
    none: str,
    *,
    sort_by: str = "",
    descending: bool = False,
    transformations: Sequence[DataTransformerConfig] = (),
    is_long: bool = True,
) -> table.Panel:
    """Return a table of instant queries that shows `columns` in their order and no others.

    Unless `is_long`, the queries return one data frame per series, which transformations combine.
    """
    combined = list(transformations) or ([transform("merge")] if len(queries) > 1 else [])
    renamed = {column.field: column.head for column in columns}
    if "Value #A" in renamed:
        # Grafana uses this name if the other queries return nothing.
        renamed["Value"] = renamed["Value #A"]
    shown = list(renamed)
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .targets(list(ask([Query(query, instant=True) for query in queries], as_table=is_long)))
        .no_value(none)
        # Grafana's schema requires the cell type, also for a column without an override.
        .cell_options(TableAutoCellOptions())
        .cell_height(TableCellHeight.LG if any(column.wraps for column in columns) else TableCellHeight.SM)
        .min_width(50)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .thresholds(plain_thresholds((None, CLEAR)))
        .transformations(
            [
                *combined,
                transform("filterFieldsByName", include={"names": shown}),
                transform("organize", indexByName={field: number for number, field in enumerate(shown)}, renameByName=renamed),
            ]
        )
    )
    for column in columns:
        panel.with_override(*_style_column(column))
    if sort_by:
        panel.sort_by([common.TableSortByFieldState().display_name(sort_by).desc(descending)])
    return panel


def _style_column(column: Column) -> tuple[MatcherConfig, list[DynamicConfigValue]]:
    properties: dict[str, object] = {}
    if column.is_hidden:
        # The first property is for Grafana before 12.2, the second for later versions.
        properties |= {"custom__hidden": True, "custom__hideFrom": {"viz": True, "legend": True, "tooltip": True}}
    if column.width:
        properties["custom__width"] = column.width
    if column.align:
        properties["custom__align"] = column.align
    if column.unit:
        properties["unit"] = column.unit
    # Without a mapping an empty cell shows the text for an empty table.
    has_null = any(isinstance(mapping, SpecialValueMap) for mapping in column.mappings)
    properties["mappings"] = [*column.mappings, *([] if has_null else [map_nothing("")])]
    if column.colour:
        properties["color"] = {"mode": "fixed", "fixedColor": column.colour}
    if column.is_coloured:
        properties["custom__cellOptions"] = {"type": "color-background", "mode": "basic"}
    elif column.colour:
        properties["custom__cellOptions"] = {"type": "color-text"}
    if column.wraps:
        # The first property is for Grafana before 12, the second for later versions.
        properties |= {"custom__cellOptions": {"type": "auto", "wrapText": True}, "custom__wrapText": True}
    if column.link:
        properties["links"] = [{"title": column.link[0], "url": column.link[1]}]
    return override("byName", column.head, **properties)


def colour_missions(contents: Contents) -> list[tuple[MatcherConfig, list[DynamicConfigValue]]]:
    """Return the overrides that give each mission its colour, also if a part follows its name in the legend.

    Parts of ALL have separate colours.
    """
    colours = dict(zip([f"{mission}\\b" for mission in contents.missions], MISSION_COLOURS, strict=False))
    colours["ALL ?$"] = VALUE
    return [
        override("byRegexp", f"/^{name}/", color={"mode": "fixed", "fixedColor": colour}) for name, colour in colours.items()
    ]


def draw_steps(
    title: str,
    description: str,
    queries: Sequence[Query],
    none: str,
    *,
    unit: str = "locale",
    bars: bool = False,
    stacked: bool = False,
) -> timeseries.Panel:
    """Return a step chart; with `bars`, filled areas that are as wide as their periods."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .targets(list(ask(queries)))
        .unit(unit)
        .min(0)
        .no_value(none)
        .interval("1d")
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .thresholds(plain_thresholds((None, VALUE)))
        .draw_style(GraphDrawStyle.LINE)
        .line_interpolation(LineInterpolation.STEP_AFTER)
        .line_width(0 if bars else 2)
        .fill_opacity(80 if bars else 0)
        .show_points(VisibilityMode.NEVER)
        .span_nulls(False)
        .legend(
            common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM).show_legend(True).calcs([])
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    )  # fmt: skip
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))
    return panel


def colour_queries(panel: timeseries.Panel, count: int) -> timeseries.Panel:
    """Give each of the first queries, of one series each, a colour that is visible in both themes."""
    for ref_id, colour in zip(REF_IDS[:count], SERIES_COLOURS, strict=False):
        panel.with_override(*override("byFrameRefID", ref_id, color={"mode": "fixed", "fixedColor": colour}))
    return panel


def draw_unstacked(panel: timeseries.Panel, ref_id: str) -> None:
    """Draw the series of a query as unstacked steps in a chart of stacked bars."""
    panel.with_override(
        *override(
            "byFrameRefID",
            ref_id,
            custom__lineWidth=2,
            custom__fillOpacity=0,
            custom__stacking={"mode": "none", "group": "steps"},
        )
    )


def dash_limits(panel: timeseries.Panel, ref_id: str, colour: str) -> None:
    """Draw the series of a query as an unstacked dashed line."""
    panel.with_override(
        *override(
            "byFrameRefID",
            ref_id,
            custom__lineStyle={"fill": "dash", "dash": [10, 6]},
            custom__lineWidth=2,
            custom__fillOpacity=0,
            custom__stacking={"mode": "none", "group": "limits"},
            color={"mode": "fixed", "fixedColor": colour},
        )
    )


def draw_states(
    title: str,
    description: str,
    queries: Sequence[Query],
    none: str,
    mappings: Sequence[ValueMapping],
    titles: Mapping[str, str],
) -> statetimeline.Panel:
    """Return a state timeline with one line per series; a gap means no value."""
    panel = (
        statetimeline.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .targets(list(ask(queries)))
        .unit("locale")
        .no_value(none)
        .interval("1d")
        .mappings(list(mappings))
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .thresholds(plain_thresholds((None, VALUE_CELL)))
        .merge_values(True)
        .per_page(40)
        .show_value(VisibilityMode.AUTO)
        .row_height(0.9)
        .fill_opacity(90)
        .line_width(0)
        .legend(common.VizLegendOptions().show_legend(False).display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM).calcs([]))
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.SINGLE).sort(SortOrder.NONE))
    )  # fmt: skip
    for name, shown in titles.items():
        panel.with_override(*override("byName", name, displayName=shown))
    return panel


def draw_bars_now(title: str, description: str, queries: Sequence[Query], none: str, *, unit: str = "locale") -> bargauge.Panel:
    """Return a bar gauge with one bar per series, for values at the end of the time range."""
    # A range query would show the last value of a series that has ended as current.
    queries = [replace(query, instant=True) for query in queries]
    return (
        bargauge.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .targets(list(ask(queries)))
        .unit(unit)
        .min(0)
        .no_value(none)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.FIXED).fixed_color(VALUE))
        .thresholds(plain_thresholds((None, VALUE)))
        .display_mode(BarGaugeDisplayMode.BASIC)
        .text(common.VizTextDisplayOptions().title_size(12).value_size(16))
        .value_mode(BarGaugeValueMode.TEXT)
        .orientation(VizOrientation.HORIZONTAL)
        .show_unfilled(False)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    )
