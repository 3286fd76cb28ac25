"""The OpenAPI document, generated from the table of resources, the models of queries and rows, and the comments on views."""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import version
from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from service.access.roles import Right
from service.alerting.alerts import Notification
from service.application import Application
from service.documents.formats import FORMATS
from service.web.api import PREFIX
from service.web.api.answer import SNAPSHOT_HEADER, send_json
from service.web.api.operations import CONDITION, NUMBERS, OPERATIONS, Operation
from service.web.api.queries import Names, list_names
from service.web.api.resources import RESOURCES, Resource
from service.web.api.rows import KIND, Row, item_model, page_model
from service.web.api.thresholds import LABEL_PREFIX
from service.web.api.writing import KEY_HEADER, REPLAYED_HEADER
from service.web.problems import MEDIA_TYPE
from service.web.sql import MEDIA_TYPES, TRUNCATED_HEADER, SqlRequest

Json = dict[str, Any]

PROBLEM: Json = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "Description of the error and how to fix it."},
        "errors": {
            "type": "array",
            "description": "All errors of the request.",
            "items": {
                "type": "object",
                "required": ["name", "detail"],
                "properties": {"name": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
SQL_ANSWER: Json = {
    "type": "object",
    "required": ["columns", "rows", "truncated", "snapshot"],
    "properties": {
        "columns": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "type"],
                "properties": {"name": {"type": "string"}, "type": {"type": "string", "description": "Type in DuckDB."}},
            },
        },
        "rows": {"type": "array", "items": {"type": "array"}, "description": "Values in the order of the columns."},
        "truncated": {"type": "boolean", "description": "Whether the result has more rows."},
        "snapshot": {"type": "string"},
    },
}
HEADERS: Json = {
    "ETag": {"description": "Tag of snapshot and bytes. Send it as If-None-Match.", "schema": {"type": "string"}},
    SNAPSHOT_HEADER: {"description": "Snapshot of the answer.", "schema": {"type": "string"}},
}
IDEMPOTENCY_KEY: Json = {
    "name": KEY_HEADER,
    "in": "header",
    "description": "A key of this request: a repeated request gets the same answer and changes nothing again.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}
IF_MATCH: Json = {
    "name": "If-Match",
    "in": "header",
    "description": "The ETag that was read. The change is refused if there is another one now.",
    "schema": {"type": "string"},
}
IF_NONE_MATCH: Json = {"name": "If-None-Match", "in": "header", "description": "An ETag.", "schema": {"type": "string"}}


def make_openapi_blueprint(application: Application) -> Blueprint:
    """Return the route of the document. It is generated at the first request, because it changes with the catalogue only."""
    routes = Blueprint("openapi", __name__)
    write_once = cache(lambda: write_document(application))

    @routes.get(f"{PREFIX}/openapi.json")
    def describe() -> Response:
        return send_json(write_once(), None)

    return routes


def write_document(application: Application) -> str:
    """Return the document as JSON: OpenAPI 3.1."""
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "A4P+ Indicator Service",
            "version": version("a4p-service"),
            "description": (
                "Indicators of Action for Peacekeeping Plus with their history. Every answer comes from one snapshot and "
                "includes its id. A missing value is null and never 0. Errors are problem details (RFC 9457)."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": _list_paths(),
        "components": {
            "schemas": _list_schemas(application, list_names(application.definitions)),
            "securitySchemes": {
                "token": _describe_token("Token of a user or a service: docs/access.md."),
                "alertsToken": _describe_token("Content of the file alerts-token in the data directory."),
                "sqlToken": _describe_token("Value of A4P_SQL_TOKEN, if it is set."),
            },
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _list_paths() -> Json:
    paths: Json = {}
    for resource in RESOURCES:
        get = _describe_get(resource)
        paths[f"{PREFIX}/{resource.path}"] = {"get": get}
    for operation in OPERATIONS:
        paths.setdefault(f"{PREFIX}/{operation.path}", {})[operation.method] = _describe_operation(operation)
    paths[f"{PREFIX}/alerts"]["post"] = _describe_notification()
    paths[f"{PREFIX}/rounds/{{cycle}}/{{mission}}/template.xlsx"] = {"get": _describe_template()}
    paths[f"{PREFIX}/read"] = {"post": _describe_remote_read()}
    paths[f"{PREFIX}/sql"] = {"get": _describe_sql(is_link=True), "post": _describe_sql(is_link=False)}
    return paths


def _describe_get(resource: Resource) -> Json:
    schema = (item_model if resource.item else page_model)(resource.row)
    headers = dict(HEADERS)
    parameters = _list_parameters(resource.query)
    statuses = {"400": "Invalid or unknown parameter.", "503": "No snapshot exists yet."}
    if resource.item:
        name_schema = {"$ref": f"#/components/schemas/{resource.item_kind}"}
        parameters.insert(0, {"name": resource.item, "in": "path", "required": True, "schema": name_schema})
        statuses["404"] = f"Unknown {resource.item}."
    else:
        headers["Link"] = {"description": "The next page, if there is one.", "schema": {"type": "string"}}
    return {
        "operationId": resource.operation,
        "summary": resource.summary,
        "parameters": [*parameters, IF_NONE_MATCH],
        "responses": {
            "200": {
                "description": resource.summary,
                "headers": headers,
                "content": {"application/json": {"schema": schema}},
            },
            "304": {"description": "Not modified."},
            **_list_problems(statuses),
        },
    }


def _describe_operation(operation: Operation) -> Json:
    parameters: list[Json] = []
    for item in operation.items:
        schema: Json = {"type": "integer", "minimum": 1} if item in NUMBERS else {"type": "string", "pattern": "^[^/]+$"}
        parameters.append({"name": item, "in": "path", "required": True, "schema": schema})
    if operation.parameters:
        parameters += [parameter for parameter in _list_parameters(operation.parameters) if parameter["name"] != "dimensions"]
    if operation.method == "post" and operation.is_write:
        parameters.append(IDEMPOTENCY_KEY)
    if CONDITION in operation.problems:
        parameters.append(IF_MATCH)
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"Right: {operation.right.replace('_', ' ')}."
        + (f" Each further label is a parameter {LABEL_PREFIX}NAME." if operation.has_labels else ""),
        "security": [{"token": []}, *([] if operation.is_write or operation.right == Right.READ_AUDIT else [{}])],
        "parameters": parameters,
        "responses": {
            **{status: _describe_answer(operation, status) for status in operation.statuses},
            **_list_problems(_list_problem_statuses(operation)),
        },
    }
    if operation.body:
        body = {"$ref": f"#/components/schemas/{operation.body.__name__}"}
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    if operation.form_field:
        file = {"type": "string", "format": "binary"}
        form = {
            "type": "object",
            "required": [operation.form_field],
            "properties": {operation.form_field: file},
            "additionalProperties": False,
        }
        described["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    return described


def _describe_answer(operation: Operation, status: str) -> Json:
    described: Json = {"description": operation.summary}
    if operation.answer:
        answer = operation.other_answer if status == "200" and operation.other_answer else operation.answer
        schema = {"$ref": f"#/components/schemas/{answer.__name__}"}
        described["content"] = {"application/json": {"schema": schema}}
    if operation.has_csv:
        described["content"]["text/csv"] = {"schema": {"type": "string"}}
    headers: Json = {}
    if operation.has_etag:
        headers["ETag"] = {"description": "Revision, for If-Match.", "schema": {"type": "string"}}
    if operation.method == "post" and operation.is_write:
        headers[REPLAYED_HEADER] = {"description": "true for a stored answer.", "schema": {"type": "string"}}
    if headers:
        described["headers"] = headers
    return described


def _list_problem_statuses(operation: Operation) -> dict[str, str]:
    statuses = {
        "400": "Invalid request.",
        "401": "Missing or wrong token.",
        "403": "The right is missing.",
        "503": "The service is busy, or cannot store the change.",
        **operation.problems,
    }
    if operation.body or operation.form_field:
        statuses |= {"413": "The body is too large.", "415": "The body has another media type."}
    if operation.is_write:
        statuses["429"] = "Too many changes wait."
    if operation.has_csv:
        statuses["406"] = "No accepted media type."
    if operation.method == "post" and operation.is_write:
        waiting = "The first request with this Idempotency-Key is not answered yet."
        statuses["409"] = f"{operation.problems['409']} Or: {waiting}" if "409" in operation.problems else waiting
        statuses["422"] = "The Idempotency-Key was used for another request."
    return dict(sorted(statuses.items()))


def _list_parameters(query: type[BaseModel]) -> list[Json]:
    schema = query.model_json_schema(by_alias=True)
    parameters = []
    for name, described in schema.get("properties", {}).items():
        # A missing parameter is omitted, and never null or an empty list.
        described_schema = {key: value for key, value in described.items() if key not in ("title", "description")}
        options = [option for option in described_schema.get("anyOf", ()) if option != {"type": "null"}]
        if len(options) == 1:
            described_schema = {**{key: value for key, value in described_schema.items() if key != "anyOf"}, **options[0]}
        elif options:
            described_schema["anyOf"] = options
        if described_schema.get("default") in (None, []):
            described_schema.pop("default", None)
        kind = described_schema.get("items", {}).get(KIND)
        if kind is not None:
            described_schema["items"] = {"$ref": f"#/components/schemas/{kind}"}
        parameter = {"name": name, "in": "query", "description": described["description"], "schema": described_schema}
        if name in schema.get("required", ()):
            parameter["required"] = True
        parameters.append(parameter)
    return parameters


def _list_problems(statuses: dict[str, str]) -> Json:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": description, "content": content} for status, description in statuses.items()}


def _list_schemas(application: Application, names: Names) -> Json:
    models = list(dict.fromkeys(resource.row for resource in RESOURCES))
    described: list[type[BaseModel]] = [*models, Notification, SqlRequest]
    for operation in OPERATIONS:
        described += [model for model in (operation.body, operation.answer, operation.other_answer) if model is not None]
    _, generated = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(described)], ref_template="#/components/schemas/{model}"
    )
    schemas: Json = {"Problem": PROBLEM, "SqlAnswer": SQL_ANSWER}
    comments = _read_comments(application)
    for name, schema in generated["$defs"].items():
        schemas[name] = _drop_titles(schema)
    for model in models:
        _describe_columns(model, schemas[model.__name__], comments)
    for kind, values in names.items():
        schemas[kind] = {"type": "string", "enum": list(values)}
    return schemas


def _read_comments(application: Application) -> dict[tuple[str, str], str]:
    with application.open_live_session() as cursor:
        rows = cursor.execute(
            "select table_name, column_name, comment from duckdb_columns() "
            "where database_name = current_database() and schema_name = 'main' and comment is not null"
        ).fetchall()
    return {(table, column): comment for table, column, comment in rows}


def _describe_columns(model: type[Row], schema: Json, comments: dict[tuple[str, str], str]) -> None:
    for column, described in schema["properties"].items():
        comment = comments.get((model.view, column))
        if comment is not None:
            described["description"] = comment


def _drop_titles(schema: Json) -> Json:
    return {
        key: {name: {k: v for k, v in column.items() if k != "title"} for name, column in value.items()}
        if key == "properties"
        else value
        for key, value in schema.items()
        if key != "title"
    }


def _describe_notification() -> Json:
    return {
        "operationId": "record_notification",
        "summary": "Record a notification of Alertmanager",
        "security": [{"alertsToken": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Notification"}}},
        },
        "responses": {
            "200": {
                "description": "Number of alerts received, and number of alerts that changed.",
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["received", "recorded"],
                            "properties": {"received": {"type": "integer"}, "recorded": {"type": "integer"}},
                        }
                    }
                },
            },
            **_list_problems(
                {
                    "400": "Invalid notification.",
                    "401": "Missing or wrong token.",
                    "413": "Notification too large.",
                }
            ),
        },
    }


