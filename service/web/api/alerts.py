"""Acknowledgements and silences in the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from flask import Blueprint, Response
from pydantic import AwareDatetime, Field

from metrics.thresholds import EVERY_MISSION, Severity
from service.access.roles import Right
from service.alerting.silences import SilenceChange
from service.application import Application
from service.client.protocol import AlertsRequest, SilenceRequest
from service.web.api.thresholds import Labels, Name, Note
from service.web.api.writing import Answer, Given, make_client, read_body, read_parameters, send, writes


class Acknowledgement(Given):
    """Firing alerts to acknowledge, each by its fingerprint or the beginning of it."""

    alerts: list[Annotated[str, Field(pattern=r"^[0-9a-f]{1,64}$")]] = Field(
        min_length=1, max_length=100, description="Fingerprints of firing alerts, or their beginnings."
    )
    note: Note | None = Field(None, description="Note, shown beside the alerts.")


class Acknowledged(Answer):
    """The acknowledged alerts: fingerprint and summary."""

    acknowledged: list[str]


class SilenceToSet(Given):
    """A silence of the alerts with all the given labels, from now on. It needs a metric, a mission or an alert."""

    ends_at: AwareDatetime = Field(description="End, at most 90 days ahead.")
    mission: Name = Field(EVERY_MISSION, description="Mission; * for every mission.")
    metric: Name | None = Field(None, description="Name of the metric, with or without a4p_.")
    severity: Severity | None = Field(None, description="Severity of the alerts.")
    dimensions: Labels = Field(default_factory=dict, description="Values of further labels of the metric.")
    alert: Name | None = Field(None, description="Name of the alert.")
    note: Note | None = Field(None, description="Reason, recorded with the silence.")


class EndReason(Given):
    """Why a silence is ended."""

    note: Note | None = Field(None, description="Reason, recorded in the audit.")


class ChangedSilence(Answer):
    """A silence that was set or ended, and warnings, such as that Alertmanager could not be reached."""

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
    ended_by: str | None
    warnings: list[str]


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the routes that acknowledge and silence alerts. GET /api/v1/silences is in the table of resources."""

    @routes.post("/alerts/acknowledgements")
    @writes(application, Right.ACKNOWLEDGE)
    def acknowledge_alerts() -> Response:
        given = read_body(Acknowledgement)
        acknowledged = make_client(application).use_alerts(
            AlertsRequest(action="ack", alerts=list(dict.fromkeys(given.alerts)), note=given.note)
        )
        return send(Acknowledged(acknowledged=acknowledged), 201)

    @routes.post("/silences")
    @writes(application, Right.SILENCE)
    def set_silence() -> Response:
        given = read_body(SilenceToSet)
        return send(_describe(make_client(application).set_silence(SilenceRequest(**given.model_dump()))), 201)

    @routes.delete("/silences/<silence>")
    @writes(application, Right.SILENCE)
    def end_silence(silence: str) -> Response:
        given = read_parameters(EndReason)
        return send(_describe(make_client(application).end_silence(silence, reason=given.note)))


def _describe(change: SilenceChange) -> ChangedSilence:
    silence = change.silence
    return ChangedSilence(
        silence_id=silence.silence_id, alert=silence.alert, metric=silence.metric, mission=silence.mission,
        severity=silence.severity, dimensions=silence.dimensions, starts_at=silence.starts_at, ends_at=silence.ends_at,
        note=silence.note, set_by=silence.set_by, ended_by=silence.ended_by, warnings=list(change.warnings),
    )  # fmt: skip
