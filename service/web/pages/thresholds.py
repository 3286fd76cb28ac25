"""The page `/thresholds`: current thresholds and their history, back-tests, and forms that set, copy and remove them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from metrics.catalogue import ALL_MISSIONS
from metrics.languages import gettext, localize, ngettext
from metrics.thresholds import COMPARISONS, EVERY_MISSION, SEVERITIES, Threshold, make_threshold
from service.access.identity import Identity
from service.access.roles import Right
from service.alerting.thresholds import (
    BackTest,
    Exclusion,
    ThresholdChange,
    back_test_threshold,
    check_revision,
    check_threshold,
    find_threshold,
    list_metrics,
    make_excluding_key,
    resolve_mission,
)
from service.application import Application
from service.client.local import ApplicationClient
from service.errors import ChangedMeanwhile, ThresholdError
from service.system.progress import ignore_progress
from service.warehouse.database import make_object
from service.web.authorization import current_identity, requires
from service.web.pages.layout import Page, open_page
from service.web.pages.parts import Part, count_rows, read_part
from service.web.pages.private import answer_private, explain_missing_right, go_to, link_to_sign_in
from service.web.pages.threshold_form import ThresholdForm, read_form, write_label_field, write_number

MAX_CHANGES = 100
MAX_THRESHOLDS = 100
# Of a threshold for all missions.
MAX_EXCLUSIONS = 20
MAX_FIRED = 100


@dataclass(frozen=True)
class Tested:
    """A threshold of the form before it is changed: its back-test, the current one, and why the user must not change it."""

    mission: str
    back_test: BackTest
    current: dict[str, Any] | None
    refusal: str
    is_allowed: bool

    @property
    def seen(self) -> str:
        """The revision of the current threshold, as the form sends it back."""
        return f"{self.mission}={self.current['revision'] if self.current else ''}"


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the page to the routes."""
    definitions = application.definitions
    measured: dict[str, Any] = {entry.metric: entry for _, entry in definitions.catalogue.indicators}
    measured |= {kpi.metric: kpi for kpi in definitions.kpis}
    names = {metric: getattr(entry, "indicator", None) or entry.kpi for metric, entry in measured.items()}
    missions = [entry.mission for entry in definitions.catalogue.missions]

    @routes.get("/thresholds")
    def show_thresholds() -> Response:
        return show(read_form(request.args))

    @routes.post("/thresholds")
    @requires(Right.SET_THRESHOLDS)
    def change_thresholds() -> Response:
        form = read_form(request.form)
        identity = current_identity()
        try:
            if not form.reason:
                raise ThresholdError("reason: say why, for those who see the alert or the history.")
            requests = form.list_requests(identity.name)
            check_all_seen(form)
            client = ApplicationClient(application, True, identity)
            changed = client.change_thresholds(requests, ignore_progress)
        except ChangedMeanwhile as conflict:
            return show(form, 409, f"{str(conflict)[0].upper()}{str(conflict)[1:]}.")
        except ThresholdError as error:
            return show(form, 400, str(error))
        return go_to("/thresholds#in-force", describe_changes(form.action, changed))

    def check_all_seen(form: ThresholdForm) -> None:
        """Raise ChangedMeanwhile before the first of several changes."""
        if form.action != "copy":
            return
        with application.open_live_session() as session:
            for target in form.list_targets():
                known, _ = check_threshold(definitions, target)
                check_revision(session, resolve_mission(session, definitions, known), form.seen.get(target.mission))

    def test_targets(page: Page, form: ThresholdForm, identity: Identity) -> list[Tested]:
        """Return the back-tests of the thresholds that a form describes."""
        assert page.session is not None
        found = []
        for target in form.list_targets():
            mission = "" if target.mission == EVERY_MISSION else target.mission
            back_test = back_test_threshold(
                page.session, definitions, target, suggest=form.action == "set", removes=form.action == "remove"
            )
            with application.open_live_session() as live:
                current = find_threshold(live, definitions, target)
            found.append(
                Tested(
                    target.mission,
                    back_test,
                    current,
                    explain_missing_right(identity, Right.SET_THRESHOLDS, mission),
                    identity.may(Right.SET_THRESHOLDS, mission),
                )
            )
        return found

    def show(form: ThresholdForm, status: int = 200, error_text: str = "") -> Response:
        identity = current_identity()
        part = read_part("current", MAX_THRESHOLDS)
        with open_page(application) as page:
            thresholds = list_thresholds(page, identity, part)
            part = count_rows(part, thresholds)
            tested: list[Tested] = []
            if form.metric:
                try:
                    tested = test_targets(page, form, identity)
                except ThresholdError as error:
                    error_text = error_text or str(error)
            body = page.render(
                "thresholds.html",
                form=form,
                tested=tested,
                error_text=error_text,
                is_conflict=status == 409,
                thresholds=thresholds,
                threshold_part=part,
                history=page.read("thresholds/history", metric=None, last=MAX_CHANGES),
                metrics=list_metrics(definitions),
                comparisons=COMPARISONS,
                severities=SEVERITIES,
                measured=measured,
                names=names,
                may_change=identity.may(Right.SET_THRESHOLDS),
                may_change_mission={mission: identity.may(Right.SET_THRESHOLDS, mission) for mission in missions},
                refusal=explain_missing_right(identity, Right.SET_THRESHOLDS),
                sign_in_link=link_to_sign_in() if identity.is_anonymous else "",
                write_command=write_command,
                write_number=write_number,
                max_fired=MAX_FIRED,
                every_mission=EVERY_MISSION,
                all_missions=ALL_MISSIONS,
            )
        return answer_private(body, status)

    def list_thresholds(page: Page, identity: Identity, part: Part) -> list[dict[str, Any]]:
        """Return a part of the current thresholds, with their exclusions and the fields of the form that changes each."""
        thresholds = page.read("pages/list_current_thresholds", **part.rows)
        exclusions = list_first_exclusions(page, thresholds)
        for row in thresholds:
            key = make_threshold(
                row["metric"], row["mission"], row["dimensions"], row["comparison"], row["severity"], None, None
            ).key
            mission = "" if row["mission"] == EVERY_MISSION else row["mission"]
            row["exclusions"] = exclusions.get(key, [])
            row["exclusion_count"] = row["exclusions"][0]["exclusion_count"] if row["exclusions"] else 0
            row["may_change"] = identity.may(Right.SET_THRESHOLDS, mission)
            row["fields"] = {
                "metric": row["metric"],
                "mission": mission,
                "labels": write_label_field(row["dimensions"]),
                "comparison": row["comparison"],
                "severity": row["severity"],
                "limit": write_number(row["limit_value"]),
            }
        return thresholds