def _describe_template() -> Json:
    number, name = {"type": "integer", "minimum": 1}, {"$ref": "#/components/schemas/MissionName"}
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {
        "operationId": "get_template",
        "summary": "The Excel workbook in which a mission fills in its values for a cycle",
        "parameters": [
            {"name": "cycle", "in": "path", "required": True, "schema": number},
            {"name": "mission", "in": "path", "required": True, "schema": name},
            IF_NONE_MATCH,
        ],
        "responses": {
            "200": {"description": "The workbook.", "content": {FORMATS["xlsx"]: binary}},
            "304": {"description": "Not modified."},
            **_list_problems({"404": "Unknown cycle or mission, or no report is expected.", "503": "No snapshot exists yet."}),
        },
    }


def _describe_remote_read() -> Json:
    text = {"text/plain": {"schema": {"type": "string"}}}
    return {
        "operationId": "read_history",
        "summary": "Prometheus remote read over the whole history",
        "description": "https://prometheus.io/docs/prometheus/latest/querying/remote_read_api/ in its sampled form.",
        "requestBody": {
            "required": True,
            "description": "A prometheus.ReadRequest (protobuf), compressed as one snappy block.",
            "content": {"application/x-protobuf": {"schema": {"type": "string", "format": "binary"}}},
        },
        "responses": {
            "200": {
                "description": "A prometheus.ReadResponse, compressed as one snappy block.",
                "content": {"application/x-protobuf": {"schema": {"type": "string", "format": "binary"}}},
            },
            "400": {
                "description": "Invalid request. The body is one line of text, as for all errors.",
                "content": text,
            },
            "422": {"description": "The request matches too many series or samples.", "content": text},
            "429": {"description": "Too many requests at once.", "content": text},
            "503": {"description": "The history is not loaded yet, or the service is busy.", "content": text},
            "504": {"description": "Time limit exceeded.", "content": text},
        },
    }


