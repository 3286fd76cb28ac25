"""The pages `/alerts` and `/alerts/<fingerprint>`: the state of each alert and its trace, acknowledgements and silences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, abort, request

from metrics.catalogue import ALL_MISSIONS
from metrics.families import INDICATOR_CHANGE
from metrics.kpi_file import Kpi
from metrics.languages import gettext, translate
from metrics.thresholds import EVERY_MISSION, SEVERITIES
from service.access.roles import Right
from service.alerting.alerts import list_states, trace_alert
from service.alerting.silences import Silence, SilenceChange, list_silences
from service.application import Application
from service.client.local import ApplicationClient
from service.client.protocol import AlertsRequest, SilenceRequest
from service.errors import AlertError, ThresholdError
from service.events.selection import select_counted, select_window
from service.queries.moments import parse_instant
from service.snapshots.snapshot import find_as_of_date
from service.warehouse.database import read_rows, run_sql
from service.web.authorization import current_identity, requires
from service.web.pages.layout import Page
from service.web.pages.parts import take_part
from service.web.pages.private import answer_private, explain_missing_right, go_to, link_to_sign_in

RESOLVED_FOR = timedelta(days=90)
SILENCED_FOR = timedelta(days=7)
FINGERPRINT = re.compile(r"[0-9a-f]{1,64}")
# Events behind the value of an alert.
MAX_EVENTS = 50
# Alerts of one state, or silences, on one page.
MAX_ALERTS = 200
STATES = ("firing", "acknowledged", "silenced", "resolved")


@dataclass(frozen=True)
class Subject:
    """What an alert is about: title, unit and priority of its metric, its name in links, and the labels of its series."""

    title: str
    unit: str
    priority: str
    name: str
    dimensions: dict[str, str]


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the pages to the routes. They read the warehouse itself: a read copy would show alerts late."""
    definitions = application.definitions
    catalogue = definitions.catalogue
    indicators = {entry.metric: (priority, entry) for priority, entry in catalogue.indicators}
    kpis = {kpi.metric: kpi for kpi in definitions.kpis}

    def describe(metric: str | None, labels: dict[str, str], summary: str) -> Subject:
        if metric in indicators:
            priority, indicator = indicators[metric]
            dimensions = {name: labels[name] for name in indicator.dimensions if name in labels}
            return Subject(indicator.title, indicator.unit, priority, indicator.indicator, dimensions)
        if metric in kpis:
            kpi = kpis[metric]
            dimensions = {name: labels[name] for name in kpi.labels if name != "mission" and name in labels}
            return Subject(kpi.title, kpi.unit, kpi.priority, kpi.kpi, dimensions)
        name = labels.get("indicator", "")
        if metric == INDICATOR_CHANGE and name in catalogue.indicator_names:
            priority, indicator = next(entry for entry in catalogue.indicators if entry[1].indicator == name)
            dimensions = {key: labels[key] for key in ("indicator", *indicator.dimensions) if key in labels}
            return Subject(
                gettext("Change of %(title)s", title=translate(indicator.title)), indicator.unit, priority, name, dimensions
            )
        return Subject(summary, "", labels.get("priority", ""), "", {})

    def find_state(status: str, is_acknowledged: bool, silence: Silence | None) -> str:
        if status == "resolved":
            return "resolved"
        return "silenced" if silence else "acknowledged" if is_acknowledged else "firing"

    def render(template: str, status: int = 200, **values: object) -> Response:
        copy = application.read_copy
        page = Page(copy.info if copy else None)
        identity = current_identity()
        body = page.render(
            template,
            hide_moment=True,
            identity=identity,
            sign_in_link=link_to_sign_in() if identity.is_anonymous else "",
            **values,
        )
        return answer_private(body, status)

    def read_events(labels: dict[str, str], fired_at: datetime, observations: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the events behind the newest value of an alert, if they are counted for its indicator or KPI."""
        metric = labels.get("metric", "")
        if metric in kpis and kpis[metric].feed:
            return read_window(kpis[metric], labels.get("mission", ""), fired_at)
        return read_counted_events(metric, observations)

    def read_window(kpi: Kpi, mission: str, fired_at: datetime) -> dict[str, Any]:
        assert kpi.feed is not None and kpi.window_days is not None
        with application.open_live_session() as session:
            (covered,) = run_sql(session, "events/find_covered_day", feed=kpi.feed, known_at=fired_at).fetchone() or (None,)
            if covered is None:
                return {"events": []}
            selection = select_window(kpi.feed, kpi.window_days, mission, min(covered, find_as_of_date(fired_at)))
            found = run_sql(session, "pages/list_events", max_rows=MAX_EVENTS, skipped=0, **selection.parameters)
            return {"events": read_rows(found), "selection": selection}

    def read_counted_events(metric: str, observations: list[dict[str, Any]]) -> dict[str, Any]:
        _, indicator = indicators.get(metric, ("", None))
        if indicator is None or indicator.counted_from is None or not observations:
            return {"events": []}
        newest = observations[0]
        days = {
            name: date.fromisoformat(str(newest[f"period_{end}"]))
            for name, end in (("first_day", "start"), ("last_day", "end"))
        }
        mission, dimensions = newest["mission"], newest["dimensions"] or {}
        with application.open_live_session() as session:
            found = run_sql(
                session, "pages/list_counted_events", indicator=indicator.indicator,
                mission=None if mission == ALL_MISSIONS else mission,
                dimensions={"key": list(dimensions), "value": list(dimensions.values())}, max_rows=MAX_EVENTS, **days,
            )  # fmt: skip
            rows = read_rows(found)
        return {"events": rows, "selection": select_counted(indicator.counted_from, mission, dimensions, **days)}

    @routes.get("/alerts")
    def show_alerts() -> Response:
        return show_list()

    def show_list(status: int = 200, error_text: str = "") -> Response:
        now, identity = application.clock(), current_identity()
        given = {name: request.args.get(name, "").strip() for name in ("mission", "priority", "severity")}
        with application.open_live_session() as session:
            rows = list_states(session, now - RESOLVED_FOR)
            silences = [silence for silence in list_silences(session, now) if silence.is_active(now)]
        alerts: dict[str, list[dict[str, Any]]] = {state: [] for state in STATES}
        for row in rows:
            row["subject"] = describe(row["metric"], row["labels"], row["summary"])
            row["silence"] = next((silence for silence in silences if silence.matches(row["labels"])), None)
            values = {"mission": row["mission"], "priority": row["subject"].priority, "severity": row["severity"]}
            if all(not value or values[name] == value for name, value in given.items()):
                alerts[find_state(row["status"], row["acknowledged_by"] is not None, row["silence"])].append(row)
        shown = {state: take_part(state, MAX_ALERTS, found) for state, found in alerts.items()}
        shown_silences, silence_part = take_part("silences", MAX_ALERTS, silences)
        return render(
            "alerts.html",
            status,
            alerts=shown,
            is_empty=not rows,
            given=given,
            silences=shown_silences,
            silence_part=silence_part,
            may_silence={
                silence.silence_id: identity.may(Right.SILENCE, _find_scope(silence.mission)) for silence in shown_silences
            },
            priorities=catalogue.priorities,
            severities=SEVERITIES,
            error_text=error_text,
        )

    @routes.post("/alerts")
    @requires(Right.SILENCE)
    def end_silence() -> Response:
        client = ApplicationClient(application, True, current_identity())
        try:
            ended = client.end_silence(request.form.get("silence", ""), reason=request.form.get("reason", "").strip() or None)
        except AlertError as error:
            return show_list(400, f"{error}.")
        return go_to("/alerts", _describe_change(gettext("The silence has ended"), ended))

    @routes.get("/alerts/<fingerprint>")
    def show_alert(fingerprint: str) -> Response:
        return show_one(fingerprint)

    @routes.post("/alerts/<fingerprint>")
    @requires(Right.ACKNOWLEDGE)
    def change_alert(fingerprint: str) -> Response:
        identity, form = current_identity(), request.form
        client = ApplicationClient(application, True, identity)
        note = form.get("note", "").strip()
        try:
            if not note:
                raise AlertError("note: say what is done about the alert")
            if form.get("action") == "silence":
                changed = client.set_silence(make_silence(fingerprint, form.get("ends_at", ""), note))
                return go_to(request.path, _describe_change(gettext("Silenced: %(alerts)s", alerts=changed.silence), changed))
            if form.get("action") == "acknowledge":
                client.use_alerts(AlertsRequest(action="ack", alerts=[fingerprint], note=note))
                return go_to(request.path, gettext("The alert is acknowledged."))
            raise AlertError(f"action: unknown action {form.get('action')!r}")
        except (AlertError, ThresholdError) as error:
            return show_one(fingerprint, 400, f"{error}.")

    def make_silence(fingerprint: str, ends_at: str, note: str) -> SilenceRequest:
        """Return the silence of the series of an alert. Raises AlertError."""
        try:
            end = parse_instant(ends_at)
        except ValueError as error:
            raise AlertError(f"ends_at: {error}") from None
        with application.open_live_session() as session:
            labels = trace_alert(session, fingerprint)["notifications"][0]["labels"]
        metric = labels.get("metric")
        subject = describe(metric, labels, "")
        severity = labels.get("severity")
        return SilenceRequest(
            ends_at=end,
            mission=labels.get("mission", EVERY_MISSION),
            metric=metric,
            severity=severity if severity in SEVERITIES else None,
            dimensions=subject.dimensions if metric else {},
            alert=None if metric else labels["alertname"],
            note=note,
        )

    def show_one(fingerprint: str, status: int = 200, error_text: str = "") -> Response:
        if not FINGERPRINT.fullmatch(fingerprint):
            abort(404, "The page /alerts lists all alerts.")
        now, identity = application.clock(), current_identity()
        try:
            with application.open_live_session() as session:
                trace = trace_alert(session, fingerprint)
                silences = [silence for silence in list_silences(session, now) if silence.is_active(now)]
        except AlertError:
            abort(404, f"There is no alert {fingerprint}. The page /alerts lists all.")
        newest = trace["notifications"][0]
        labels = newest["labels"]
        fired_at = datetime.fromisoformat(newest["starts_at"] + "+00:00")
        counted = read_events(labels, fired_at, trace["observations"])
        silence = next((silence for silence in silences if silence.matches(labels)), None)
        is_acknowledged = any(row["starts_at"] == newest["starts_at"] for row in trace["acknowledgements"])
        mission = labels.get("mission", "")
        summary = newest["annotations"].get("summary", newest["alert"])
        return render(
            "alert.html",
            status,
            alert=newest,
            fingerprint=newest["fingerprint"],
            labels=labels,
            subject=describe(labels.get("metric"), labels, summary),
            summary=summary,
            state=find_state(newest["status"], is_acknowledged, silence),
            silence=silence,
            is_acknowledged=is_acknowledged,
            trace=trace,
            **counted,
            may_acknowledge=identity.may(Right.ACKNOWLEDGE, mission),
            refusal=explain_missing_right(identity, Right.ACKNOWLEDGE, mission),
            note=request.values.get("note", ""),
            ends_at=request.values.get("ends_at", "") or f"{now + SILENCED_FOR:%Y-%m-%dT%H:%M}",
            error_text=error_text,
        )


def _find_scope(mission: str) -> str:
    return "" if mission == EVERY_MISSION else mission


def _describe_change(text: str, changed: SilenceChange) -> str:
    return " ".join([f"{text}.", *(f"{warning[0].upper()}{warning[1:]}." for warning in changed.warnings)])
