"""JSON answers of the API, rendered in DuckDB, with ETags."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from service.snapshots.read_copy import SnapshotInfo
from service.warehouse.database import Connection, read_sql

SNAPSHOT_HEADER = "A4P-Snapshot"
# The rows of a query file after $cursor, ordered by their column `key`, as one JSON list.
_PAGE = """
with answered as (
{query}
),
page as materialized (
    select *
    from answered
    where $cursor::varchar is null or key > $cursor::varchar
    order by key
    limit $limit::bigint + 1
),
limited as (
    select *
    from page
    order by key
    limit $limit::bigint
),
written as (
    select * exclude (key)
    from limited
    order by key
)
select
    (select coalesce(to_json(list(written)), '[]') from written) as rows,
    if((select count(*) from page) > $limit::bigint, (select max(key) from limited), null) as next
"""


@dataclass(frozen=True)
class JsonPage:
    """Rows as one JSON list, and the cursor of the next page, None on the last page."""

    rows: str
    next: str | None


def read_page(session: Connection, sql: str, bound: Mapping[str, object]) -> JsonPage:
    """Return the rows of `sql/api/<sql>.sql`. Parameters that `bound` lacks are null."""
    (statement,) = session.extract_statements(_PAGE.format(query=read_sql(f"api/{sql}")))
    row = session.execute(statement, {name: bound.get(name) for name in statement.named_parameters}).fetchone()
    assert row is not None
    return JsonPage(*row)


def make_answer(
    info: SnapshotInfo, as_of: date | None, known_at: datetime | None, name: str, value: str, **members: object
) -> Response:
    """Return a JSON answer with the snapshot and a member `name`, whose value is JSON already. Unchanged answers are 304."""
    moment: dict[str, Any] = {
        "snapshot": str(info.snapshot_id),
        "as_of": (as_of or info.as_of).isoformat(),
        "known_at": known_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").zfill(27) if known_at else None,
    }
    # Parsing and writing the rows again would take most of the time for ten thousand rows.
    body = f'{json.dumps(moment)[:-1]}, "{name}": {value}{write_members(members)}}}\n'
    return send_json(body, str(info.snapshot_id))


def write_members(members: Mapping[str, object]) -> str:
    """Return members of a JSON object, each after a comma."""
    return "".join(f', "{name}": {json.dumps(value, ensure_ascii=False)}' for name, value in members.items())


def send_json(body: str, snapshot: str | None) -> Response:
    """Return a JSON body with an ETag of snapshot and bytes, or 304 if the caller has the same body."""
    content = body.encode("utf-8", "replace")
    answer = Response(content, content_type="application/json")
    answer.set_etag(f"{snapshot or 'code'}-{hashlib.sha256(content).hexdigest()[:24]}")
    answer.headers["Cache-Control"] = "no-cache"
    if snapshot is not None:
        answer.headers[SNAPSHOT_HEADER] = snapshot
    answer.make_conditional(request)
    return answer


def link_next(cursor: str | None) -> str | None:
    """Return the path of the next page, or None."""
    if cursor is None:
        return None
    query = [(name, value) for name, value in request.args.items(multi=True) if name != "cursor"]
    return f"{request.path}?{urlencode([*query, ('cursor', cursor)])}"
