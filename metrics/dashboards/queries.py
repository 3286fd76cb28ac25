"""PromQL of dashboards: values, changes, thresholds and reporting gaps at an instant."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from metrics.dashboards.labels import (
    BOOLEAN_BASE,
    CERTAINTY,
    IMPOSSIBLE_CODE,
    LEVEL_BASE,
    NEVER_REPORTED_CODE,
    SCALES,
    STATUS_BASE,
    STATUS_CODES,
    Contents,
)
from metrics.families import INDICATOR_CHANGE, INDICATOR_FAMILIES
from metrics.rules import OPERATORS
from metrics.thresholds import COMPARISONS, Comparison

HISTORY = 'job="a4p-history"'
SCRAPED = 'job="a4p"'
ANY_METRIC = '__name__=~"a4p_.+"'
INFO = '__name__=~"a4p_(indicator|kpi)_info"'
PERIOD_END = "a4p_indicator_period_end_timestamp_seconds"
# Thresholds are valid from when they were set; those valid at the end of 2099 are the current ones.
END_OF_TIME = 4102444800
# Labels that identify a value in the result of `Queries.values`.
KEY = "indicator, part, mission"
# A half-yearly value is drawn over the half-year before it is current, an annual one over the year; a gap separates two bars.
PERIOD_WINDOWS = {"half_yearly": ("170d", "184d"), "annual": ("340d", "365d")}


def select(metric: str, *matchers: str) -> str:
    """Return a selector of the history."""
    return f"{metric}{{{','.join([HISTORY, *matchers])}}}"


def select_scraped(metric: str, *matchers: str) -> str:
    """Return a selector of scraped series."""
    return f"{metric}{{{','.join([SCRAPED, *matchers])}}}"


def sum_newest_period(indicator: str, *matchers: str) -> str:
    """Return the sum of an indicator over missions, for the newest period with a value.

    A sum over current values would add values of two periods while missions are still reporting a cycle.
    """
    current = select(f"a4p_{indicator}", *matchers)
    ends = f"({select(PERIOD_END, equal('indicator', indicator), *matchers)} and on (mission) {current})"
    return f"sum({current} and on (mission) ({ends} == on () group_left () max({ends})))"


def clip(query: str, maximum: float | None) -> str:
    """Return the query with its values limited to the maximum, so that an impossible value does not set the scale."""
    return query if maximum is None else f"clamp_max({query}, {maximum:g})"


def timeless(selector: str) -> str:
    """Return the selector evaluated at the current time for every step, so that Prometheus reads it once."""
    return f"{selector} @ {END_OF_TIME}"


def equal(label: str, value: str) -> str:
    """Return the matcher of a label that has this value; `value` may be a variable of the dashboard."""
    return f'{label}="{value}"'


def among(label: str, values: Iterable[str]) -> str:
    """Return the matcher of a label that has one of these values."""
    return f'{label}=~"{"|".join(values)}"'


def not_among(label: str, values: Iterable[str]) -> str:
    """Return the matcher of a label that has none of these values."""
    return f'{label}!~"{"|".join(values)}"'


# Excludes families that describe other metrics; `ANY_METRIC` without them selects what can have thresholds.
NO_FAMILY = not_among("__name__", [family.name for family in INDICATOR_FAMILIES if family.name != INDICATOR_CHANGE])


def name_metric(query: str) -> str:
    """Return the query with the metric name in the label `metric`, as in thresholds."""
    return f'label_replace({query}, "metric", "$1", "__name__", "(.+)")'


def name_row(query: str) -> str:
    """Return the query with the label `row`, a key of `Subject.list_rows`."""
    return f'label_join({query}, "row", "|", "indicator", "part")'


def draw_over_period(selector: str, frequency: str) -> str:
    """Return the query of a value over its own period, so that a stepped area is as wide as the period."""
    window, shift = PERIOD_WINDOWS[frequency]
    return f"last_over_time({selector}[{window}] offset -{shift})"


@dataclass(frozen=True)
class Queries:
    """Queries of the indicators and KPIs selected by `about`, in the missions selected by `of`; `KEY` identifies values.

    `about` has matchers of catalogue labels (priority, unit, better), `of` has matchers of the mission.
    """

    contents: Contents
    about: tuple[str, ...] = ()
    of: tuple[str, ...] = ()

    def info(self, *matchers: str) -> str:
        """Catalogue labels (priority, unit, better) by `indicator`; the value is 1."""
        chosen = timeless(select("", INFO, 'priority!="all"', *self.about, *matchers))
        return f'label_replace({chosen}, "indicator", "$1", "metric", "a4p_(.+)")'

    def info_by_metric(self, *matchers: str) -> str:
        """Catalogue labels by `metric`; the value is 1."""
        return timeless(select("", INFO, *self.about, *matchers))

    def name_part(self, query: str) -> str:
        """Join the values of all dimensions into one label, `part`; keeps only the labels of `KEY`."""
        return f"max by ({KEY}) ({self.add_part(query)})"

    def add_part(self, query: str) -> str:
        """Add the label `part`, the values of all dimensions."""
        names = ", ".join(f'"{dimension}"' for dimension in self.contents.dimensions)
        joined = f'label_join({query}, "part", " ", {names})' if names else query
        return f'label_replace({joined}, "part", "$1", "part", " *(.*?) *")'

    def values(self, *matchers: str) -> str:
        """Current values in the unit of the metric, independent of `about`."""
        chosen = select("", ANY_METRIC, not_among("__name__", self.contents.other_metrics), *self.of, *matchers)
        return self.name_part(f'label_replace({chosen}, "indicator", "$1", "__name__", "a4p_(.+)")')

    def scale(self) -> str:
        """Factors that convert values to the units in their titles."""
        return _scale(self.info)

    def scale_by_metric(self) -> str:
        """The same by `metric`, for all metrics that can have a threshold."""
        return f"({_scale(self.info_by_metric)})"

    def scaled(self, values: str) -> str:
        """Values in the units of their titles, with `priority`."""
        return f"round({values} * on (indicator) group_left (priority) ({self.scale()}), 0.1)"

    def cells(self, values: str) -> str:
        """Values for table cells: scaled; yes, no and levels as codes of `CELL_LABELS`."""
        codes = " or ".join(
            [
                f"{self.info(equal('unit', 'boolean'))} * {BOOLEAN_BASE:.0f}",
                f"{self.info(equal('unit', 'level'))} * {LEVEL_BASE:.0f}",
                f"{self.info(not_among('unit', ['boolean', 'level']))} * 0",
            ]
        )
        return f"max by ({KEY}) ({self.scaled(values)} + on (indicator) group_left () ({codes}))"

    def absences(self, *matchers: str) -> str:
        """Reasons why there is no value, as codes of `CELL_LABELS`: the status, or never reported although expected."""
        statuses = [
            f"max by (indicator, mission) ({select('a4p_indicator_status', equal('status', status), *self.of, *matchers)})"
            f" * {STATUS_BASE + code:.0f}"
            for status, code in STATUS_CODES.items()
        ]
        never = f"{self.never_reported(*matchers)} * {STATUS_BASE + NEVER_REPORTED_CODE:.0f}"
        return self._within(f"({' or '.join([*statuses, never])})")

    def never_reported(self, *matchers: str) -> str:
        """Indicator and mission with an expected value that was never reported although other missions reported it."""
        return self._within(
            f"(max by (indicator, mission) ({timeless(select('a4p_indicator_expected', *self.of, *matchers))})"
            f" unless on (indicator, mission) {select(PERIOD_END)}"
            f" and on (indicator) {select(PERIOD_END)})"
        )

    def behind(self, *matchers: str) -> str:
        """Indicator and mission whose latest report is not for the newest period; the value is the end of its period."""
        newest = f"max by (indicator) ({select(PERIOD_END)})"
        ends = f"max by (indicator, mission) ({select(PERIOD_END, *self.of, *matchers)})"
        expected = f"on (indicator, mission) {timeless(select('a4p_indicator_expected'))}"
        return self._within(f"(({ends} < on (indicator) group_left () {newest}) and {expected})")

    def unvalidated(self, *matchers: str) -> str:
        """Indicator and mission whose current observation is missing or under validation."""
        chosen = select("a4p_indicator_status", among("status", ["O", "L", "V"]), *self.of, *matchers)
        return self._within(f"max by (indicator, mission) ({chosen})")

    def not_final(self) -> str:
        """Indicator and mission with a current value that is estimated or provisional."""
        chosen = select("a4p_indicator_status", among("status", ["E", "P"]), *self.of)
        return self._within(f"max by (indicator, mission) ({chosen})")

    def gaps(self) -> str:
        """Indicator and mission that are never reported, behind, missing or under validation; the value is 1."""
        return f"(({self.never_reported()} or {self.behind()} or {self.unvalidated()}) > bool 0)"

    def expected(self) -> str:
        """Indicator and mission with an expected value."""
        return self._within(f"max by (indicator, mission) ({select('a4p_indicator_expected', *self.of)})")

    def overdue(self) -> str:
        """Indicator and mission whose report for the newest cycle past its deadline was not received."""
        return self._within(f"max by (indicator, mission) ({select('a4p_indicator_overdue', *self.of)})")

    def period_ends(self, keys: str) -> str:
        """The last day of the newest period of each of `keys`, in milliseconds."""
        ends = f"1000 * max by (indicator, mission) ({select(PERIOD_END)})"
        return f"({keys}) * 0 + on (indicator, mission) group_left () {ends}"

    def period_ends_of_reports(self) -> str:
        """The last day of the newest period of every reported indicator and mission, in seconds.

        The period of a count of events may be open, so it does not show how current the reports are.
        """
        counted = [indicator.indicator for _, indicator in self.contents.catalogue.indicators if indicator.counted_from]
        reported = [not_among("indicator", counted)] if counted else []
        return self._within(f"max by (indicator, mission) ({select(PERIOD_END, *reported, *self.of)})")

    def certainty(self, values: str) -> str:
        """Certainty of each of `values` as a code of `CERTAINTY`, or `IMPOSSIBLE_CODE` for a value above its maximum."""
        statuses = " or ".join(
            f"max by (indicator, mission) ({select('a4p_indicator_status', equal('status', status))}) * {code}"
            for status, (code, _, _) in sorted(CERTAINTY.items(), key=lambda item: -item[1][0])
            if code
        )
        impossible = " or ".join(
            f"({values} and on (indicator) {self.info(among('metric', metrics))}) > {maximum:g}"
            for maximum, metrics in self.contents.list_maximums().items()
        )
        found = f"({impossible}) * 0 + {IMPOSSIBLE_CODE} or " if impossible else ""
        return f"{found}(({values}) * 0 + on (indicator, mission) group_left () ({statuses})) or ({values}) * 0"

    def worse(self, *matchers: str) -> str:
        """Changes for the worse; the catalogue defines the direction."""
        return self._turned(">", "<", *matchers)

    def better(self, *matchers: str) -> str:
        """Changes for the better."""
        return self._turned("<", ">", *matchers)

    def changes(self, *matchers: str) -> str:
        """Change of each value since the period before; for an indicator with a total, of the total only."""
        totals = [f'{dimension}=~"All|"' for dimension in self.contents.dimensions_with_total]
        return self.name_part(select(INDICATOR_CHANGE, *totals, *self.of, *matchers))

    def before(self, changes: str) -> str:
        """Values of the period before, of the values that changed."""
        return f"max by ({KEY}) ({self.values()} - on ({KEY}) {changes})"

    def relative(self, changes: str) -> str:
        """Absolute change in percent of the value of the period before; none if that value is 0."""
        return f"round(100 * abs({changes} / on ({KEY}) ({self.before(changes)} != 0)))"

    def weight(self, changes: str) -> str:
        """Changes by significance: their size divided by the square root of the sum of both values, largest first."""
        both = f"({self.values()} + on ({KEY}) {self.before(changes)})"
        sizes = f"abs({changes}) / on ({KEY}) ({both} > 0) ^ 0.5"
        return f"sort_desc({sizes} * on (indicator) group_left () ({self.scale()}) ^ 0.5)"

    def breaches(self, *comparisons: Comparison, severity: str = "") -> str:
        """Values that breach a current threshold, with `metric`, `severity` and `comparison`."""
        values = name_metric(select("", ANY_METRIC, NO_FAMILY, *self.of))
        severities = [equal("severity", severity)] if severity else []
        crossed = " or ".join(
            f"({values} {OPERATORS[comparison]} ignoring (comparison, severity) group_right ()"
            f" {self.limits(equal('comparison', comparison), *severities)})"
            for comparison in comparisons or COMPARISONS
        )
        return f"(({crossed}) and on (metric) {self.info_by_metric()})" if self.about else f"({crossed})"

    def limits(self, *matchers: str) -> str:
        """Limits of current thresholds, independent of the time range."""
        return timeless(select("a4p_threshold", *self.of, *matchers))

    def _turned(self, of_lower: str, of_higher: str, *matchers: str) -> str:
        changes = self.changes(*matchers)
        lower, higher = (self.info(equal("better", better)) for better in ("lower", "higher"))
        return (
            f"(({changes} {of_lower} 0) * on (indicator) group_left (priority) {lower}"
            f" or ({changes} {of_higher} 0) * on (indicator) group_left (priority) {higher})"
        )

    def _within(self, query: str) -> str:
        return f"({query} and on (indicator) {self.info()})" if self.about else query


def _scale(info: Callable[..., str]) -> str:
    special = {unit: factor for unit, (factor, _) in SCALES.items() if factor != 1}
    plain = info(not_among("unit", special))
    return " or ".join([plain, *(f"{info(equal('unit', unit))} * {factor:g}" for unit, factor in special.items())])
