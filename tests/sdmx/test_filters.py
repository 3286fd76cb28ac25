"""Keys and component filters of SDMX data queries."""

from __future__ import annotations

import pytest

from service.sdmx.filters import FilterError
from tests.sdmx.conftest import Write

NEW = "INDICATOR=sofa_incidents_new"


def list_missions(rows: list[dict[str, str]]) -> list[str]:
    return sorted(row["MISSION"] for row in rows)


def test_a_key_selects_series(select: Write) -> None:
    assert list_missions(select("S.sofa_incidents_new.UNMISS")) == ["UNMISS"]
    assert list_missions(select("S.sofa_incidents_new.UNMISS,*.sofa_incidents_new.UNIFIL")) == ["UNIFIL", "UNMISS"]
    assert list_missions(select("*.sofa_incidents_new.UNMISS.*.*.*.*.*.*.*")) == ["UNMISS"]
    assert select("A.sofa_incidents_new.UNMISS") == []


def test_a_key_of_wildcards_selects_everything(select: Write) -> None:
    assert len(select("*")) == len(select("")) == len(select("*.*,S"))


@pytest.mark.parametrize(
    ("written", "missions"),
    [
        ("MISSION=UNMISS,UNIFIL", ["UNIFIL", "UNMISS"]),
        ("MISSION=ne:UNMISS+ne:UNIFIL+ne:ALL+sw:UNI", ["UNISFA"]),
        ("MISSION=co:SCO", ["MONUSCO"]),
        ("MISSION=nc:UN+ew:A,ew:SS", ["MINUSCA", "UNMISS"]),
        ("OBS_STATUS=M", ["UNMIK", "UNMOGIP", "UNTSO"]),
        ("OBS_VALUE=125", ["UNMISS"]),
        ("OBS_VALUE=ge:43", ["UNIFIL", "UNMISS"]),
        ("OBS_VALUE=gt:0+le:1,gt:124.5", ["UNISFA", "UNMISS"]),
    ],
)
def test_a_component_filter_selects_observations(select: Write, written: str, missions: list[str]) -> None:
    assert list_missions(select("", NEW, written)) == missions


@pytest.mark.parametrize(
    ("written", "periods"),
    [
        ("2023", {"2023-01-01/P1Y"}),
        ("ge:2023", {"2023-01-01/P1Y"}),
        ("gt:2021", {"2022-01-01/P1Y", "2023-01-01/P1Y"}),
        ("ge:2021-01-01+lt:2023", {"2021-01-01/P1Y", "2022-01-01/P1Y"}),
        ("ge:2022-01-01+le:2022-12-31", {"2022-01-01/P1Y"}),
        ("ne:2023+ge:2022", {"2022-01-01/P1Y"}),
        ("sw:2023", {"2023-01-01/P1Y"}),
    ],
)
def test_a_filter_of_periods_compares_days(select: Write, written: str, periods: set[str]) -> None:
    assert {row["TIME_PERIOD"] for row in select("*.serious_misconduct_allegations.ALL", f"TIME_PERIOD={written}")} == periods


def test_a_reporting_period_needs_the_start_of_the_reporting_year(select: Write) -> None:
    found = select("*.sofa_incidents_new", "TIME_PERIOD=2023-S2", year_start="--05-01")
    assert {row["TIME_PERIOD"] for row in found} == {"2023-11-01/P6M"}
    with pytest.raises(FilterError, match="2023-S2 needs reportingYearStartDay"):
        select("", "TIME_PERIOD=2023-S2")


@pytest.mark.parametrize(
    ("key", "filters", "message"),
    [
        ("*.*.UNMSS", (), "MISSION has no code 'UNMSS'. Did you mean UNMISS?"),
        (".".join(["*"] * 11), (), "has 11 parts. A key has at most 10: FREQ.INDICATOR.MISSION"),
        (",".join(["S"] * 501), (), "501 keys are more than the maximum of 500"),
        ("", ("MISION=UNMISS",), "unknown component 'MISION'. Did you mean MISSION?"),
        ("", ("MISSION=UNMSS",), "MISSION has no code 'UNMSS'"),
        ("", ("MISSION=",), "has no value. Write it like c"),
        ("", ("OBS_VALUE=many",), "'many' is not a number"),
        ("", ("OBS_VALUE=co:4",), "co: compares texts"),
        ("", ("TIME_PERIOD=ge:soon",), "'soon' is not a period. Write it like 2023-11-01/P6M"),
        ("", ("TIME_PERIOD=2023-02-30",), "'2023-02-30' is not a period"),
    ],
)
def test_a_filter_that_cannot_be_read_names_the_fix(select: Write, key: str, filters: tuple[str, ...], message: str) -> None:
    with pytest.raises(FilterError) as caught:
        select(key, *filters)
    assert message in str(caught.value)
