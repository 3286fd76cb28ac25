"""Alerts: recorded notifications of Alertmanager, firing alerts, acknowledgements, and the observations behind an alert."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from service.errors import AlertError
from service.settings import Settings
from service.snapshots.cache import use_complete_cache
from service.system.file_access import PRIVATE_FILE, SHARED_FILE, find_group
from service.warehouse.database import Connection, Warehouse, after_newest, read_rows, run_sql

# The only alert about the service whose end has recorded causes (metrics/rules.py).
OVERDUE_ALERT = "A4pReportsOverdue"


def _check_name(labels: dict[str, str]) -> dict[str, str]:
    if "alertname" not in labels:
        raise ValueError("the label alertname is missing")
    return labels


class Alert(BaseModel):
    """One alert of a notification. Keys of later versions of Alertmanager are ignored."""

    model_config = ConfigDict(extra="ignore")
    status: Literal["firing", "resolved"]
    labels: Annotated[dict[str, str], AfterValidator(_check_name), Field(json_schema_extra={"required": ["alertname"]})]
    annotations: dict[str, str] = Field(default_factory=dict)
    # Strict: a number would be parsed as seconds since 1970.
    starts_at: AwareDatetime = Field(alias="startsAt", strict=True)
    ends_at: AwareDatetime | None = Field(alias="endsAt", default=None, strict=True)
    fingerprint: str = Field(pattern=r"^[0-9a-f]{1,64}$")


class Notification(BaseModel):
    """The body of a webhook of Alertmanager: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config."""

    model_config = ConfigDict(extra="ignore")
    version: Literal["4"]
    alerts: list[Alert]


def read_token(settings: Settings) -> str:
    """Return the token of the alerts endpoint. If it does not exist, create it, readable by this user only.

    With A4P_ALERTS_TOKEN_FILE the group of the file may read it too; with A4P_GROUP, that group may. Raises
    AlertError.
    """
    group = find_group(settings.group)
    is_shared = group is not None or settings.alerts_token_file is not None
    file, mode = settings.token_file, SHARED_FILE if is_shared else PRIVATE_FILE
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        try:
            token = file.read_text(encoding="ascii").strip()
        except UnicodeDecodeError:
            token = ""
        except OSError as error:
            raise AlertError(f"the token of Alertmanager cannot be read from {file}: {error.strerror}") from None
        if len(token) < 16:
            raise AlertError(f"{file} contains no token; delete it and restart, which creates a new one") from None
        return token
    except OSError as error:
        raise AlertError(f"the token of Alertmanager cannot be written to {file}: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        if group is not None:
            os.fchown(descriptor, -1, group)
        os.fchmod(descriptor, mode)  # regardless of the umask
        token = secrets.token_urlsafe(32)
        stream.write(token)
        stream.flush()
        os.fsync(stream.fileno())
    return token


def record_notification(warehouse: Warehouse, notification: Notification, now: datetime) -> int:
    """Record the new alerts of a notification. Return the number of recorded rows."""
    alerts = [alert.model_dump(mode="json") for alert in notification.alerts]
    with warehouse.write() as cursor:
        recorded_at = after_newest(cursor, "alerts", "recorded_at", now)
        row = run_sql(cursor, "alerts/record", alerts=json.dumps(alerts), now=recorded_at).fetchone()
    return int(row[0]) if row else 0


def list_firing(connection: Connection) -> list[dict[str, Any]]:
    """Return the firing alerts, the most severe first."""
    with _read_committed(connection):
        return read_rows(run_sql(connection, "alerts/list"))


@contextmanager
def _read_committed(connection: Connection) -> Iterator[None]:
    """Read one state of the warehouse. If the cache includes it, plans have no steps for later batches, which take most of
    the time."""
    connection.begin()
    try:
        use_complete_cache(connection)
        yield
    finally:
        connection.rollback()
        connection.execute("reset variable cache_is_complete")


def find_version(connection: Connection) -> tuple[Any, ...]:
    """Return what differs after each notification and each acknowledgement; cheap, unlike the list of firing alerts."""
    return run_sql(connection, "alerts/version").fetchone() or ()


def list_states(connection: Connection, since: datetime) -> list[dict[str, Any]]:
    """Return the alerts that fire, and those resolved at `since` or later, the most severe first."""
    with _read_committed(connection):
        return read_rows(run_sql(connection, "alerts/list_states", since=since))


def trace_alert(connection: Connection, fingerprint: str) -> dict[str, Any]:
    """Return every notification of an alert, and every revision of the observation of its newest notification.

    An alert about a KPI has `inputs` instead: the observations that the KPI was computed from when it fired. `now` is the
    current value and limit of the series (None for an alert about the service, or a series that has ended). `resolution`
    lists the changes recorded while a resolved alert fired, each with whether it alone ends the breach; None while the
    alert fires.

    A prefix of the fingerprint is sufficient. Raises AlertError unless exactly one alert has this prefix.
    """
    notifications = read_rows(run_sql(connection, "alerts/history", fingerprint=fingerprint))
    found = sorted({row["fingerprint"] for row in notifications})
    if len(found) != 1:
        raise AlertError(
            f"more than one alert begins with {fingerprint}: {', '.join(found)}"
            if found
            else f"no alert begins with {fingerprint}; 'a4p alerts' lists those that fire"
        )
    labels, annotations = notifications[0]["labels"], notifications[0]["annotations"]
    revisions = _read_observations(
        run_sql(
            connection,
            "alerts/trace",
            metric=labels.get("metric"),
            indicator=labels.get("indicator"),
            mission=labels.get("mission"),
            period_end=annotations.get("period_end"),
            labels=labels,
        )
    )
    # The newest firing notification, not the one that resolved it.
    firing = next((row for row in notifications if row["status"] == "firing"), notifications[0])
    inputs = _read_observations(
        run_sql(
            connection,
            "alerts/trace_inputs",
            metric=labels.get("metric"),
            mission=labels.get("mission"),
            fired_at=firing["recorded_at"] + "Z",
        )
    )
    about = {
        "metric": labels.get("metric"),
        "mission": labels.get("mission"),
        "comparison": labels.get("comparison"),
        "severity": labels.get("severity"),
        "labels": labels,
    }
    newest = notifications[0]
    resolution = None
    if newest["status"] == "resolved" and about["metric"]:
        resolution = read_rows(
            run_sql(
                connection,
                "alerts/resolution",
                **about,
                indicator=labels.get("indicator"),
                period_end=firing["annotations"].get("period_end"),
                value=firing["value"],
                limit_value=firing["limit_value"],
                starts_at=newest["starts_at"] + "Z",
                # Shown to the second, so the whole second is included.
                ends_at=newest["ends_at"] + ".999999Z",
            )
        )
    elif newest["status"] == "resolved" and newest["alert"] == OVERDUE_ALERT:
        resolution = read_rows(
            run_sql(
                connection,
                "alerts/overdue_resolution",
                mission=labels.get("mission"),
                cycle=int(labels.get("cycle") or 0),
                starts_at=newest["starts_at"] + "Z",
                ends_at=newest["ends_at"] + ".999999Z",
            )
        )
    return {
        "notifications": notifications,
        "observations": revisions,
        "inputs": inputs,
        "acknowledgements": read_rows(run_sql(connection, "alerts/acknowledgements", fingerprint=newest["fingerprint"])),
        "now": next(iter(read_rows(run_sql(connection, "alerts/now", **about))), None) if about["metric"] else None,
        "resolution": resolution,
    }


def _read_observations(result: Connection) -> list[dict[str, Any]]:
    return [
        {**row, "period_start": str(row["period_start"]), "period_end": str(row["period_end"])} for row in read_rows(result)
    ]


def acknowledge_alerts(
    warehouse: Warehouse, fingerprints: Sequence[str], note: str | None, acknowledged_by: str, now: datetime
) -> list[str]:
    """Acknowledge firing alerts. Return their fingerprints and summaries. Raises AlertError if one does not fire."""
    acknowledged = []
    with warehouse.write() as cursor:
        for beginning in fingerprints:
            rows = cursor.execute(
                "select fingerprint, starts_at, coalesce(annotations['summary'], alert) from firing_alerts "
                "where starts_with(fingerprint, ?)",
                [beginning],
            ).fetchall()
            if len(rows) != 1:
                raise AlertError(f"{len(rows)} alerts that fire begin with {beginning}; 'a4p alerts' lists them")
            fingerprint, starts_at, summary = rows[0]
            cursor.execute(
                "insert into store.alert_acknowledgements values (?, ?, ?, ?, ?)",
                [fingerprint, starts_at, note, acknowledged_by, now],
            )
            acknowledged.append(f"{fingerprint}: {summary}")
    return acknowledged
