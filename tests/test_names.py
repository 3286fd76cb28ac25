"""Suggestions of known names: one rule, and the same suggestion in pages, API, commands and errors of loaded files."""

from __future__ import annotations

import html

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from service.alerting.thresholds import Threshold, check_threshold
from service.cli import a4p
from service.errors import ThresholdError
from service.names import find_similar, suggest_names
from service.warehouse.definitions import Definitions
from tests.conftest import Refuse, WriteCsv

MISSIONS = ["MINUSCA", "UNMISS", "UNMIK", "UNISFA"]


def test_only_the_nearest_names_are_suggested_whatever_their_case() -> None:
    assert find_similar("unmis", MISSIONS) == ["UNMISS"]
    assert find_similar("unmi", MISSIONS) == ["UNMIK", "UNMISS"]
    assert find_similar("Geneva", MISSIONS) == []


def test_names_that_contain_the_written_one_are_suggested_too() -> None:
    known = ["a4p_hospitals", "a4p_sofa_incidents_new", "a4p_tpp_trainees", "a4p_sofa_incidents_total"]
    assert find_similar("trainees", known) == ["a4p_tpp_trainees"]
    assert find_similar("a4p_incidents", known) == ["a4p_sofa_incidents_new", "a4p_sofa_incidents_total"]


def test_without_a_similar_name_a_short_list_is_shown_in_full() -> None:
    assert suggest_names("zzz", ["mission", "limit"], "Remove it.") == "Known names: mission, limit."
    assert suggest_names("zzz", [f"name_{number}" for number in range(100)], "See the list.") == "See the list."
    assert suggest_names("zzz", [], "Remove it.") == "Remove it."


@pytest.mark.parametrize("written", ["UNMSS", "minuska", "UNIFL", "MONUSC0"])
def test_pages_api_thresholds_and_loads_suggest_the_same_missions(
    written: str, client: FlaskClient, definitions: Definitions, refuse: Refuse, write_csv: WriteCsv
) -> None:
    # Errors of rows continue in lower case after a semicolon.
    expected = suggest_names(written, [mission.mission for mission in definitions.catalogue.missions])[1:]
    assert expected.startswith("id you mean ")
    assert expected in html.unescape(client.get(f"/missions/{written}").get_data(as_text=True))
    assert expected in client.get("/api/v1/latest", query_string={"mission": written}).get_json(force=True)["detail"]
    with pytest.raises(ThresholdError) as caught:
        check_threshold(definitions, Threshold("a4p_sofa_incidents_new", written, {}, "above", "warning", 1.0, None))
    assert expected in str(caught.value)
    assert expected in refuse(write_csv("unknown.csv", {"mission": written})).rows[0].fix


def test_a_misspelt_command_is_answered_with_a_similar_one() -> None:
    assert "Did you mean 'load'?" in CliRunner().invoke(a4p, ["lod"]).output
