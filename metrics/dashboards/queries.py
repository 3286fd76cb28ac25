"""The PromQL of dashboards, put together from parts: figures, changes, limits and what is not reported, as of an instant."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from metrics.dashboards.words import (
    BOOLEAN_BASE,
    IMPOSSIBLE_CODE,
    LEVEL_BASE,
    NEVER_REPORTED_CODE,
    SCALES,
    STATUS_BASE,
    STATUS_CODES,
    SURENESS,
    Vocabulary,
)
from metrics.families import INDICATOR_CHANGE, INDICATOR_FAMILIES
from metrics.rules import OPERATORS
from metrics.thresholds import COMPARISONS, Comparison

HISTORY = 'job="a4p-history"'
SCRAPED = 'job="a4p"'
ANY_METRIC = '__name__=~"a4p_.+"'
INFO = '__name__=~"a4p_(indicator|kpi)_info"'
PERIOD_END = "a4p_indicator_period_end_timestamp_seconds"
# Limits hold from when they were set; those in force at the end of 2099 are those of today.
END_OF_TIME = 4102444800
# What tells one figure from another, once `Queries.figures` has named it.
KEY = "indicator, part, mission"
# A half-yearly figure is drawn over the half-year before it holds, an annual one over the year; a gap parts two bars.
PERIOD_WINDOWS = {"half_yearly": ("170d", "184d"), "annual": ("340d", "365d")}


def select(metric: str, *matchers: str) -> str:
    """Return a selector of the history."""
    return f"{metric}{{{','.join([HISTORY, *matchers])}}}"


def select_scraped(metric: str, *matchers: str) -> str:
    """Return a selector of what was scraped."""
    return f"{metric}{{{','.join([SCRAPED, *matchers])}}}"


def sum_newest_period(indicator: str, *matchers: str) -> str:
    """Return the sum over missions of an indicator, for the newest period that any of them has a value of.

    A sum over what holds would add values of two periods while missions are still reporting a cycle.
    """
    held = select(f"a4p_{indicator}", *matchers)
    ends = f"({select(PERIOD_END, equal('indicator', indicator), *matchers)} and on (mission) {held})"
    return f"sum({held} and on (mission) ({ends} == on () group_left () max({ends})))"


def clip(query: str, maximum: float | None) -> str:
    """Return the query with its values up to the largest possible one, so that an impossible value does not set a scale."""
    return query if maximum is None else f"clamp_max({query}, {maximum:g})"


def timeless(selector: str) -> str:
    """Return the selector of what holds today, at every instant; Prometheus then reads it once and not at each step."""
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


# Families that describe other metrics; with `ANY_METRIC` it leaves those that thresholds can be on.
NO_FAMILY = not_among("__name__", [family.name for family in INDICATOR_FAMILIES if family.name != INDICATOR_CHANGE])


def name_metric(query: str) -> str:
    """Return the query with the name of each series as its label `metric`, as thresholds have it."""
    return f'label_replace({query}, "metric", "$1", "__name__", "(.+)")'


def name_row(query: str) -> str:
    """Return the query with the label `row`: what `Subject.list_rows` has titles for."""
    return f'label_join({query}, "row", "|", "indicator", "part")'


def draw_over_period(selector: str, frequency: str) -> str:
    """Return the query of a figure at the instants of its own period, so that a stepped area is a bar as wide as the "
    "period."""
    window, shift = PERIOD_WINDOWS[frequency]
    return f"last_over_time({selector}[{window}] offset -{shift})"


