"""The OpenAPI document: schemathesis sends valid and invalid requests, and each response conforms to the document."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings, strategies
from schemathesis import Case, GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance

from service.access.identity import Identity
from service.access.roles import Grant, Role
from service.application import Application
from service.queries.moments import find_last_as_of
from service.warehouse.definitions import Definitions
from service.web.api.operations import OPERATIONS as BESIDE
from service.web.api.operations import Operation
from service.web.api.resources import RESOURCES
from service.web.app import make_app
from tests.conftest import publish_report
from tests.fuzz import count_examples

# Of each operation and mode.
EXAMPLES = count_examples(8)
# Remote read is protobuf, which schemathesis does not make; tests/history/test_remote_read.py asks it.
OPERATIONS = [
    *(("get", f"/api/v1/{resource.path}") for resource in RESOURCES),
    ("post", "/api/v1/alerts"),
    ("get", "/api/v1/rounds/{cycle}/{mission}/template.xlsx"),
    ("get", "/api/v1/sql"),
    ("post", "/api/v1/sql"),
    *((operation.method, f"/api/v1/{operation.path}") for operation in BESIDE),
]
# Roles, and of each operation beside the resources the requests of each.
ROLE_EXAMPLES = count_examples(2)
# A JSON schema has no latest date; later ones are refused, which tests/queries/test_moments.py checks.
schemathesis.openapi.format("date", strategies.dates(max_value=find_last_as_of()).map(date.isoformat))


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Application]:
    with publish_report(tmp_path_factory.mktemp("openapi") / "data", definitions) as opened:
        yield opened


@pytest.fixture(scope="module")
def schema(application: Application) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", make_app(application))


def find_operation(schema: schemathesis.BaseSchema, method: str, path: str) -> APIOperation:
    return schema[path][method]


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [
        pytest.param(method, path, mode, id=f"{mode.value} {method} {path}")
        for method, path in OPERATIONS
        for mode in GenerationMode
        # Without a parameter, no request is invalid.
        if (mode, path, method) != (GenerationMode.NEGATIVE, "/api/v1/queries", "get")
    ],
)
def test_responses_conform_to_the_document(
    application: Application, schema: schemathesis.BaseSchema, method: str, path: str, mode: GenerationMode
) -> None:
    token = (application.settings.data_dir / "alerts-token").read_text().strip()
    _, administrator = application.access.tokens.create_for_service("all", Role.ADMINISTRATOR, [], "test")

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=find_operation(schema, method, path).as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        # Text that is not SQL is an error of the text, which the document does not describe.
        excluded = [ignored_auth, positive_data_acceptance] if path.endswith("/sql") else [ignored_auth]
        if (method, path) in {(operation.method, f"/api/v1/{operation.path}") for operation in BESIDE}:
            # A known metric, alert or number is not described: a valid request may name an unknown one.
            excluded = [ignored_auth, positive_data_acceptance]
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {administrator}"}  # type: ignore[assignment]
        if path.endswith("/events"):
            # A number in place of a text is the same address.
            excluded = [*excluded, negative_data_rejection]
        if path.endswith("/template.xlsx"):
            # A known mission may have nothing to report for a cycle.
            excluded = [ignored_auth, positive_data_acceptance]
        if path.endswith("/alerts") and method == "post":
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}  # type: ignore[assignment]
        # tests/alerting/test_alerts.py checks the token: schemathesis takes ours for one that it generated.
        case.call_and_validate(excluded_checks=excluded)

    ask()


@pytest.mark.parametrize("operation", BESIDE, ids=lambda operation: operation.name)
@pytest.mark.parametrize("role", [*Role, None], ids=lambda role: role or "nobody")
def test_a_role_without_the_right_is_refused_whatever_is_sent(
    application: Application, schema: schemathesis.BaseSchema, operation: Operation, role: Role | None
) -> None:
    grants = [] if role is None else [Grant(role)]
    may = role is not None and Identity("x", tuple(grants), "token").may(operation.right)
    token = None if role is None else application.access.tokens.create_for_service(f"the-{role}", role, [], "test")[1]

    @settings(
        max_examples=ROLE_EXAMPLES, deadline=None, database=None, derandomize=True,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=find_operation(schema, operation.method, f"/api/v1/{operation.path}").as_strategy())
    def ask(case: Case) -> None:
        case.headers = {key: value for key, value in (case.headers or {}).items() if key.lower() != "authorization"}  # type: ignore[assignment]
        if token is not None:
            case.headers["Authorization"] = f"Bearer {token}"
        response = case.call()
        assert response.status_code < 500, response.text
        if not may and operation.is_write:
            assert response.status_code == (401 if role is None else 403), response.text
        elif not may and role is not None:
            assert response.status_code == 403

    ask()


def test_the_document_describes_every_route_below_api(schema: schemathesis.BaseSchema, application: Application) -> None:
    described = {(method, path) for path, item in schema.raw_schema["paths"].items() for method in item}
    routes = {
        (method.lower(), rule.rule.replace("<", "{").replace(">", "}"))
        for rule in make_app(application).url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1/") and rule.rule not in ("/api/v1/", "/api/v1/openapi.json")
    }
    assert described == routes
