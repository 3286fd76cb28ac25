"""The OpenAPI document: schemathesis sends valid and invalid requests, and each response conforms to the document."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from service.application import Application
from service.warehouse.definitions import Definitions
from service.web.api.resources import RESOURCES
from service.web.app import make_app
from tests.conftest import publish_report

# Of each operation and mode; all together take about half a minute.
EXAMPLES = 12
# Remote read is protobuf, which schemathesis does not make; tests/history/test_remote_read.py asks it.
OPERATIONS = [
    *(("get", f"/api/v1/{resource.path}") for resource in RESOURCES),
    ("post", "/api/v1/alerts"),
    ("get", "/api/v1/sql"),
    ("post", "/api/v1/sql"),
]


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Application]:
    with publish_report(tmp_path_factory.mktemp("openapi") / "data", definitions) as opened:
        yield opened


@pytest.fixture(scope="module")
def schema(application: Application) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", make_app(application))


def find_operation(schema: schemathesis.BaseSchema, method: str, path: str) -> APIOperation:
    return schema[path][method]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "forbidden"])
def test_responses_conform_to_the_document(
    application: Application, schema: schemathesis.BaseSchema, method: str, path: str, mode: GenerationMode
) -> None:
    token = (application.settings.data_dir / "alerts-token").read_text().strip()

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=find_operation(schema, method, path).as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        # That text is no SQL is a fault of the text, of which the document says nothing.
        excluded = [ignored_auth, positive_data_acceptance] if path.endswith("/sql") else [ignored_auth]
        if path.endswith("/alerts") and method == "post":
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}
        # That it wants the token is asked in tests/alerting/test_alerts.py: schemathesis takes ours for one that it made up.
        case.call_and_validate(excluded_checks=excluded)

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