def list_first_exclusions(page: Page, thresholds: list[dict[str, Any]]) -> dict[object, list[dict[str, Any]]]:
    """Return the first exclusions of each threshold for all missions, by key, with their text and exclusion_count."""
    metrics = sorted({row["metric"] for row in thresholds if row["mission"] == EVERY_MISSION})
    found: dict[object, list[dict[str, Any]]] = {}
    if metrics:
        for row in page.read("pages/list_exclusions", metrics=metrics, max_exclusions=MAX_EXCLUSIONS):
            found.setdefault(make_excluding_key(row), []).append({**row, "text": str(make_object(Exclusion, row))})
    return found


def describe_changes(action: str, changed: list[ThresholdChange]) -> str:
    """Return what was changed, as the message of the page."""
    if action == "remove":
        text = gettext("Removed: %(threshold)s.", threshold=changed[0].text)
    elif action == "copy":
        text = ngettext(
            "Set for %(num)s mission: %(thresholds)s.",
            "Set for %(num)s missions: %(thresholds)s.",
            len(changed),
            thresholds="; ".join(change.text for change in changed),
        )
    else:
        replaced = changed[0].replaced_limit
        text = gettext("Set: %(threshold)s.", threshold=changed[0].text)
        if replaced is not None:
            text += " " + gettext("It replaces the limit %(limit)s.", limit=localize(f"{replaced:g}"))
    notes = dict.fromkeys(note for change in changed for note in (*change.warnings, *change.exclusions))
    return " ".join([text, *(f"{note[0].upper()}{note[1:]}." for note in notes)])


def write_command(threshold: Threshold) -> str:
    """Return the command that sets a threshold."""
    parts = ["a4p", "thresholds", "set", threshold.metric]
    if threshold.limit is not None:
        parts += [f"--{threshold.comparison}", f"{threshold.limit:g}"]
    if threshold.mission != EVERY_MISSION:
        parts += ["--mission", threshold.mission]
    for name, value in threshold.dimensions.items():
        parts += ["--label", f"{name}={value}"]
    return shlex.join([*parts, "--severity", threshold.severity])
