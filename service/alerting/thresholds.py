"""Thresholds: set, remove, list and back-test. Back-tests use the same rules as current breaches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, cast

from metrics.catalogue import ALL_MISSIONS, CatalogueError, Indicator
from metrics.families import INDICATOR_CHANGE
from metrics.languages import gettext, localize
from metrics.poisson import find_poisson_limit, find_poisson_tail
from metrics.thresholds import EVERY_MISSION, Comparison, Severity, Threshold, make_threshold
from service.errors import ChangedMeanwhile, ThresholdError
from service.names import suggest_names
from service.system.time_limit import check_time
from service.warehouse.database import Connection, Warehouse, make_object, read_clock, read_objects, read_rows, run_sql
from service.warehouse.definitions import Definitions

SET_AS_DEFAULT_BY = "a4p"
ALL_NAMES = "docs/metrics.md lists all metrics and labels."
# The chance that a Poisson-distributed value exceeds a suggested limit of rare events.
RARE_CHANCE = 0.05
SUGGESTED_QUANTILE = 0.9


@dataclass(frozen=True)
class ThresholdChange:
    """A threshold that was set or removed, the limit it replaced, and warnings for its user."""

    text: str
    replaced_limit: float | None
    warnings: tuple[str, ...]
    exclusions: tuple[str, ...] = ()


@dataclass(frozen=True)
class GovernedValue:
    """A value governed by the back-tested or a current threshold. `chance` is given for rare events with a history."""

    mission: str
    dimensions: dict[str, str]
    period_start: date | None
    period_end: date
    value: float
    excess: float | None
    is_tested: bool
    fires: bool
    fires_today: bool
    is_newest: bool
    earlier_mean: float | None
    earlier_count: int
    chance: float | None


@dataclass(frozen=True)
class Suggestion:
    """A suggested limit, the reason for it, and the number of past values that would have fired."""

    limit: float
    reason: str
    fired: int


@dataclass(frozen=True)
class Exclusion:
    """A mission that a back-tested threshold does not govern, because a more specific threshold does."""

    mission: str
    dimensions: dict[str, str]
    is_own: bool
    limit: float

    def __str__(self) -> str:
        labels = "".join(f", {name}={value}" for name, value in self.dimensions.items())
        series, limit = f"{self.mission}{labels}", localize(f"{self.limit:g}")
        if self.is_own:
            return gettext("%(series)s is excluded: its own limit %(limit)s applies", series=series, limit=limit)
        return gettext(
            "%(series)s is excluded: the limit %(limit)s for every mission%(labels)s applies",
            series=series,
            limit=limit,
            labels=labels,
        )


@dataclass(frozen=True)
class BackTest:
    """The result of a back-test over the whole history. `governed` are sorted with firing values first."""

    threshold: Threshold
    governed: tuple[GovernedValue, ...]
    suggestions: tuple[Suggestion, ...]
    warnings: tuple[str, ...]
    excluded: tuple[Exclusion, ...] = ()

    @property
    def tested(self) -> list[GovernedValue]:
        """The values that the back-tested threshold governs."""
        return [item for item in self.governed if item.is_tested]

    @property
    def fired(self) -> list[GovernedValue]:
        return [item for item in self.tested if item.fires]

    @property
    def started(self) -> list[GovernedValue]:
        """Values that fire only with the threshold."""
        return [item for item in self.governed if item.fires and not item.fires_today]

    @property
    def cleared(self) -> list[GovernedValue]:
        """Values that fire only without the threshold."""
        return [item for item in self.governed if item.fires_today and not item.fires]


def list_metrics(definitions: Definitions) -> list[str]:
    """Return the metrics that can have a threshold: indicators, KPIs and changes."""
    indicators = [indicator.metric for _, indicator in definitions.catalogue.indicators]
    return [*indicators, *(kpi.metric for kpi in definitions.kpis), INDICATOR_CHANGE]


def check_threshold(definitions: Definitions, threshold: Threshold) -> tuple[Threshold, list[str]]:
    """Return the threshold with the full name of its metric, and warnings.

    Raises ThresholdError with the unknown metric, mission, label or value and similar names.
    """
    metrics = list_metrics(definitions)
    metric = threshold.metric if threshold.metric in metrics else f"a4p_{threshold.metric}"
    if metric not in metrics:
        raise ThresholdError(f"Unknown metric {threshold.metric!r}. {suggest_names(metric, metrics, ALL_NAMES)}")
    threshold = replace(threshold, metric=metric)
    missions = [mission.mission for mission in definitions.catalogue.missions]
    if threshold.mission not in (*missions, EVERY_MISSION):
        raise ThresholdError(f"Unknown mission {threshold.mission!r}. {suggest_names(threshold.mission, missions, ALL_NAMES)}")
    known = _list_labels(definitions, threshold)
    for name, value in threshold.dimensions.items():
        if name == "mission":
            raise ThresholdError("set the label mission with --mission")
        if name not in known:
            hint = suggest_names(name, known, ALL_NAMES) if known else "Its only label is mission."
            raise ThresholdError(f"Unknown label {name!r} of {metric}. {hint}")
        values = known[name]
        if values is not None and value not in values:
            hint = suggest_names(value, values, ALL_NAMES)
            raise ThresholdError(f"Unknown value {value!r} of the label {name} of {metric}. {hint}")
    return threshold, _warn_of_range(definitions, threshold)


def _find_indicator(definitions: Definitions, threshold: Threshold) -> Indicator | None:
    """Return the indicator of a threshold; None for a KPI, and for the changes of all indicators."""
    name = threshold.dimensions.get("indicator") if threshold.metric == INDICATOR_CHANGE else None
    for _, indicator in definitions.catalogue.indicators:
        if indicator.indicator == name or indicator.metric == threshold.metric:
            return indicator
    return None


def _list_labels(definitions: Definitions, threshold: Threshold) -> Mapping[str, tuple[str, ...] | None]:
    """Return the labels of a metric other than mission with their values; None if any value is possible."""
    names = tuple(sorted(definitions.catalogue.indicator_names))
    indicator = _find_indicator(definitions, threshold)
    if threshold.metric == INDICATOR_CHANGE:
        return {"indicator": names, **(indicator.dimensions if indicator else {})}
    if indicator is not None:
        return indicator.dimensions
    kpi = next(kpi for kpi in definitions.kpis if kpi.metric == threshold.metric)
    return {label: names if label == "indicator" else None for label in kpi.labels if label != "mission"}


def _find_range(definitions: Definitions, threshold: Threshold) -> tuple[float | None, float | None, str]:
    """Return the minimum and maximum value of a metric, or None, and its unit."""
    indicator = _find_indicator(definitions, threshold)
    if indicator is not None:
        low, high = indicator.minimum, indicator.maximum
        if threshold.metric == INDICATOR_CHANGE:
            width = high - low if low is not None and high is not None else None
            return (None if width is None else -width), width, indicator.unit
        return low, high, indicator.unit
    if threshold.metric == INDICATOR_CHANGE:
        return None, None, ""
    unit = next(kpi.unit for kpi in definitions.kpis if kpi.metric == threshold.metric)
    if threshold.metric.endswith("_change_ratio"):
        return -1.0, None, unit
    return 0.0, 1.0 if threshold.metric.endswith("_share") else None, unit


def _warn_of_range(definitions: Definitions, threshold: Threshold) -> list[str]:
    limit = threshold.limit
    if limit is None:
        return []
    low, high, unit = _find_range(definitions, threshold)
    span = gettext(
        "%(metric)s is between %(low)s and %(high)s",
        metric=threshold.metric,
        low="-inf" if low is None else localize(f"{low:g}"),
        high="inf" if high is None else localize(f"{high:g}"),
    )
    is_above = threshold.comparison == "above"
    beyond_high = high is not None and (limit >= high if is_above else limit > high)
    beyond_low = low is not None and (limit < low if is_above else limit <= low)
    if beyond_high if is_above else beyond_low:
        return [gettext("this threshold can never fire: %(span)s", span=span)]
    if beyond_low if is_above else beyond_high:
        return [gettext("this threshold always fires: %(span)s", span=span)]
    if unit == "ratio" and abs(limit) >= 2:
        message = gettext("a ratio of 1 is 100 %%, so the limit %(limit)s is %(percent)s%%; for %(limit)s %% use %(ratio)s")
        numbers = {"limit": f"{limit:g}", "percent": f"{limit * 100:.0f}", "ratio": f"{limit / 100:g}"}
        return [message % {name: localize(number) for name, number in numbers.items()}]
    return []


def resolve_mission(connection: Connection, definitions: Definitions, threshold: Threshold) -> Threshold:
    """Return the threshold for ALL if it is for every mission and its metric has no series of missions."""
    if threshold.mission != EVERY_MISSION:
        return threshold
    indicator = _find_indicator(definitions, threshold)
    missions = set(indicator.expected_missions) if indicator else set()
    missions |= {row[0] for row in run_sql(connection, "thresholds/list_missions", metric=threshold.metric).fetchall()}
    return replace(threshold, mission=ALL_MISSIONS) if missions == {ALL_MISSIONS} else threshold


def set_threshold(
    warehouse: Warehouse,
    definitions: Definitions,
    requested: Threshold,
    set_by: str,
    clock: Callable[[], datetime] = read_clock,
    expected: str | None = None,
) -> ThresholdChange:
    """Record a threshold. The replaced one remains in the history.

    Raises ThresholdError as `check_threshold` does, and ChangedMeanwhile as `check_revision` does.
    """
    threshold, warnings = check_threshold(definitions, requested)
    with warehouse.write() as cursor:
        threshold = resolve_mission(cursor, definitions, threshold)
        check_revision(cursor, threshold, expected)
        current = _find_current(cursor, threshold)
        replaced = current["limit_value"] if current else None
        _record(cursor, threshold, set_by, clock())
        exclusions = list_exclusions(cursor, threshold.metric).get(threshold.key, ())
    return ThresholdChange(str(threshold), replaced, tuple(warnings), tuple(map(str, exclusions)))


def find_threshold(connection: Connection, definitions: Definitions, requested: Threshold) -> dict[str, Any] | None:
    """Return limit_value, note, set_by, set_at, recorded_at and revision of the current threshold with these fields, or None.

    Raises ThresholdError as `check_threshold` does.
    """
    threshold, _ = check_threshold(definitions, replace(requested, limit=None))
    return _find_current(connection, resolve_mission(connection, definitions, threshold))


def list_exclusions(connection: Connection, metric: str) -> dict[object, list[Exclusion]]:
    """Return the missions that thresholds of a metric for every mission do not govern, by the key of the threshold."""
    found: dict[object, list[Exclusion]] = {}
    for row in read_rows(run_sql(connection, "thresholds/list_own_limits", metric=metric)):
        found.setdefault(make_excluding_key(row), []).append(make_object(Exclusion, row))
    return found


def make_excluding_key(row: Mapping[str, Any]) -> object:
    """Return the key of the threshold for every mission that a row of store.threshold_exclusions is about."""
    return make_threshold(
        row["metric"], EVERY_MISSION, row["threshold_dimensions"], row["comparison"], row["severity"], None, None
    ).key


def remove_threshold(
    warehouse: Warehouse,
    definitions: Definitions,
    requested: Threshold,
    comparisons: Iterable[str],
    severities: Iterable[str],
    removed_by: str,
    clock: Callable[[], datetime] = read_clock,
    expected: str | None = None,
) -> ThresholdChange:
    """Record the end of the threshold with this metric, mission, labels, and one of these comparisons and severities.

    Raises ThresholdError unless exactly one matches, and ChangedMeanwhile as `check_revision` does.
    """
    requested, _ = check_threshold(definitions, replace(requested, limit=None))
    with warehouse.write() as cursor:
        requested = resolve_mission(cursor, definitions, requested)
        in_force = _list_in_force(cursor, requested.metric)
        found = [
            threshold
            for threshold in in_force
            if (threshold.mission, threshold.dimensions) == (requested.mission, requested.dimensions)
            and threshold.comparison in comparisons
            and threshold.severity in severities
        ]
        if not found:
            existing = f"current: {', '.join(map(str, in_force))}" if in_force else f"{requested.metric} has none"
            raise ThresholdError(f"no matching threshold; {existing}")
        if len(found) > 1:
            raise ThresholdError(
                f"more than one matches: {', '.join(map(str, found))}; select one with --severity, --above or --below"
            )
        check_revision(cursor, found[0], expected)
        _record(cursor, replace(found[0], limit=None, note=requested.note), removed_by, clock())
    return ThresholdChange(str(found[0]), found[0].limit, ())


def check_revision(connection: Connection, threshold: Threshold, expected: str | None) -> None:
    """Raise ChangedMeanwhile unless the current threshold has this revision.

    `*` expects any current one, an empty string expects none, None expects nothing.
    """
    if expected is None:
        return
    current = _find_current(connection, threshold)
    if (expected == "*" and current is not None) or expected == (current["revision"] if current else ""):
        return
    state = f"set to {threshold.comparison} {current['limit_value']:g}" if current else "removed"
    raise ChangedMeanwhile(f"the threshold was {state} in the meantime; check it and repeat the change")


def append_default_thresholds(cursor: Connection, definitions: Definitions, now: datetime) -> None:
    """Record new, changed and removed defaults, except thresholds that a user has ever changed."""
    newest: dict[object, Threshold] = {}
    touched: set[object] = set()
    for *columns, is_touched in run_sql(cursor, "thresholds/list_newest").fetchall():
        threshold = make_threshold(*columns)
        newest[threshold.key] = threshold
        if is_touched:
            touched.add(threshold.key)
    requested = {threshold.key: threshold for threshold in definitions.thresholds}
    changed = [default for key, default in requested.items() if newest.get(key) != default]
    removed = [
        replace(before, limit=None, note="No longer a default")
        for key, before in newest.items()
        if key not in requested and before.limit is not None
    ]
    for threshold in [*changed, *removed]:
        if threshold.key not in touched:
            _record(cursor, threshold, SET_AS_DEFAULT_BY, now, is_default=True)


def check_defaults(definitions: Definitions) -> None:
    """Raise CatalogueError for the first default threshold with an unknown name, or that can never or always fire."""
    for threshold in definitions.thresholds:
        try:
            known, warnings = check_threshold(definitions, threshold)
        except ThresholdError as error:
            raise CatalogueError(f"thresholds.yaml, {threshold.metric}: {error}") from None
        if warnings or known != threshold:
            raise CatalogueError(f"thresholds.yaml, {threshold.metric}: {warnings or 'use the full name of the metric'}")


def back_test_threshold(
    connection: Connection, definitions: Definitions, requested: Threshold, suggest: bool = False, removes: bool = False
) -> BackTest:
    """Return the back-test of a threshold over the whole history. Nothing is recorded.

    With `suggest`, the result includes suggested limits, and the threshold may have no limit. With `removes`, the result shows
    the effect of the removal: values that start or stop firing, because other thresholds or none govern them. Raises as
    `check_threshold`.
    """
    threshold, warnings = check_threshold(definitions, requested)
    threshold = resolve_mission(connection, definitions, threshold)
    indicator = _find_indicator(definitions, threshold)
    is_rare = indicator is not None and indicator.rare_event and threshold.metric == indicator.metric
    rows = run_sql(
        connection,
        "thresholds/back_test",
        **_bind_key(threshold),
        limit_value=threshold.limit,
        is_rare=is_rare,
        removes=removes,
    )
    governed: list[GovernedValue] = []
    for row in read_rows(rows):
        check_time()
        value, mean = row["value"], row["earlier_mean"]
        chance = find_poisson_tail(round(value), mean) if is_rare and mean is not None and value >= 0 else None
        governed.append(make_object(GovernedValue, row, chance=chance))
    suggestions = suggest_limits(threshold, [item for item in governed if item.is_tested], is_rare) if suggest else ()
    excluded = tuple(read_objects(run_sql(connection, "thresholds/list_excluded"), Exclusion))
    return BackTest(threshold, tuple(governed), suggestions, tuple(warnings), excluded)


def suggest_limits(threshold: Threshold, governed: list[GovernedValue], is_rare: bool) -> tuple[Suggestion, ...]:
    """Return limits derived from the values that a threshold governs, the one that fires most often first."""
    if not governed:
        return ()
    is_above = threshold.comparison == "above"
    values = sorted((item.value for item in governed), reverse=not is_above)
    highest = gettext("the highest value so far: only a new record fires")
    lowest = gettext("the lowest value so far: only a new record fires")
    found = [(values[-1], highest if is_above else lowest)]
    if len(values) >= 5:
        # Rounded down, so that with few values at least one is beyond the suggested limit.
        found.append(
            (values[int(len(values) * SUGGESTED_QUANTILE) - 1], gettext("about 90 % of the values so far are within it"))
        )
    if is_rare and is_above:
        means: dict[object, list[float]] = {}
        for item in governed:
            means.setdefault((item.mission, *item.dimensions.items()), []).append(item.value)
        mean = max(sum(series) / len(series) for series in means.values())
        limit = float(find_poisson_limit(mean, RARE_CHANCE))
        reason = gettext(
            "random variation (Poisson, mean %(mean)s) exceeds it in fewer than 1 of 20 periods", mean=localize(f"{mean:.4g}")
        )
        found.append((limit, reason))
    reasons: dict[float, str] = {}
    for limit, reason in found:
        reasons.setdefault(limit, reason)
    suggestions = [
        Suggestion(limit, reason, sum(value > limit if is_above else value < limit for value in values))
        for limit, reason in reasons.items()
    ]
    return tuple(sorted(suggestions, key=lambda suggestion: -suggestion.fired))


def _list_in_force(cursor: Connection, metric: str) -> list[Threshold]:
    rows = cursor.execute(
        "select metric, mission, dimensions, comparison, severity, limit_value, note from thresholds where metric = ? "
        "order by all",
        [metric],
    ).fetchall()
    return [make_threshold(*row) for row in rows]


def _bind_key(threshold: Threshold) -> dict[str, object]:
    """Return the parameters that identify a threshold in SQL."""
    return {
        "metric": threshold.metric,
        "mission": threshold.mission,
        "dimensions": threshold.dimensions,
        "comparison": threshold.comparison,
        "severity": threshold.severity,
    }


def _find_current(connection: Connection, threshold: Threshold) -> dict[str, Any] | None:
    found = run_sql(
        connection,
        "thresholds/find",
        **_bind_key(threshold),
    )
    return next(iter(read_rows(found)), None)


def _record(cursor: Connection, threshold: Threshold, set_by: str, now: datetime, is_default: bool = False) -> None:
    run_sql(
        cursor,
        "thresholds/record",
        **_bind_key(threshold),
        limit_value=threshold.limit,
        note=threshold.note,
        set_by=set_by,
        now=now,
        is_default=is_default,
    )


def read_threshold(text: Mapping[str, object]) -> Threshold:
    """Return a threshold from the validated fields of a request."""
    return make_threshold(
        str(text["metric"]),
        str(text["mission"]),
        cast(dict[str, str], text["dimensions"]),
        cast(Comparison, text["comparison"]),
        cast(Severity, text["severity"]),
        cast("float | None", text["limit"]),
        cast("str | None", text["note"]),
    )
