"""The OpenAPI document, made from the table of resources, the models of queries and rows, and the comments on the views."""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import version
from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from service.alerts import Notification
from service.application import Application
from service.web.api import PREFIX
from service.web.api.answer import SNAPSHOT_HEADER, send_json
from service.web.api.queries import Names, list_names
from service.web.api.resources import RESOURCES, Resource
from service.web.api.rows import KIND, Row, item_model, page_model
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
        "detail": {"type": "string", "description": "What is wrong and how to mend it, in one sentence."},
        "errors": {
            "type": "array",
            "description": "Every fault of the request.",
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
        "truncated": {"type": "boolean", "description": "Whether there are more rows than these."},
        "snapshot": {"type": "string"},
    },
}
HEADERS: Json = {
    "ETag": {"description": "Of the snapshot and the bytes; send it as If-None-Match.", "schema": {"type": "string"}},
    SNAPSHOT_HEADER: {"description": "The snapshot answered from.", "schema": {"type": "string"}},
}
IF_NONE_MATCH: Json = {"name": "If-None-Match", "in": "header", "description": "An ETag.", "schema": {"type": "string"}}


def make_openapi_blueprint(application: Application) -> Blueprint:
    """Return the route of the document. It is made at the first request: it changes with the catalogue only."""
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
                "Indicators of Action for Peacekeeping Plus with their history. Every answer is of one snapshot and names "
                "it; a missing figure is null and never 0. Errors are problem details (RFC 9457)."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": _list_paths(),
        "components": {
            "schemas": _list_schemas(application, list_names(application.definitions)),
            "securitySchemes": {
                "alertsToken": _describe_token("What the file alerts-token in the data directory holds."),
                "sqlToken": _describe_token("A4P_SQL_TOKEN, where it is set."),
            },
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _list_paths() -> Json:
    paths: Json = {}
    for resource in RESOURCES:
        get = _describe_get(resource)
        paths[f"{PREFIX}/{resource.path}"] = {"get": get}
    paths[f"{PREFIX}/alerts"]["post"] = _describe_notification()
    paths[f"{PREFIX}/read"] = {"post": _describe_remote_read()}
    paths[f"{PREFIX}/sql"] = {"get": _describe_sql(is_link=True), "post": _describe_sql(is_link=False)}
    return paths


def _describe_get(resource: Resource) -> Json:
    schema = (item_model if resource.item else page_model)(resource.row)
    headers = dict(HEADERS)
    parameters = _list_parameters(resource.query)
    statuses = {"400": "What was asked is not known or cannot be read.", "503": "No snapshot has been made yet."}
    if resource.item:
        name_schema = {"$ref": f"#/components/schemas/{resource.item_kind}"}
        parameters.insert(0, {"name": resource.item, "in": "path", "required": True, "schema": name_schema})
        statuses["404"] = f"There is no such {resource.item}."
    else:
        headers["Link"] = {"description": "The page after this one, where there is one.", "schema": {"type": "string"}}
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
            "304": {"description": "The caller has it already."},
            **_list_problems(statuses),
        },
    }


def _list_parameters(query: type[BaseModel]) -> list[Json]:
    schema = query.model_json_schema(by_alias=True)
    parameters = []
    for name, described in schema.get("properties", {}).items():
        # A parameter that is not given is left out, and never null or an empty list.
        kept = {key: value for key, value in described.items() if key not in ("title", "description")}
        options = [option for option in kept.get("anyOf", ()) if option != {"type": "null"}]
        if len(options) == 1:
            kept = {**{key: value for key, value in kept.items() if key != "anyOf"}, **options[0]}
        elif options:
            kept["anyOf"] = options
        if kept.get("default") in (None, []):
            kept.pop("default", None)
        kind = kept.get("items", {}).get(KIND)
        if kind is not None:
            kept["items"] = {"$ref": f"#/components/schemas/{kind}"}
        parameter = {"name": name, "in": "query", "description": described["description"], "schema": kept}
        if name in schema.get("required", ()):
            parameter["required"] = True
        parameters.append(parameter)
    return parameters


def _list_problems(statuses: dict[str, str]) -> Json:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": told, "content": content} for status, told in statuses.items()}


def _list_schemas(application: Application, names: Names) -> Json:
    models = list(dict.fromkeys(resource.row for resource in RESOURCES))
    described: list[type[BaseModel]] = [*models, Notification, SqlRequest]
    _, generated = models_json_schema(
        [(model, "validation") for model in described], ref_template="#/components/schemas/{model}"
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
    with application.ask_live() as cursor:
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
        "summary": "Keep a notification of Alertmanager",
        "security": [{"alertsToken": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Notification"}}},
        },
        "responses": {
            "200": {
                "description": "How many alerts it told of, and how many said something new.",
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
                    "400": "It is no notification.",
                    "401": "The token is wanted.",
                    "413": "It is too large.",
                }
            ),
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
            "400": {"description": "It is no request of remote read, in one line of text; so are the others.", "content": text},
            "422": {"description": "It asks for too much.", "content": text},
            "429": {"description": "Too many are answered at once.", "content": text},
            "503": {"description": "The history is not read yet, or others took all the time.", "content": text},
            "504": {"description": "It took too long.", "content": text},
        },
    }


def _describe_token(told: str) -> Json:
    return {"type": "http", "scheme": "bearer", "description": told}


def _describe_sql(is_link: bool) -> Json:
    binary: Json = {"schema": {"type": "string", "format": "binary"}}
    contents: Json = dict.fromkeys(MEDIA_TYPES.values(), binary)
    contents[MEDIA_TYPES["csv"]] = {"schema": {"type": "string"}}
    contents[MEDIA_TYPES["json"]] = {"schema": {"$ref": "#/components/schemas/SqlAnswer"}}
    problems = {
        "400": "The query is refused or failed; `line` and `column` say where.",
        "401": "The token is wanted.",
        "403": "The service is bound to more than its own machine, and has no token.",
        "406": "No offered media type is accepted.",
        "408": "The query took too long.",
        "413": "The query, its memory or its answer is too large.",
        "429": "Too many queries wait.",
        "503": "No snapshot has been made yet, or others took all the time.",
    }
    if is_link:
        asked: Json = {"parameters": [*_list_parameters(SqlRequest), IF_NONE_MATCH]}
    else:
        asked = {
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/SqlRequest"}}},
            }
        }
    return {
        "operationId": "follow_sql_link" if is_link else "ask_sql",
        "summary": "Answer one query that reads, in SQL of DuckDB",
        "description": "Views and columns are in docs/sql.md. The media type is that of `format`, else the best of Accept.",
        "security": [{}, {"sqlToken": []}],
        **asked,
        "responses": {
            "200": {
                "description": "Its rows, as many as are asked for and allowed.",
                "headers": {
                    SNAPSHOT_HEADER: HEADERS[SNAPSHOT_HEADER],
                    TRUNCATED_HEADER: {"description": "Whether there are more rows.", "schema": {"enum": ["true", "false"]}},
                },
                "content": contents,
            },
            **({"304": {"description": "The caller has it already."}} if is_link else {}),
            **_list_problems(problems),
        },
    }
