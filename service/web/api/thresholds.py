"""Thresholds in the API: one with its ETag, set, removed and back-tested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from flask import Blueprint, Response
from pydantic import Field

from metrics.thresholds import COMPARISONS, EVERY_MISSION, SEVERITIES, Comparison, Severity, Threshold, make_threshold
from service.access.roles import Right
from service.alerting.thresholds import (
    BackTest,
    back_test_threshold,
    check_threshold,
    find_threshold,
    resolve_mission,
)
from service.application import Application
from service.client.protocol import ThresholdRequest
from service.errors import ThresholdError
from service.system.progress import ignore_progress
from service.system.time_limit import left_seconds, watch_session
from service.web.answer_cache import MAX_WAIT_SECONDS
from service.web.api.answer import SNAPSHOT_HEADER
from service.web.api.copies import open_copy
from service.web.api.writing import Answer, Given, make_client, read_body, read_expected, read_parameters, send, writes
from service.web.authorization import requires
from service.web.clients import find_client
from service.web.problems import Refused

MAX_VALUES = 10_000
LABEL_PREFIX = "label."
Name = Annotated[str, Field(min_length=1, max_length=200)]
Labels = Annotated[dict[Name, Name], Field(max_length=20)]
Note = Annotated[str, Field(max_length=1000)]


class ThresholdKey(Given):
    """The fields that identify a threshold; a missing mission means every mission."""

    metric: Name = Field(description="Name of the metric, with or without a4p_.")
    mission: Name = Field(EVERY_MISSION, description="Mission; * for every mission.")
    dimensions: Labels = Field(default_factory=dict, description="Values of further labels.")
    comparison: Comparison = Field("above", description="The threshold is exceeded above or below the limit.")
    severity: Severity = Field("warning", description="Severity of its alerts.")


class ThresholdToSet(ThresholdKey):
    """A threshold to set."""

    limit: float = Field(allow_inf_nan=False, description="Limit in the unit of the metric.")
    note: Note | None = Field(None, description="Reason, recorded with the threshold.")


class ThresholdToRemove(Given):
    """The threshold to remove. Comparison and severity are needed only if more than one matches."""

    metric: Name = Field(description="Name of the metric, with or without a4p_.")
    mission: Name = Field(EVERY_MISSION, description="Mission; * for every mission.")
    dimensions: Labels = Field(default_factory=dict, description="Values of further labels, each as label.NAME=VALUE.")
    comparison: Comparison | None = Field(None, description="Only a threshold with this comparison.")
    severity: Severity | None = Field(None, description="Only a threshold of this severity.")
    note: Note | None = Field(None, description="Reason, recorded with the removal.")


class ThresholdToTest(ThresholdKey):
    """A threshold to back-test; without a limit, only suggestions are computed."""

    limit: float | None = Field(None, allow_inf_nan=False, description="Limit in the unit of the metric.")
    suggest: bool = Field(False, description="Suggest limits from the history.")
    note: Note | None = Field(None, description="Ignored: the body of POST /api/v1/thresholds can be sent.")


class OneThreshold(Answer):
    """A current threshold. Its ETag is for If-Match."""

    metric: str
    mission: str
    dimensions: dict[str, str]
    comparison: Comparison
    severity: Severity
    limit: float
    note: str | None
    set_by: str | None
    recorded_at: str
    revision: str


class ChangedThreshold(Answer):
    """A threshold that was set or removed, the limit it replaced, warnings, and missions to which it does not apply.

    `revision` is the ETag of a threshold that was set, for If-Match.
    """

    text: str
    replaced_limit: float | None
    warnings: list[str]
    exclusions: list[str]
    revision: str | None = None


class TestedValue(Answer):
    """A value to which the back-tested or a current threshold applies."""

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


class SuggestedLimit(Answer):
    """A suggested limit, the reason for it, and the number of past values that would have fired."""

    limit: float
    reason: str
    fired: int


class BackTestAnswer(Answer):
    """The back-test over the whole history of a snapshot. `values` lists those that fire first."""

    snapshot: str
    metric: str
    mission: str
    tested: int
    fired: int
    started: int
    cleared: int
    values: list[TestedValue]
    truncated: bool
    suggestions: list[SuggestedLimit]
    warnings: list[str]
    exclusions: list[str]


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the routes of thresholds."""
    definitions = application.definitions

    @routes.get("/thresholds/current")
    def get_threshold() -> Response:
        given = read_parameters(ThresholdKey, LABEL_PREFIX)
        requested, _ = check_threshold(definitions, _make(given, None))
        with application.open_live_session() as session:
            requested = resolve_mission(session, definitions, requested)
            current = find_threshold(session, definitions, requested)
        if current is None:
            raise Refused(404, f"There is no threshold {requested}. GET /api/v1/thresholds lists all.")
        return send(_describe(requested, current))

    @routes.post("/thresholds")
    @writes(application, Right.SET_THRESHOLDS)
    def set_threshold() -> Response:
        given = read_body(ThresholdToSet)
        changed = make_client(application).change_threshold(
            ThresholdRequest(
                action="set", metric=given.metric, mission=given.mission, dimensions=given.dimensions,
                comparisons=[given.comparison], severities=[given.severity], limit=given.limit, note=given.note, set_by="",
                expected=read_expected(),
            ),
            ignore_progress,
        )  # fmt: skip
        with application.open_live_session() as session:
            current = find_threshold(session, definitions, _make(given, given.limit))
        return send(
            ChangedThreshold(
                text=changed.text, replaced_limit=changed.replaced_limit, warnings=list(changed.warnings),
                exclusions=list(changed.exclusions), revision=current["revision"] if current else None,
            ),
            201 if changed.replaced_limit is None else 200,
        )  # fmt: skip

    @routes.delete("/thresholds")
    @writes(application, Right.SET_THRESHOLDS)
    def remove_threshold() -> Response:
        given = read_parameters(ThresholdToRemove, LABEL_PREFIX)
        changed = make_client(application).change_threshold(
            ThresholdRequest(
                action="remove", metric=given.metric, mission=given.mission, dimensions=given.dimensions,
                comparisons=[given.comparison] if given.comparison else list(COMPARISONS),
                severities=[given.severity] if given.severity else list(SEVERITIES), limit=None, note=given.note, set_by="",
                expected=read_expected(),
            ),
            ignore_progress,
        )  # fmt: skip
        return send(
            ChangedThreshold(
                text=changed.text, replaced_limit=changed.replaced_limit, warnings=list(changed.warnings), exclusions=[]
            )
        )

    @routes.post("/thresholds/backtest")
    @requires(Right.READ)
    def back_test() -> Response:
        given = read_body(ThresholdToTest)
        if given.limit is None and not given.suggest:
            raise ThresholdError("limit: a back-test needs a limit, or suggest: true")
        copy = open_copy(application)
        with (
            application.pages.take(find_client(), left_seconds(MAX_WAIT_SECONDS)),
            copy.open_session() as session,
            watch_session(session),
        ):
            result = back_test_threshold(session, definitions, _make(given, given.limit), given.suggest)
        snapshot = str(copy.info.snapshot_id)
        response = send(_describe_back_test(result, snapshot))
        response.headers[SNAPSHOT_HEADER] = snapshot
        return response


