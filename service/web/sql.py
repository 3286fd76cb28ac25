"""SQL queries: POST and GET /api/v1/sql, executed by sandbox workers."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Blueprint, Response, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.access.roles import Right
from service.application import Application
from service.errors import PoolBusy, WorkerLost
from service.queries.sandbox.protocol import Format, QueryRequest, QueryResult
from service.settings import Settings
from service.web.api.answer import SNAPSHOT_HEADER
from service.web.api.queries import AsOf, Count, Instant
from service.web.authorization import requires
from service.web.budget import AnswerBudget
from service.web.chunks import make_chunked_response
from service.web.clients import find_client
from service.web.problems import NOT_READY, RETRY_SECONDS, Refused, refuse_invalid

DEFAULT_ROWS = 1000
MAX_SQL_LENGTH = 100_000
MAX_BODY_BYTES = 1 << 20
TRUNCATED_HEADER = "A4P-Truncated"
MEDIA_TYPES: dict[Format, str] = {
    "json": "application/json",
    "csv": "text/csv",
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class SqlRequest(BaseModel):
    """A query with optional as-of date, known-at instant (UTC by default), maximum number of rows and format."""

    model_config = ConfigDict(extra="forbid")
    sql: str = Field(min_length=1, max_length=MAX_SQL_LENGTH, description="One read-only query.")
    as_of: AsOf | None = Field(None, description="As-of date of views such as `latest`. Default: date of the snapshot.")
    known_at: Instant | None = Field(None, description="Only values recorded up to this instant, in views of current values.")
    max_rows: Count | None = Field(
        None, ge=1, description="Maximum number of rows. Default: 1,000 for JSON, the allowed maximum for other formats."
    )
    format: Format | None = Field(None, description="Format of the result. Overrides Accept.")


def make_sql_blueprint(application: Application, budget: AnswerBudget) -> Blueprint:
    """Return the routes for untrusted SQL."""
    routes = Blueprint("sql", __name__)

    @routes.after_request
    def count(response: Response) -> Response:
        application.self_metrics.count_query(response.status_code)
        return response

    @routes.get("/api/v1/sql")
    @requires(Right.QUERY)
    def run_linked_query() -> Response:
        repeated = [name for name, values in request.args.lists() if len(values) > 1]
        if repeated:
            raise Refused(400, f"{repeated[0]}: given more than once. Give it once.")
        return _answer(application, budget, _read(request.args.to_dict()))

    @routes.post("/api/v1/sql")
    @requires(Right.QUERY)
    def run_query() -> Response:
        # Forms of other sites cannot send this type without a CORS preflight.
        if request.mimetype != "application/json":
            raise Refused(415, "The body must be JSON. Send the header Content-Type: application/json")
        body = request.stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise Refused(413, f"The request exceeds the maximum of {MAX_BODY_BYTES:,} bytes.")
        try:
            query = SqlRequest.model_validate_json(body)
        except ValidationError as error:
            raise refuse_invalid(error, SqlRequest.model_fields) from None
        return _answer(application, budget, query)

    return routes


def _read(given: dict[str, str]) -> SqlRequest:
    try:
        return SqlRequest.model_validate(given)
    except ValidationError as error:
        raise refuse_invalid(error, SqlRequest.model_fields) from None


def _answer(application: Application, budget: AnswerBudget, query: SqlRequest) -> Response:
    settings = application.settings
    if application.read_copy is None:
        raise Refused(503, NOT_READY, {"Retry-After": str(RETRY_SECONDS)})
    chosen = query.format or _choose_format()
    rows = query.max_rows or (DEFAULT_ROWS if chosen == "json" else settings.sql_rows)
    query_request: QueryRequest = {
        "sql": query.sql,
        "as_of": query.as_of.isoformat() if query.as_of else None,
        "known_at": query.known_at.isoformat() if query.known_at else None,
        "max_rows": min(rows, settings.sql_rows),
        "seconds": settings.sql_seconds,
        "format": chosen,
    }
    try:
        result = application.sandbox.run(query_request, find_client())
    except PoolBusy as busy:
        raise Refused(429 if busy.is_full else 503, str(busy), {"Retry-After": str(RETRY_SECONDS)}) from None
    except WorkerLost as lost:
        raise _refuse_time(settings) if lost.is_late else _refuse_lost() from None
    outcome = result.response["outcome"]
    if outcome == "out_of_time":
        raise _refuse_time(settings)
    if outcome == "out_of_memory":
        raise _refuse_memory(settings)
    if outcome != "succeeded":
        position: dict[str, Any] = {name: result.response.get(name) for name in ("line", "column") if result.response.get(name)}
        raise Refused(400, str(result.response["detail"]), **position)
    return _send(result, chosen, budget)


def _choose_format() -> Format:
    offered = list(MEDIA_TYPES.values())
    best = request.accept_mimetypes.best_match(offered) if request.accept_mimetypes else MEDIA_TYPES["json"]
    for chosen, media_type in MEDIA_TYPES.items():
        if media_type == best:
            return chosen
    raise Refused(406, f"No accepted media type. Available: {', '.join(offered)}.")


def _send(result: QueryResult, chosen: Format, budget: AnswerBudget) -> Response:
    charset = "; charset=utf-8" if chosen == "csv" else ""
    release = budget.reserve(len(result.body))
    response = make_chunked_response([result.body], MEDIA_TYPES[chosen] + charset, release)
    response.headers[SNAPSHOT_HEADER] = str(result.snapshot_id)
    response.headers[TRUNCATED_HEADER] = "true" if result.response["is_truncated"] else "false"
    response.headers["Cache-Control"] = "no-cache"
    response.vary.add("Accept")
    if chosen != "json":
        ending = "arrows" if chosen == "arrow" else chosen
        response.headers["Content-Disposition"] = f'attachment; filename="a4p-snapshot-{result.snapshot_id}.{ending}"'
    if request.method == "GET":
        response.set_etag(f"{result.snapshot_id}-{hashlib.sha256(result.body).hexdigest()[:24]}")
        response.make_conditional(request)
    return response


def _refuse_time(settings: Settings) -> Refused:
    return Refused(408, f"The query exceeded {settings.sql_seconds:g} s. Reduce it, or increase A4P_SQL_SECONDS.")


def _refuse_memory(settings: Settings) -> Refused:
    return Refused(
        413, f"The query or its result exceeded {settings.sql_memory_mb:,} MB. Reduce it, or increase A4P_SQL_MEMORY_MB."
    )


def _refuse_lost() -> Refused:
    return Refused(413, "The query ended its worker process, probably because memory ran out. Reduce the query.")
