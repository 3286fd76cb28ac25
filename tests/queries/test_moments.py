"""Dates and instants: pages, API and commands accept the same forms and report the same errors."""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from service.commands.sql import sql
from service.queries.moments import find_last_as_of, parse_as_of, parse_instant

LAST = find_last_as_of().isoformat()
DATES = {"2023-10-31": date(2023, 10, 31), "0001-01-01": date(1, 1, 1), LAST: find_last_as_of()}
INSTANTS = {
    "2024-07-01": datetime(2024, 7, 1, tzinfo=UTC),
    "2024-07-01T12:00": datetime(2024, 7, 1, 12, tzinfo=UTC),
    "2024-07-01 12:00:30.5": datetime(2024, 7, 1, 12, 0, 30, 500_000, tzinfo=UTC),
    "2024-07-01t12:00z": datetime(2024, 7, 1, 12, tzinfo=UTC),
    "2024-07-01T12:00:00+02:00": datetime(2024, 7, 1, 10, tzinfo=UTC),
    # Within the calendar in local time, but not in UTC.
    "0001-01-01T00:00+14:00": datetime.min.replace(tzinfo=UTC),
    "9999-12-31T23:59-01:00": datetime.max.replace(tzinfo=UTC),
}
WRONG_FORM = "yesterday 31.10.2023 20231031 2023-W44-2 2023-304 2023-1-1 \N{FULLWIDTH DIGIT TWO}023-10-31".split()
WRONG_DATES = {
    **{text: f"{text!r} is not a date. Write it like 2023-10-31." for text in [*WRONG_FORM, "2023-10-31T00:00", " 2023-10-31"]},
    **{text: f"{text!r} is more than 10 years ahead. Write an earlier date." for text in ("2200-01-01", "9999-12-31")},
    **{text: f"{text!r} is not a date: the day does not exist." for text in ("2023-02-29", "0000-01-01", "2023-13-01")},
}
WRONG_INSTANTS = {
    text: f"{text!r} is not a date or time. Write it like 2024-07-01T12:00:00Z, or 2024-07-01 for its start in UTC."
    for text in [
        *WRONG_FORM,
        "2023-02-29",
        "2024-07-01T12",
        "2024-07-01T25:00",
        "2024-07-01T12:00+0200",
        "2024-07-01T12:00 UTC",
    ]
}
FindError = Callable[[str, str], str | None]


@pytest.fixture(params=["page", "chart", "API", "SQL endpoint", "command"])
def find_error(request: pytest.FixtureRequest, client: FlaskClient, report_dir: Path) -> FindError:
    """Pass a parameter in one of the ways; return the reported error, None if the parameter is accepted."""

    def find(name: str, text: str) -> str | None:
        if request.param == "command":
            done = CliRunner().invoke(sql, [f"--{name.replace('_', '-')}", text, "select 1", "--data-dir", str(report_dir)])
            return None if done.exit_code == 0 else done.output
        path = {
            "page": "/",
            "chart": "/charts/indicators/sofa_incidents_new.svg",
            "API": "/api/v1/latest",
            "SQL endpoint": "/api/v1/sql",
        }[request.param]
        # Without a query the SQL endpoint reports an error for `sql` in any case.
        answer = client.get(path, query_string={name: text})
        if request.param == "SQL endpoint":
            faults = {fault["name"]: fault["detail"] for fault in answer.get_json(force=True)["errors"]}
            return faults.get(name)
        return None if answer.status_code == 200 else html.unescape(answer.get_data(as_text=True))

    return find


@pytest.mark.parametrize(("text", "day"), DATES.items())
def test_a_date_is_accepted_everywhere(find_error: FindError, text: str, day: date) -> None:
    assert parse_as_of(text) == day
    assert find_error("as_of", text) is None


@pytest.mark.parametrize(("text", "instant"), INSTANTS.items())
def test_an_instant_is_accepted_everywhere(find_error: FindError, text: str, instant: datetime) -> None:
    assert parse_instant(text) == instant
    assert find_error("known_at", text) is None


@pytest.mark.parametrize(("name", "wrong"), [("as_of", WRONG_DATES), ("known_at", WRONG_INSTANTS)])
def test_other_forms_are_refused_everywhere_with_the_same_sentence(
    find_error: FindError, name: str, wrong: dict[str, str]
) -> None:
    assert {text: sentence in (find_error(name, text) or "") for text, sentence in wrong.items()} == dict.fromkeys(wrong, True)


def test_an_empty_field_of_a_form_is_the_latest_snapshot(client: FlaskClient) -> None:
    assert client.get("/?as_of=&known_at=").status_code == 200