def _make(key: ThresholdKey, limit: float | None) -> Threshold:
    return make_threshold(key.metric, key.mission, key.dimensions, key.comparison, key.severity, limit, None)


def _describe(threshold: Threshold, current: Mapping[str, Any]) -> OneThreshold:
    return OneThreshold(
        metric=threshold.metric,
        mission=threshold.mission,
        dimensions=threshold.dimensions,
        comparison=threshold.comparison,
        severity=threshold.severity,
        limit=current["limit_value"],
        note=current["note"],
        set_by=current["set_by"],
        recorded_at=current["recorded_at"],
        revision=current["revision"],
    )


def _describe_back_test(result: BackTest, snapshot: str) -> BackTestAnswer:
    has_limit = result.threshold.limit is not None
    return BackTestAnswer(
        snapshot=snapshot,
        metric=result.threshold.metric,
        mission=result.threshold.mission,
        tested=len(result.tested),
        fired=len(result.fired) if has_limit else 0,
        started=len(result.started) if has_limit else 0,
        cleared=len(result.cleared) if has_limit else 0,
        values=[TestedValue(**asdict(item)) for item in result.governed[:MAX_VALUES]],
        truncated=len(result.governed) > MAX_VALUES,
        suggestions=[SuggestedLimit(**asdict(item)) for item in result.suggestions],
        warnings=list(result.warnings),
        exclusions=list(map(str, result.excluded)),
    )
