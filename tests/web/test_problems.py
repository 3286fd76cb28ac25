"""Errors of the API as problem details."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from pydantic import BaseModel, ConfigDict, ValidationError

from service.application import Application
from service.errors import AlertError, HandoffError, WarehouseError
from service.settings import Settings
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from service.web.problems import Refused, refuse_invalid


class Sample(BaseModel):
    model_config = ConfigDict(extra="forbid")
    mission: str
    limit: int = 10


def ask(**given: object) -> str:
    try:
        return Sample.model_validate(given).mission
    except ValidationError as error:
        raise refuse_invalid(error, Sample.model_fields) from None


def fail(error: Exception) -> Callable[[], str]:
    def answer() -> str:
        raise error

    return answer


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Flask]:
    directory: Path = tmp_path_factory.mktemp("problems") / "data"
    opened = Application(Settings(data_dir=directory, threads=1), definitions)
    made = make_app(opened)
    failures: dict[str, Callable[[], str]] = {
        "mistake": fail(AlertError("no alert begins with 12; 'a4p alerts' lists them")),
        "busy": fail(HandoffError("the service is busy")),
        "broken": fail(WarehouseError("the file /secret/place is broken")),
        "unexpected": fail(KeyError("/secret/place")),
        "large": lambda: abort(413),
        "refused": fail(Refused(422, "line 3 is no SQL", {"X-Line": "3"}, line=3)),
        "misspelt": lambda: ask(mision="UNMISS", limit="many"),
    }
    for name, failure in failures.items():
        for prefix in ("/api/v1", "/page"):
            made.add_url_rule(f"{prefix}/{name}", f"{prefix}/{name}", failure)
    yield made
    opened.close()


@pytest.fixture(scope="module")
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.mark.parametrize(
    ("name", "status", "title", "detail"),
    [
        ("mistake", 400, "Bad Request", "no alert begins with 12; 'a4p alerts' lists them"),
        ("busy", 503, "Service Unavailable", "the service is busy"),
        ("broken", 500, "Internal Server Error", "Internal error. See the log of the service."),
        ("unexpected", 500, "Internal Server Error", "Internal error. See the log of the service."),
        ("no such thing", 404, "Not Found", None),
        ("large", 413, None, None),
        ("refused", 422, None, "line 3 is no SQL"),
    ],
)
def test_errors_have_the_same_members_and_no_internal_details(
    client: FlaskClient, name: str, status: int, title: str | None, detail: str | None
) -> None:
    answer = client.get(f"/api/v1/{name}")
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    problem = answer.get_json(force=True)
    assert problem["type"] == "about:blank"
    assert problem["status"] == status
    assert title is None or problem["title"] == title
    assert problem["detail"] == detail if detail else problem["detail"]
    assert "secret" not in answer.get_data(as_text=True)


def test_errors_have_headers_and_members_for_the_client(client: FlaskClient) -> None:
    assert client.get("/api/v1/busy").headers["Retry-After"] == "5"
    assert "GET" in client.delete("/api/v1/mistake").headers["Allow"]
    refused = client.get("/api/v1/refused")
    assert (refused.headers["X-Line"], refused.get_json(force=True)["line"]) == ("3", 3)


def test_all_errors_of_a_request_are_listed_with_suggestions(client: FlaskClient) -> None:
    problem = client.get("/api/v1/misspelt").get_json(force=True)
    assert problem["status"] == 400
    errors = {fault["name"]: fault["detail"] for fault in problem["errors"]}
    assert errors["mision"] == "unknown name. Did you mean mission?"
    assert errors["mission"] == "Field required"
    assert "valid integer" in errors["limit"]


def test_errors_outside_the_api_are_pages(client: FlaskClient) -> None:
    for name, status in (("mistake", 400), ("busy", 503), ("broken", 500), ("unexpected", 500), ("refused", 422)):
        answer = client.get(f"/page/{name}")
        assert (answer.status_code, answer.mimetype) == (status, "text/html")
        assert "secret" not in answer.get_data(as_text=True)
