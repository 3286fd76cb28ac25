"""Charts, and the images that pages embed."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.charts import Point, draw_history
from metrics.comparisons import PARTS, Bar, Limit, Part, draw_comparison, draw_parts
from metrics.vega import Chart, render_svg
from service.application import Application
from service.loading.request import LoadRequest
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.conftest import publish_report

SVG = "{http://www.w3.org/2000/svg}"
YEARS = [
    Point("UNMISS", str(year), date(year, 1, 1), date(year, 12, 31), value, status)
    for year, value, status in ((2019, 20, "A"), (2020, None, "O"), (2021, 0, "A"), (2022, 1500, "E"))
]


def read_svg(chart: Chart | bytes) -> ET.Element:
    return ET.fromstring(chart if isinstance(chart, bytes) else render_svg(chart))


def read_texts(chart: Chart | bytes) -> list[str]:
    return [element.text or "" for element in read_svg(chart).iter(f"{SVG}text")]


def read_colours(chart: Chart) -> list[str]:
    return [element.get("fill", "") for element in read_svg(chart).iter(f"{SVG}path")]


def test_a_count_is_a_bar_for_each_period_that_has_one() -> None:
    chart = draw_history(YEARS, "count", "New incidents")
    assert {"20", "0", "1,500 E", "2019", "2022", "× missing · E estimated"} <= set(read_texts(chart)) | {
        text.replace("  ·  ", " · ") for text in read_texts(chart)
    }
    assert read_colours(chart).count("#1f6aa5") == 2
    assert read_colours(chart).count("#cfe2f1") == 1


def test_a_missing_value_is_a_grey_mark_and_not_zero() -> None:
    chart = draw_history(YEARS[1:2] + YEARS[3:], "count", "New incidents")
    assert "×" in read_texts(chart)
    assert "#eceff2" in read_colours(chart)
    assert not any(
        re.fullmatch(r"0( .*)?", text) for text in read_texts(draw_comparison([Bar("UNMIK", None, "M")], "count", "x"))
    )


@pytest.mark.parametrize(
    ("unit", "points"),
    [
        ("ratio", YEARS),
        ("count", [Point("ALL", f"to {y}", date(2013, 1, 1), date(y, 12, 31), y, "A") for y in (2019, 2020, 2022)]),
    ],
    ids=["a ratio", "a cumulative count"],
)
def test_a_state_is_drawn_in_steps(unit: str, points: list[Point]) -> None:
    lines = list(read_svg(draw_history(points, unit, "x")).iter(f"{SVG}line"))
    drawn = [line for line in lines if line.get("stroke") == "#1f6aa5"]
    assert drawn
    assert all(line.get("x2", "0") == "0" or line.get("y2", "0") == "0" for line in drawn)


def test_a_limit_is_drawn_on_the_series_that_it_governs() -> None:
    points = [*YEARS, *(Point("UNDOF", p.period, p.period_start, p.period_end, 3) for p in YEARS)]
    chart = draw_history(points, "count", "New incidents", [Limit("UNMISS", "above", 50)])
    assert read_texts(chart).count("limit: above 50") == 2  # the text and the light edge behind it


def test_a_comparison_sorts_by_value_with_missing_values_last() -> None:
    bars = [Bar("UNIFIL", None, "V"), Bar("UNDOF", 0), Bar("UNMISS", 585, previous=500), Bar("MINUSCA", 174)]
    texts = read_texts(draw_comparison(bars, "count", "Incidents", previous="cycle 4"))
    order = [text for text in texts if text in {"UNIFIL", "UNDOF", "UNMISS", "MINUSCA"}]
    assert order == ["UNMISS", "MINUSCA", "UNDOF", "UNIFIL"]
    assert {"585", "174", "0", "under validation", "grey tick: cycle 4"} <= set(texts)


def test_parts_are_stacked_and_their_sum_is_printed() -> None:
    parts = [
        Part("2023", name, value)
        for name, value in (("Current year", 14), ("Previous year", 10), ("Other", 68), ("Unknown", 6))
    ]
    assert {"14", "10", "68", "6", "98", "Current year"} <= set(read_texts(draw_parts(parts, "count", "x")))
    with pytest.raises(ValueError, match="colours"):
        draw_parts([Part("2023", str(number), 1) for number in range(7)], "count", "x")


def test_yes_and_no_are_cells_with_text() -> None:
    points = [Point(m, "cycle 5", date(2023, 11, 1), date(2024, 4, 30), v) for m, v in (("UNDOF", 0.0), ("UNMISS", 1.0))]
    assert {"yes", "no"} <= set(read_texts(draw_history(points, "boolean", "Plan")))


def test_a_chart_conforms_to_the_policy_has_a_description_and_is_reproducible() -> None:
    chart = draw_history(YEARS, "count", 'Incidents <"new">')
    assert render_svg(chart) == render_svg(draw_history(YEARS, "count", 'Incidents <"new">'))
    root = read_svg(chart)
    assert root.get("role") == "img"
    assert root.get("aria-label") == root.findtext(f"{SVG}title") == 'Incidents <"new">'
    assert "2020: missing" in (root.findtext(f"{SVG}desc") or "")
    for element in root.iter():
        assert element is root or element.get("role") is None
        assert element.get("style") is None
        assert element.tag not in {f"{SVG}style", f"{SVG}script", f"{SVG}image"}


PERIODS = st.tuples(st.dates(date(1990, 1, 1), date(2030, 1, 1)), st.integers(0, 4000))
OBSERVATIONS = st.one_of(
    st.tuples(st.none(), st.sampled_from("MOLV")),
    st.tuples(st.floats(-1e12, 1e12) | st.integers(-3, 3).map(float), st.sampled_from("AEPV")),
)
NAMES = st.sampled_from(["if", "ALL", 'so "called"', "<b>", "datum.value", "one, two", "é", "\\"])


@settings(max_examples=15, deadline=None)
@given(
    st.dictionaries(st.tuples(NAMES, PERIODS), OBSERVATIONS, max_size=8),
    st.sampled_from(["count", "ratio", "days", "meters", "square_meters", "boolean", "level"]),
    NAMES,
)
def test_any_values_and_names_can_be_drawn(
    values: dict[tuple[str, tuple[date, int]], tuple[float | None, str]], unit: str, title: str
) -> None:
    points = [
        Point(name, str(start.year), start, start + timedelta(days=length), value, status)
        for (name, (start, length)), (value, status) in sorted(values.items())
    ]
    last = {point.series: point for point in points}.values()
    for chart in (
        draw_history(points, unit, title, [Limit(point.series, "above", 3) for point in last]),
        draw_comparison([Bar(point.series, point.value, point.status, point.value) for point in last], unit, title),
        draw_parts([Part(p.period, p.series, abs(p.value or 0), p.status) for p in points][: len(PARTS)], unit, title),
    ):
        assert (read_svg(chart).findtext(f"{SVG}title") or "").startswith(title)


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Application]:
    with publish_report(tmp_path_factory.mktemp("charts"), definitions) as opened:
        yield opened


@pytest.fixture
def client(application: Application) -> FlaskClient:
    return make_app(application).test_client()


def test_a_page_embeds_the_history_of_an_indicator(client: FlaskClient) -> None:
    answer = client.get("/charts/indicators/sofa_incidents_new.svg")
    assert answer.status_code == 200
    assert answer.content_type == "image/svg+xml; charset=utf-8"
    assert {"125", "43", "27", "not applicable", "orange tick: limit, above 50"} <= set(read_texts(answer.data))
    again = client.get("/charts/indicators/sofa_incidents_new.svg", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_the_image_can_be_of_one_mission_and_date(client: FlaskClient) -> None:
    answer = client.get("/charts/indicators/military_unit_evaluations.svg?mission=UNDOF&as_of=2023-10-31")
    assert {"UNDOF", "1 P"} <= set(read_texts(answer.data))
    unknown_yet = client.get("/charts/indicators/military_unit_evaluations.svg?known_at=2020-01-01")
    assert read_texts(unknown_yet.data) == ["No values."]


def test_a_kpi_has_the_same_image(client: FlaskClient) -> None:
    texts = read_texts(client.get("/charts/indicators/crime_investigation_ratio.svg").data)
    assert {"MINUSMA", "27\N{NO-BREAK SPACE}%"} <= set(texts) and any("orange" in text and "limit" in text for text in texts)
    past = read_texts(client.get("/charts/indicators/tpp_trainees_change_ratio.svg?as_of=2023-10-31").data)
    assert past == ["No values."]


def test_a_new_value_changes_the_image(application: Application, client: FlaskClient, tmp_path: Path) -> None:
    before = client.get("/charts/indicators/engagement_teams.svg")
    file = tmp_path / "new.csv"
    file.write_text(
        "indicator,mission,period_start,period_end,value,source\nengagement_teams,ALL,2024-12-31,2024-12-31,17,a test\n"
    )
    application.loads.load(LoadRequest(files=(file,), loaded_by="a test"))
    application.refresh()
    after = client.get("/charts/indicators/engagement_teams.svg", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert "17" in read_texts(after.data)


def test_a_long_history_is_limited_to_the_last_periods(application: Application, client: FlaskClient, tmp_path: Path) -> None:
    file = tmp_path / "long.csv"
    head = "indicator,mission,period_start,period_end,value,source\n"
    days = [date(2025, 1, 1) + timedelta(days=day) for day in range(110)]
    file.write_text(head + "".join(f"uncrewed_aircraft_attacks,UNDOF,{day},{day},{day.day},a test\n" for day in days))
    application.loads.load(LoadRequest(files=(file,), loaded_by="a test"))
    application.refresh()
    texts = read_texts(client.get("/charts/indicators/uncrewed_aircraft_attacks.svg?mission=UNDOF").data)
    assert any(text.endswith("the last 100 of 110 periods") for text in texts)


@pytest.mark.parametrize(
    ("address", "code"),
    [("nothing.svg", 404), ("engagement_teams.svg?mission=NOWHERE", 404), ("engagement_teams.svg?as_of=yesterday", 400)],
)
def test_an_unknown_name_is_an_error(client: FlaskClient, address: str, code: int) -> None:
    assert client.get(f"/charts/indicators/{address}").status_code == code


def test_a_value_is_printed_behind_a_limit_that_is_in_its_way() -> None:
    def find_edges(limits: list[Limit]) -> dict[str, float]:
        chart = draw_comparison([Bar("UNMISS", 125), Bar("UNIFIL", 43)], "count", "title", limits=limits, room=358)
        values = json.loads(chart.spec)["data"]["values"]
        return {value["label"]: value["edge"] for value in values if value["kind"] == "bar"}

    assert find_edges([]) == {"UNMISS": 125, "UNIFIL": 43}
    assert find_edges([Limit("UNIFIL", "above", 50), Limit("UNMISS", "above", 50)]) == {"UNMISS": 125, "UNIFIL": 50}


def test_a_narrow_chart_fits_a_phone_and_an_unknown_width_is_an_error(client: FlaskClient) -> None:
    wide, narrow = (
        float(
            re.findall(r'<svg[^>]* width="([\d.]+)"', client.get(f"/charts/indicators/hospitals_reporting.svg{query}").text)[0]
        )
        for query in ("", "?width=narrow")
    )
    assert narrow <= 390 < wide
    assert client.get("/charts/indicators/hospitals_reporting.svg?width=huge").status_code == 400
