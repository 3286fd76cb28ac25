"""Silences: set, ended and listed in the warehouse, and delivered to Alertmanager where one is configured."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from metrics.thresholds import EVERY_MISSION, Severity, make_threshold
from service.alerting.alertmanager import expire_silence, find_silence, post_silence
from service.alerting.thresholds import ALL_NAMES, check_threshold
from service.errors import AlertError, AlertmanagerUnavailable, SilenceUnknown
from service.names import suggest_names
from service.warehouse.database import Connection, Warehouse, after_newest, read_objects, run_sql
from service.warehouse.definitions import Definitions

MAX_DURATION = timedelta(days=90)
MAX_NOTE_LENGTH = 1_000


@dataclass(frozen=True)
class Silence:
    """A silence of the alerts with all its labels, from `starts_at` until `ends_at`.

    `mission` is * for every mission. `is_delivered`: Alertmanager has this state of the silence.
    """

    silence_id: str
    alert: str | None
    metric: str | None
    mission: str
    severity: Severity | None
    dimensions: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    note: str | None
    set_by: str
    ended_by: str | None = None
    alertmanager_id: str | None = None
    is_delivered: bool = False

    @property
    def labels(self) -> dict[str, str]:
        """The labels that an alert must have."""
        named = {
            "alertname": self.alert,
            "metric": self.metric,
            "mission": None if self.mission == EVERY_MISSION else self.mission,
            "severity": self.severity,
        }
        return {**{name: value for name, value in named.items() if value is not None}, **self.dimensions}

    def is_active(self, now: datetime) -> bool:
        """Return whether the silence applies at an instant."""
        return self.starts_at <= now < self.ends_at

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether an alert with these labels is one of the silenced."""
        return self.labels.items() <= labels.items()

    def __str__(self) -> str:
        labels = ", ".join(f"{name}={value}" for name, value in self.labels.items())
        return f"{labels} until {self.ends_at:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True)
class SilenceChange:
    """A silence that was set or ended, and warnings for its user."""

    silence: Silence
    warnings: tuple[str, ...] = ()


def check_silence(
    definitions: Definitions,
    mission: str,
    metric: str | None,
    severity: Severity | None,
    dimensions: Mapping[str, str],
    alert: str | None,
) -> str | None:
    """Return the full name of the metric.

    Raises AlertError when the silence names neither metric, mission nor alert, and ThresholdError or AlertError with the
    unknown name and similar ones.
    """
    if metric is None and alert is None and mission == EVERY_MISSION:
        raise AlertError("a silence needs a metric, a mission or an alert; it would silence every alert")
    if metric is not None:
        checked, _ = check_threshold(
            definitions, make_threshold(metric, mission, dict(dimensions), "above", severity or "warning", None, None)
        )
        return checked.metric
    if dimensions:
        raise AlertError("labels need a metric; name the metric, or leave the labels out")
    missions = [known.mission for known in definitions.catalogue.missions]
    if mission not in (*missions, EVERY_MISSION):
        raise AlertError(f"Unknown mission {mission!r}. {suggest_names(mission, missions, ALL_NAMES)}")
    return None


def set_silence(
    warehouse: Warehouse,
    definitions: Definitions,
    ends_at: datetime,
    set_by: str,
    now: datetime,
    mission: str = EVERY_MISSION,
    metric: str | None = None,
    severity: Severity | None = None,
    dimensions: Mapping[str, str] | None = None,
    alert: str | None = None,
    note: str | None = None,
) -> Silence:
    """Record a silence that starts now. Raises as `check_silence`, and AlertError for an end that is past or too late."""
    metric = check_silence(definitions, mission, metric, severity, dimensions or {}, alert)
    if ends_at <= now:
        raise AlertError("the end of a silence must be in the future")
    if ends_at > now + MAX_DURATION:
        raise AlertError(f"a silence ends within {MAX_DURATION.days} days; set it again when it has ended")
    if note is not None and len(note) > MAX_NOTE_LENGTH:
        raise AlertError(f"a note has at most {MAX_NOTE_LENGTH:,} characters")
    silence = Silence(
        secrets.token_hex(8), alert, metric, mission, severity, dict(dimensions or {}), now, ends_at, note, set_by
    )  # fmt: skip
    with warehouse.write() as cursor:
        _record(cursor, silence, now)
    return silence


def end_silence(warehouse: Warehouse, silence_id: str, ended_by: str, now: datetime) -> Silence:
    """Record that a silence ends now, and return it. Raises SilenceUnknown, and AlertError when it has ended."""
    with warehouse.write() as cursor:
        silence = find_recorded_silence(cursor, silence_id)
        if silence.ends_at <= now:
            raise AlertError(f"the silence {silence_id} ended at {silence.ends_at:%Y-%m-%d %H:%M} UTC")
        # One that Alertmanager never received needs no end there, unless an answer was lost: delivery looks for it.
        ended = replace(silence, ends_at=now, ended_by=ended_by, is_delivered=False)
        _record(cursor, ended, now)
    return ended


def list_silences(connection: Connection, active_at: datetime | None = None) -> list[Silence]:
    """Return the silences, the last to end first; with `active_at` only those that have not ended by then."""
    return read_objects(run_sql(connection, "silences/list", active_at=active_at, silence_id=None), Silence)


def find_recorded_silence(connection: Connection, silence_id: str) -> Silence:
    """Return a silence by its id. Raises SilenceUnknown."""
    found = read_objects(run_sql(connection, "silences/list", active_at=None, silence_id=silence_id), Silence)
    if not found:
        raise SilenceUnknown(f"there is no silence {silence_id!r}; GET /api/v1/silences lists all")
    return found[0]


def deliver_silences(warehouse: Warehouse, url: str, now: datetime) -> list[str]:
    """Send to Alertmanager what it does not have of the silences, and record its ids. Return what failed.

    Nothing is lost on a failure: the next call tries again. Only one call at a time, or a silence is sent twice.
    """
    with warehouse.cursor() as cursor:
        pending = read_objects(run_sql(cursor, "silences/list_undelivered", now=now), Silence)
    failures = []
    for silence in pending:
        try:
            delivered = _deliver(url, silence, now)
        except AlertmanagerUnavailable as error:
            failures.append(str(error))
            if error.is_refusal:
                continue
            break
        with warehouse.write() as cursor:
            current = find_recorded_silence(cursor, silence.silence_id)
            # Ended while it was sent: the next call expires it.
            is_current = current.ended_by == silence.ended_by
            _record(cursor, replace(current, alertmanager_id=delivered, is_delivered=is_current), now)
    return failures


def _deliver(url: str, silence: Silence, now: datetime) -> str | None:
    """Return the id in Alertmanager of a silence that was sent or expired; None if it was never there."""
    mark = f"(A4P silence {silence.silence_id})"
    # An earlier request may have succeeded without its answer.
    known = silence.alertmanager_id or find_silence(url, silence.labels, mark)
    if silence.ends_at <= now:
        if known is not None:
            expire_silence(url, known)
        return known
    comment = f"{silence.note or 'Silenced'} {mark}"
    return known or post_silence(url, silence.labels, silence.starts_at, silence.ends_at, silence.set_by, comment)


def _record(cursor: Connection, silence: Silence, now: datetime) -> None:
    run_sql(cursor, "silences/record", **asdict(silence), recorded_at=after_newest(cursor, "silences", "recorded_at", now))
