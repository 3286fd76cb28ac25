"""The form of the page `/thresholds`: its fields as text, and the thresholds that they describe."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, cast

from werkzeug.datastructures import MultiDict

from metrics.thresholds import COMPARISONS, EVERY_MISSION, SEVERITIES, Comparison, Severity, Threshold, make_threshold
from service.client.protocol import ThresholdRequest
from service.errors import ThresholdError

ACTIONS = ("set", "copy", "remove")


@dataclass(frozen=True)
class ThresholdForm:
    """The fields as given, also where they are wrong.

    `missions` are the targets of a copy. `seen` has by mission the revision that the author saw, empty where there was none.
    """

    action: str
    metric: str
    mission: str
    labels: str
    comparison: Comparison
    limit: str
    severity: Severity
    reason: str
    missions: tuple[str, ...] = ()
    seen: Mapping[str, str] = field(default_factory=dict)

    def read_threshold(self) -> Threshold:
        """Return the threshold, with limit None if the field is empty.

        Raises ThresholdError if the limit is not a number or the labels are not name=value pairs.
        """
        return make_threshold(
            self.metric,
            self.mission or EVERY_MISSION,
            _read_labels(self.labels),
            self.comparison,
            self.severity,
            _read_limit(self.limit),
            self.reason or None,
        )

    def list_targets(self) -> list[Threshold]:
        """Return the thresholds that the form changes: one, or those of the missions that it is copied to."""
        threshold = self.read_threshold()
        return [replace(threshold, mission=mission) for mission in self.missions] if self.action == "copy" else [threshold]

    def list_requests(self, author: str) -> list[ThresholdRequest]:
        """Return the changes that the form describes. Raises ThresholdError if a field is missing or wrong."""
        if self.action not in ACTIONS:
            raise ThresholdError(f"action: {self.action!r} is not one of {', '.join(ACTIONS)}.")
        if self.action == "copy" and not self.missions:
            raise ThresholdError("missions: select at least one mission.")
        if self.action != "remove" and not self.limit:
            raise ThresholdError("limit: the threshold needs a limit.")
        action: Literal["set", "remove"] = "remove" if self.action == "remove" else "set"
        return [
            ThresholdRequest(
                action=action,
                metric=target.metric,
                mission=target.mission,
                dimensions=target.dimensions,
                comparisons=[target.comparison],
                severities=[target.severity],
                limit=None if action == "remove" else target.limit,
                note=target.note,
                set_by=author,
                expected=self.seen.get(target.mission),
            )
            for target in self.list_targets()
        ]


def read_form(fields: MultiDict[str, str]) -> ThresholdForm:
    """Return the form from the fields of a POST or the parameters of a GET."""

    def read(name: str) -> str:
        return fields.get(name, "").strip()

    return ThresholdForm(
        action=read("action") or "set",
        metric=read("metric"),
        mission="" if read("mission") == EVERY_MISSION else read("mission"),
        labels=read("labels"),
        comparison=cast(Comparison, read("comparison") if read("comparison") in COMPARISONS else "above"),
        limit=read("limit"),
        severity=cast(Severity, read("severity") if read("severity") in SEVERITIES else "warning"),
        reason=read("reason"),
        missions=tuple(dict.fromkeys(filter(None, fields.getlist("missions")))),
        seen=dict(pair.split("=", 1) for pair in fields.getlist("seen") if "=" in pair),
    )


def write_number(value: float) -> str:
    """Return a limit as the field holds it: every digit, and no decimal point for whole numbers."""
    return f"{value:.17g}" if value != float(f"{value:.15g}") else f"{value:.15g}"


def write_label_field(dimensions: Mapping[str, str]) -> str:
    """Return label values as the field holds them."""
    return "; ".join(f"{name}={value}" for name, value in dimensions.items())


def _read_limit(text: str) -> float | None:
    if not text:
        return None
    try:
        limit = float(text)
    except ValueError:
        raise ThresholdError(f"limit: {text!r} is not a number. Write it like 100 or 0.25.") from None
    if not math.isfinite(limit):
        raise ThresholdError("limit: the number must be finite.")
    return limit


def _read_labels(text: str) -> dict[str, str]:
    labels: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(";"))):
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not (equals and name and value):
            raise ThresholdError(f"labels: {pair!r} is not written as name=value. Separate labels with a semicolon.")
        labels[name] = value
    return labels