@dataclass(frozen=True)
class Queries:
    """Queries over the indicators and KPIs that `about` chooses, in the missions that `of` chooses, told apart by `KEY`.

    `about` are matchers of what the catalogue says (priority, unit, better), `of` matchers of the mission.
    """

    words: Vocabulary
    about: tuple[str, ...] = ()
    of: tuple[str, ...] = ()

    def info(self, *matchers: str) -> str:
        """What the catalogue says, by `indicator`: its priority, unit and better. Always 1."""
        chosen = timeless(select("", INFO, 'priority!="all"', *self.about, *matchers))
        return f'label_replace({chosen}, "indicator", "$1", "metric", "a4p_(.+)")'

    def info_by_metric(self, *matchers: str) -> str:
        """What the catalogue says, by `metric`."""
        return timeless(select("", INFO, *self.about, *matchers))

    def name_part(self, query: str) -> str:
        """Join the values of all dimensions into one label, `part`; only the labels of `KEY` stay."""
        return f"max by ({KEY}) ({self.add_part(query)})"

    def add_part(self, query: str) -> str:
        """Add the label `part`, the values of all dimensions."""
        names = ", ".join(f'"{dimension}"' for dimension in self.words.dimensions)
        joined = f'label_join({query}, "part", " ", {names})' if names else query
        return f'label_replace({joined}, "part", "$1", "part", " *(.*?) *")'

    def figures(self, *matchers: str) -> str:
        """Every figure that holds, in its own unit, whatever it is about."""
        chosen = select("", ANY_METRIC, not_among("__name__", self.words.other_metrics), *self.of, *matchers)
        return self.name_part(f'label_replace({chosen}, "indicator", "$1", "__name__", "a4p_(.+)")')

    def scale(self) -> str:
        """What a figure is multiplied by to be in the unit that its title names."""
        return _scale(self.info)

    def scale_by_metric(self) -> str:
        """The same by `metric`, for whatever can have a limit."""
        return f"({_scale(self.info_by_metric)})"

    def scaled(self, figures: str) -> str:
        """The figures in the units of their titles, with `priority`."""
        return f"round({figures} * on (indicator) group_left (priority) ({self.scale()}), 0.1)"

    def cells(self, figures: str) -> str:
        """The figures for cells of a table: scaled, and yes, no and levels as numbers that stand for words."""
        words = " or ".join(
            [
                f"{self.info(equal('unit', 'boolean'))} * {BOOLEAN_BASE:.0f}",
                f"{self.info(equal('unit', 'level'))} * {LEVEL_BASE:.0f}",
                f"{self.info(not_among('unit', ['boolean', 'level']))} * 0",
            ]
        )
        return f"max by ({KEY}) ({self.scaled(figures)} + on (indicator) group_left () ({words}))"

    def absences(self, *matchers: str) -> str:
        """Why there is no figure, as numbers that stand for words: its status, or that it never came though expected."""
        told = [
            f"max by (indicator, mission) ({select('a4p_indicator_status', equal('status', status), *self.of, *matchers)})"
            f" * {STATUS_BASE + code:.0f}"
            for status, code in STATUS_CODES.items()
        ]
        never = f"{self.never_reported(*matchers)} * {STATUS_BASE + NEVER_REPORTED_CODE:.0f}"
        return self._within(f"({' or '.join([*told, never])})")

    def never_reported(self, *matchers: str) -> str:
        """Indicator and mission of which a figure is expected and none ever came, though others reported it."""
        return self._within(
            f"(max by (indicator, mission) ({timeless(select('a4p_indicator_expected', *self.of, *matchers))})"
            f" unless on (indicator, mission) {select(PERIOD_END)}"
            f" and on (indicator) {select(PERIOD_END)})"
        )

    def behind(self, *matchers: str) -> str:
        """Indicator and mission that was reported, but for a period before the newest; the value is that of its end."""
        newest = f"max by (indicator) ({select(PERIOD_END)})"
        ends = f"max by (indicator, mission) ({select(PERIOD_END, *self.of, *matchers)})"
        expected = f"on (indicator, mission) {timeless(select('a4p_indicator_expected'))}"
        return self._within(f"(({ends} < on (indicator) group_left () {newest}) and {expected})")

    def unvalidated(self, *matchers: str) -> str:
        """Indicator and mission of which what holds is missing or under validation."""
        chosen = select("a4p_indicator_status", among("status", ["M", "U"]), *self.of, *matchers)
        return self._within(f"max by (indicator, mission) ({chosen})")

    def unsure(self) -> str:
        """Indicator and mission of which any figure that holds is estimated or provisional."""
        chosen = select("a4p_indicator_status", among("status", ["E", "P"]), *self.of)
        return self._within(f"max by (indicator, mission) ({chosen})")

    def gaps(self) -> str:
        """Indicator and mission that is never reported, behind, missing or under validation; the value is 1."""
        return f"(({self.never_reported()} or {self.behind()} or {self.unvalidated()}) > bool 0)"

    def expected(self) -> str:
        """Indicator and mission of which a figure is expected."""
        return self._within(f"max by (indicator, mission) ({select('a4p_indicator_expected', *self.of)})")

    def overdue(self) -> str:
        """Indicator and mission whose report for the newest cycle past its deadline was not received."""
        return self._within(f"max by (indicator, mission) ({select('a4p_indicator_overdue', *self.of)})")

    def period_ends(self, keys: str) -> str:
        """The last day of the newest period of each of `keys`, in milliseconds."""
        ends = f"1000 * max by (indicator, mission) ({select(PERIOD_END)})"
        return f"({keys}) * 0 + on (indicator, mission) group_left () {ends}"

    def period_ends_of_all(self) -> str:
        """The last day of the newest period of every indicator and mission, in seconds."""
        return self._within(f"max by (indicator, mission) ({select(PERIOD_END, *self.of)})")

    def sureness(self, figures: str) -> str:
        """How sure each of `figures` is, as the numbers of `SURENESS`, or that it is above its largest possible value."""
        statuses = " or ".join(
            f"max by (indicator, mission) ({select('a4p_indicator_status', equal('status', status))}) * {code}"
            for status, (code, _, _) in sorted(SURENESS.items(), key=lambda item: -item[1][0])
            if code
        )
        impossible = " or ".join(
            f"({figures} and on (indicator) {self.info(among('metric', metrics))}) > {maximum:g}"
            for maximum, metrics in self.words.list_maximums().items()
        )
        found = f"({impossible}) * 0 + {IMPOSSIBLE_CODE} or " if impossible else ""
        return f"{found}(({figures}) * 0 + on (indicator, mission) group_left () ({statuses})) or ({figures}) * 0"

    def worse(self, *matchers: str) -> str:
        """Changes for the worse, by the direction that the catalogue gives."""
        return self._turned(">", "<", *matchers)

    def better(self, *matchers: str) -> str:
        """Changes for the better."""
        return self._turned("<", ">", *matchers)

    def changes(self, *matchers: str) -> str:
        """Change of each figure against the period before; of a figure that has a total, of the total only."""
        totals = [f'{dimension}=~"All|"' for dimension in self.words.dimensions_with_total]
        return self.name_part(select(INDICATOR_CHANGE, *totals, *self.of, *matchers))

    def before(self, changes: str) -> str:
        """The figures of the period before, of those that changed."""
        return f"max by ({KEY}) ({self.figures()} - on ({KEY}) {changes})"

    def relative(self, changes: str) -> str:
        """Size of changes over the figure of the period before, in percent; from 0 there is none."""
        return f"round(100 * abs({changes} / on ({KEY}) ({self.before(changes)} != 0)))"

    def weight(self, changes: str) -> str:
        """How far changes go beyond what chance does to counts: their size over the root of the two figures, largest "
        "first."""
        both = f"({self.figures()} + on ({KEY}) {self.before(changes)})"
        sizes = f"abs({changes}) / on ({KEY}) ({both} > 0) ^ 0.5"
        return f"sort_desc({sizes} * on (indicator) group_left () ({self.scale()}) ^ 0.5)"

    def beyond(self, *comparisons: Comparison, severity: str = "") -> str:
        """Figures beyond a limit that is set today, with `metric`, `severity` and `comparison`."""
        figures = name_metric(select("", ANY_METRIC, NO_FAMILY, *self.of))
        severities = [equal("severity", severity)] if severity else []
        crossed = " or ".join(
            f"({figures} {OPERATORS[comparison]} ignoring (comparison, severity) group_right ()"
            f" {self.limits(equal('comparison', comparison), *severities)})"
            for comparison in comparisons or COMPARISONS
        )
        return f"(({crossed}) and on (metric) {self.info_by_metric()})" if self.about else f"({crossed})"

    def limits(self, *matchers: str) -> str:
        """Limits that govern a figure: those of today, whatever the end of the range is."""
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