def _describe_token(description: str) -> Json:
    return {"type": "http", "scheme": "bearer", "description": description}


def _describe_sql(is_link: bool) -> Json:
    binary: Json = {"schema": {"type": "string", "format": "binary"}}
    contents: Json = dict.fromkeys(MEDIA_TYPES.values(), binary)
    contents[MEDIA_TYPES["csv"]] = {"schema": {"type": "string"}}
    contents[MEDIA_TYPES["json"]] = {"schema": {"$ref": "#/components/schemas/SqlAnswer"}}
    problems = {
        "400": "The query was rejected or failed; `line` and `column` give the position.",
        "401": "Missing or wrong token.",
        "403": "SQL is disabled: the service is not bound to a loopback address and has no token.",
        "406": "No accepted media type.",
        "408": "Time limit exceeded.",
        "413": "The query, its memory or its result is too large.",
        "429": "Too many waiting queries.",
        "503": "No snapshot exists yet, or the service is busy.",
    }
    if is_link:
        request: Json = {"parameters": [*_list_parameters(SqlRequest), IF_NONE_MATCH]}
    else:
        request = {
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/SqlRequest"}}},
            }
        }
    return {
        "operationId": "follow_sql_link" if is_link else "ask_sql",
        "summary": "Run one read-only query in the SQL dialect of DuckDB",
        "description": "Views and columns are in docs/sql.md. `format` determines the media type, else Accept.",
        "security": [{}, {"sqlToken": []}],
        **request,
        "responses": {
            "200": {
                "description": "The rows of the result, up to the maximum.",
                "headers": {
                    SNAPSHOT_HEADER: HEADERS[SNAPSHOT_HEADER],
                    TRUNCATED_HEADER: {
                        "description": "Whether the result has more rows.",
                        "schema": {"enum": ["true", "false"]},
                    },
                },
                "content": contents,
            },
            **({"304": {"description": "Not modified."}} if is_link else {}),
            **_list_problems(problems),
        },
    }
