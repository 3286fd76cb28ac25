"""Errors in a catalogue have file, entry and fix."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from metrics.catalogue import CatalogueError, find_name_fault, read_catalogue
from service.settings import find_in_tree

SHIPPED = find_in_tree("metrics")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name in ("priorities", "missions", "closed_missions", "cycles", "limits"):
        shutil.copy(SHIPPED / f"{name}.yaml", tmp_path)
    shutil.copytree(SHIPPED / "indicators", tmp_path / "indicators")
    return tmp_path


def change_indicator(directory: Path, **changes: object) -> Path:
    """Change keys of sofa_impact_level (None removes one); return its file."""
    file = directory / "indicators" / "host_country_cooperation.yaml"
    entries = yaml.safe_load(file.read_text())
    entry = next(entry for entry in entries if entry["indicator"] == "sofa_impact_level")
    for key, value in changes.items():
        entry[key] = value
        if value is None:
            del entry[key]
    file.write_text(yaml.safe_dump(entries))
    return file


def fault_of(directory: Path) -> str:
    with pytest.raises(CatalogueError) as caught:
        read_catalogue(directory)
    return str(caught.value)


def test_the_shipped_catalogue_has_every_priority_mission_and_cycle() -> None:
    catalogue = read_catalogue(SHIPPED)
    numbers = {priority.priority: priority.number for priority in catalogue.priorities}
    assert numbers == numbers | {
        "collective_coherence": 1,
        "integration": 2,
        "capabilities_and_mindsets": 3,
        "accountability_to_peacekeepers": 4,
        "accountability_of_peacekeepers": 5,
        "strategic_communications": 6,
        "host_country_cooperation": 7,
        "women_peace_and_security": None,
        "innovation_data_and_technology": None,
    }
    # Pages and dashboards show the totals last.
    assert [mission.mission for mission in catalogue.missions][-1] == "ALL"
    assert [tuple(map(str, catalogue.cycles.find_period(cycle))) for cycle in (4, 5)] == [
        ("2023-05-01", "2023-10-31"),
        ("2023-11-01", "2024-04-30"),
    ]


def test_the_shipped_catalogue_has_every_indicator_of_the_contract() -> None:
    contract = """
        intercommunal_events intercommunal_events_with_women_groups political_forum_participants
        political_forum_working_groups cpas_impact_assessment mission_plan_approved missions_with_joint_programming
        missions_integrated contingents_certified_ratio police_contributors_recognised senior_leaders_appointed
        senior_leaders_trained_ratio conduct_trainings tpp_trainings tpp_trainees tpp_trainees_women_ratio
        pki_academy_trainees pki_academy_courses pki_academy_women_ratio fatalities_by_cause_ratio
        fatalities_malicious_acts explosive_incidents explosive_incidents_by_outcome explosive_items_destroyed
        explosive_land_released_square_meters explosive_routes_cleared_meters explosive_risk_education_recipients
        explosive_casualties hospitals hospitals_reporting hospitals_with_interruptions hospital_outage_days
        crime_cases_reported crime_cases_investigated crime_suspects_identified crime_suspects_detained
        crime_suspects_tried crime_suspects_convicted mental_health_mechanism military_units military_unit_evaluations
        formed_police_units formed_police_unit_evaluations serious_misconduct_allegations sea_allegations
        sea_allegations_by_incident_date misconduct_sanctions police_inspection_visits digital_followers_gained
        media_mentions_change_ratio content_engagement_change_ratio information_integrity_working_group
        disinformation_training_received sofa_incidents_new sofa_incidents_total sofa_impact_level
        coordination_mechanisms coordination_mechanism_in_place women_in_senior_leadership_ratio
        women_heads_of_mission women_deputy_heads_of_mission engagement_teams patrols_with_women_ratio cpas_in_use
        uncrewed_aircraft_attacks
    """.split()
    assert set(contract) <= read_catalogue(SHIPPED).indicator_names


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"colour": "red"}, "the key 'colour' is unknown"),
        ({"better": None}, "the key 'better' is missing; add it"),
        ({"unit": "ratio"}, "must end in '_ratio'"),
        ({"indicator": "Sofa-Impact"}, "must be lower_snake_case"),
        ({"indicator": "sofa_impact_ratio"}, "the name ends in '_ratio' but the unit is 'level'"),
        ({"indicator": "sofa_impact_bucket"}, "which is reserved by OpenMetrics"),
        ({"dimensions": {"instance": ["a"]}}, "the dimension 'instance' is a reserved label"),
        ({"dimensions": {"area": ["a", "a"]}}, "must be given, each once"),
        ({"dimensions": {"area": ["a=b"]}}, "must not contain ';' or '='"),
        ({"minimum": 4}, "minimum must be below maximum"),
        ({"expected_missions": ["UNMISS", "UNMSS"]}, "expected_missions names UNMSS, not in missions.yaml"),
        ({"title": "two\nlines"}, "must be one line"),
        ({"maximum": float("nan")}, "maximum"),
    ],
)
def test_a_fault_in_an_indicator_names_file_entry_and_fix(directory: Path, changes: dict[str, object], text: str) -> None:
    file = change_indicator(directory, **changes)
    fault = fault_of(directory)
    assert str(file) in fault
    assert text in fault


def test_an_indicator_defined_twice_names_both_files(directory: Path) -> None:
    other = directory / "indicators" / "integration.yaml"
    entries = yaml.safe_load(other.read_text())
    other.write_text(yaml.safe_dump([{**entries[0], "indicator": "hospitals"}, *entries]))
    fault = fault_of(directory)
    assert "integration.yaml" in fault
    assert "accountability_to_peacekeepers.yaml" in fault
    assert "already defined" in fault


def test_a_duplicate_entry_in_one_file_is_an_error(directory: Path) -> None:
    file = directory / "missions.yaml"
    file.write_text(file.read_text() + "\n" + file.read_text())
    assert "is already entry 1" in fault_of(directory)


def test_a_duplicate_key_is_reported_with_the_line(directory: Path) -> None:
    (directory / "cycles.yaml").write_text("rule:\n  cycle: 4\n  cycle: 5\n  period_start: 2023-05-01\n  months: 6\n")
    assert "cycles.yaml:3: the key 'cycle' is given twice" in fault_of(directory)


def test_a_mission_cannot_be_both_active_and_closed(directory: Path) -> None:
    file = directory / "closed_missions.yaml"
    entries = yaml.safe_load((directory / "missions.yaml").read_text())
    file.write_text(yaml.safe_dump(entries[:1]))
    fault = fault_of(directory)
    assert f"{file}, mission MINURSO: is already in missions.yaml" in fault
    assert f"{file}, mission MINURSO: needs status closed and closed_on" in fault


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ({"latitude": 91.0, "longitude": 30.0}, "latitude: Input should be less than or equal to 90 (got 91.0)"),
        ({"latitude": 4.85, "longitude": None}, "has latitude without longitude: add longitude or remove latitude"),
    ],
)
def test_the_place_of_a_mission_has_valid_latitude_and_longitude(
    directory: Path, place: dict[str, float | None], text: str
) -> None:
    file = directory / "missions.yaml"
    entries = yaml.safe_load(file.read_text())
    entries[0] |= place
    file.write_text(yaml.safe_dump(entries))
    assert f"{file}, entry 1 (MINURSO): {text}" in fault_of(directory)


def test_closed_missions_are_optional(directory: Path) -> None:
    closed = set(read_catalogue(directory).closed_missions)
    (directory / "closed_missions.yaml").unlink()
    # Indicators that a mission reported before it closed still name it.
    for file in (directory / "indicators").glob("*.yaml"):
        entries = yaml.safe_load(file.read_text())
        for entry in entries:
            entry["expected_missions"] = [name for name in entry["expected_missions"] if name not in closed] or ["ALL"]
        file.write_text(yaml.safe_dump(entries))
    assert read_catalogue(directory).closed_missions == ()


def test_an_invalid_yaml_file_is_reported_with_the_line(directory: Path) -> None:
    (directory / "cycles.yaml").write_text("- cycle: 4\n  period_start: [2023\n")
    assert "cycles.yaml:3" in fault_of(directory)


def test_a_missing_file_is_named(directory: Path) -> None:
    (directory / "missions.yaml").unlink()
    assert "missions.yaml: the file is missing" in fault_of(directory)


def test_a_file_for_no_priority_is_an_error(directory: Path) -> None:
    shutil.copy(directory / "indicators" / "integration.yaml", directory / "indicators" / "integrations.yaml")
    assert "no priority is named 'integrations'" in fault_of(directory)


def test_more_series_than_the_budget_is_an_error(directory: Path) -> None:
    (directory / "limits.yaml").write_text("series_budget: 100\n")
    assert "over the series_budget of 100" in fault_of(directory)


def test_all_faults_are_reported_together(directory: Path) -> None:
    change_indicator(directory, colour="red", better="up")
    (directory / "limits.yaml").write_text("series_budget: 0\n")
    assert len(fault_of(directory).splitlines()) == 3


def test_equal_catalogues_have_the_same_digest(directory: Path) -> None:
    assert read_catalogue(directory).digest() == read_catalogue(SHIPPED).digest()
    change_indicator(directory, title="Another title")
    assert read_catalogue(directory).digest() != read_catalogue(SHIPPED).digest()


@pytest.mark.parametrize(
    ("name", "unit"), [("sofa_incidents_new", "count"), ("sofa_incidents_total", "count"), ("routes_cleared_meters", "meters")]
)
def test_good_names_have_no_fault(name: str, unit: str) -> None:
    assert find_name_fault(name, unit) is None
