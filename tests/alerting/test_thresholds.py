"""Thresholds: set, rejected, removed, and the defaults that ship."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from metrics.catalogue import CatalogueError
from metrics.thresholds import read_default_thresholds
from service.alerting.thresholds import append_default_thresholds, check_defaults, remove_threshold, set_threshold
from service.application import Application
from service.errors import ThresholdError
from service.settings import find_in_tree
from service.warehouse.definitions import Definitions
from tests.alerting.conftest import NOW, Put, read, threshold
from tests.conftest import Clock


def store_defaults(application: Application, definitions: Definitions) -> None:
    with application.warehouse.write() as cursor:
        append_default_thresholds(cursor, definitions, NOW)


def test_a_threshold_that_is_set_is_in_force_and_in_the_history(application: Application, put: Put) -> None:
    changed = put(note="Talk to the host state")
    assert (changed.text, changed.replaced_limit) == ("a4p_sofa_incidents_new above 100 (warning)", None)
    assert put(limit=90).replaced_limit == 100
    assert read(application, "select metric, mission, limit_value, set_by from thresholds") == [
        ("a4p_sofa_incidents_new", "*", 90, "A. Analyst")
    ]
    assert read(application, "select limit_value, replaced_limit, note from threshold_history order by recorded_at") == [
        (100, None, "Talk to the host state"),
        (90, 100, None),
    ]


def test_a_removed_threshold_is_no_longer_in_force_and_stays_in_the_history(application: Application, put: Put) -> None:
    put()
    remove_threshold(
        application.warehouse, application.definitions, threshold(note="Too strict"), ["above"], ["warning"], "B", Clock(NOW)
    )
    assert read(application, "from thresholds") == []
    assert read(
        application, "select limit_value, replaced_limit, note, set_by from threshold_history order by recorded_at"
    ) == [
        (100, None, None, "A. Analyst"),
        (None, 100, "Too strict", "B"),
    ]


def test_the_clock_standing_still_keeps_the_order(application: Application, bare: Definitions) -> None:
    for limit in range(5):
        set_threshold(application.warehouse, bare, threshold(limit=limit), "A", lambda: NOW)
    assert read(application, "select limit_value, replaced_limit from threshold_history order by recorded_at") == [
        (0, None), (1, 0), (2, 1), (3, 2), (4, 3),
    ]  # fmt: skip


def test_a_removal_that_matches_none_or_several_lists_the_thresholds(application: Application, put: Put) -> None:
    def remove(comparisons: list[str], severities: list[str], mission: str = "*") -> str:
        with pytest.raises(ThresholdError) as caught:
            requested = threshold(mission=mission)
            remove_threshold(application.warehouse, application.definitions, requested, comparisons, severities, "B")
        return str(caught.value)

    assert "a4p_sofa_incidents_new has none" in remove(["above"], ["warning"])
    put()
    put(limit=200, severity="critical")
    reported = remove(["above", "below"], ["info", "warning", "critical"])
    assert "more than one matches" in reported and "above 200 (critical)" in reported
    assert "no matching threshold; current: " in remove(["above"], ["warning"], mission="UNMISS")


@pytest.mark.parametrize(
    ("options", "reported"),
    [
        ({"metric": "sofa_incident_new"}, "a4p_sofa_incidents_new"),
        ({"metric": "a4p_indicator_info"}, "Unknown metric"),
        ({"mission": "unmss"}, "UNMISS"),
        ({"metric": "hospital_outage_days", "dimensions": {"caus": "Equipment"}}, "cause"),
        ({"metric": "hospital_outage_days", "dimensions": {"cause": "equip"}}, "Equipment"),
        ({"dimensions": {"cause": "Equipment"}}, "Its only label is mission"),
        ({"metric": "a4p_indicator_change", "dimensions": {"indicator": "sofa_incidents"}}, "sofa_incidents_new"),
        ({"metric": "a4p_missions_reporting_ratio", "dimensions": {"indicator": "hospital"}}, "hospitals"),
    ],
)
def test_an_unknown_name_is_an_error_with_similar_names(put: Put, options: dict[str, Any], reported: str) -> None:
    with pytest.raises(ThresholdError, match=reported):
        put(**options)


@pytest.mark.parametrize(
    ("options", "reported"),
    [
        ({"metric": "patrols_with_women_ratio", "limit": 3}, "can never fire"),
        ({"metric": "patrols_with_women_ratio", "limit": 1}, "can never fire"),
        ({"metric": "patrols_with_women_ratio", "limit": -0.1}, "always fires"),
        ({"metric": "patrols_with_women_ratio", "limit": 1.5, "comparison": "below"}, "always fires"),
        ({"metric": "sofa_incidents_new", "limit": 0, "comparison": "below"}, "can never fire"),
        ({"metric": "sofa_incidents_new_share", "limit": 1}, "can never fire"),
        ({"metric": "crime_trial_ratio", "limit": 30}, "for 30 % use 0.3"),
        ({"metric": "a4p_indicator_change", "dimensions": {"indicator": "patrols_with_women_ratio"}, "limit": 1}, "never fire"),
        ({"metric": "sofa_incidents_new", "limit": 100}, None),
        ({"metric": "sofa_incidents_new", "limit": 0}, None),
        ({"metric": "sea_allegations_change_ratio", "limit": -0.5, "comparison": "below"}, None),
    ],
)
def test_a_limit_that_can_never_or_always_fire_is_a_warning(put: Put, options: dict[str, Any], reported: str | None) -> None:
    warnings = put(**options).warnings
    assert reported in warnings[0] if reported else warnings == ()


def test_a_metric_of_peacekeeping_as_a_whole_needs_no_mission(put: Put) -> None:
    assert put("sea_allegations", 90).text == "a4p_sea_allegations{mission=ALL} above 90 (warning)"


# Defaults
def test_a_default_is_set_by_a4p_and_changes_with_an_upgrade(application: Application, bare: Definitions) -> None:
    for limit in (50, 50, 60):
        store_defaults(application, replace(bare, thresholds=(threshold(limit=limit),)))
    assert read(application, "select limit_value, set_by from threshold_history order by recorded_at") == [
        (50, "a4p"), (60, "a4p"),
    ]  # fmt: skip
    store_defaults(application, bare)
    assert read(application, "from thresholds") == []


def test_a_user_s_setting_survives_an_upgrade(application: Application, bare: Definitions, put: Put) -> None:
    shipped = replace(bare, thresholds=(threshold(limit=50),))
    store_defaults(application, shipped)
    put(limit=70)
    store_defaults(application, replace(bare, thresholds=(threshold(limit=60),)))
    store_defaults(application, bare)
    assert read(application, "select limit_value from thresholds") == [(70,)]


def test_a_default_that_a_user_removed_stays_removed(application: Application, bare: Definitions) -> None:
    shipped = replace(bare, thresholds=(threshold(limit=50),))
    store_defaults(application, shipped)
    remove_threshold(application.warehouse, bare, threshold(), ["above"], ["warning"], "a4p")
    store_defaults(application, shipped)
    assert read(application, "from thresholds") == []


def test_the_shipped_defaults_are_known_and_can_fire(definitions: Definitions) -> None:
    check_defaults(definitions)
    assert definitions.thresholds
    text = (find_in_tree("metrics") / "thresholds.yaml").read_text()
    assert text.count("\n# ") >= len(definitions.thresholds), "each says in a comment why it is what it is"


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("metric: a4p_sofa_incidents_new", "must be a list"),
        ("- {metric: a, severity: warning, note: n}", "above or below"),
        ("- {metric: a, above: 1, below: 2, severity: warning, note: n}", "above or below"),
        ("- {metric: a, above: 1, severity: dire, note: n}", "entry 1: severity"),
        ("- {metric: a, above: 1, severity: info, note: n, why: x}", "'why' is unknown"),
        ("- &t {metric: a, above: 1, severity: info, note: n}\n- *t", "given twice"),
    ],
)
def test_a_default_that_is_wrong_is_named(tmp_path: Path, text: str, reported: str) -> None:
    (tmp_path / "thresholds.yaml").write_text(text)
    with pytest.raises(CatalogueError, match=reported):
        read_default_thresholds(tmp_path / "thresholds.yaml")
