"""Errors of the API as problem details (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import TypedDict

from flask import Response, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from service.errors import (
    AccessError,
    AlertError,
    ChangedMeanwhile,
    KeyInUse,
    KeyReused,
    LoadError,
    NoFreeSlot,
    NotAllowed,
    NotSignedIn,
    PreviewOutdated,
    QueryUnknown,
    RoundError,
    RoundUnknown,
    RowError,
    ServiceError,
    SignInDelayed,
    SignInRefused,
    SilenceUnknown,
    ThresholdError,
)
from service.names import suggest_names

MEDIA_TYPE = "application/problem+json"
INTERNAL_ERROR = "Internal error. See the log of the service."
NOT_READY = "The first snapshot is not complete yet. Try again in a few seconds."
RETRY_SECONDS = 5
API_PREFIXES = ("/api/", "/sdmx/")
# Errors that the caller can fix. Other errors are internal.
MISTAKES = (AccessError, AlertError, LoadError, RoundError, ThresholdError)
# Mistakes with a status of their own.
STATUSES: Mapping[type[ServiceError], int] = {
    QueryUnknown: 404,
    RoundUnknown: 404,
    SilenceUnknown: 404,
    KeyInUse: 409,
    PreviewOutdated: 409,
    ChangedMeanwhile: 412,
    KeyReused: 422,
}


class Fault(TypedDict):
    """One error in a request: the name of the parameter or field, and a description."""

    name: str
    detail: str


class Refused(HTTPException):
    """A rejected request: status, description with a fix, further members and headers.

    Requests to the API get problem details, others an error page.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None, **members: object) -> None:
        super().__init__(detail)
        self.code = status
        self.members = members
        self.more_headers = dict(headers or {})


def is_api_request() -> bool:
    """Return whether the request is to the API, or to SDMX."""
    return request.path.startswith(API_PREFIXES)


def refuse_service_error(error: ServiceError) -> Refused:
    """Return a ServiceError as 400 if the caller can fix it, 503 if a retry may succeed, else 500 without details."""
    if isinstance(error, NotSignedIn | SignInRefused):
        return Refused(401, str(error), {"WWW-Authenticate": "Bearer"})
    if isinstance(error, NotAllowed):
        return Refused(403, str(error))
    if isinstance(error, SignInDelayed):
        return Refused(429, str(error), {"Retry-After": str(error.seconds)})
    for kind, status in STATUSES.items():
        if isinstance(error, kind):
            return Refused(status, str(error))
    if isinstance(error, NoFreeSlot) and error.is_full:
        return Refused(429, str(error), {"Retry-After": str(RETRY_SECONDS)})
    if isinstance(error, LoadError) and error.rows:
        faults: list[Fault] = [
            {"name": _name_place(row), "detail": f"{row.value!r} {row.problem}; {row.fix}"} for row in error.rows
        ]
        return Refused(400, error.message, errors=faults, total=error.total)
    if error.can_retry:
        return Refused(503, str(error), {"Retry-After": str(RETRY_SECONDS)})
    return Refused(400, str(error)) if isinstance(error, MISTAKES) else Refused(500, INTERNAL_ERROR)


def _name_place(row: RowError) -> str:
    place = f"row {row.row}, column {row.column}"
    return f"sheet {row.sheet!r}, {place}" if row.sheet else place


def refuse_invalid(error: ValidationError, known: Iterable[str] = ()) -> Refused:
    """Return the errors of pydantic as 400. `known` are the names for suggestions."""
    return refuse_faults(list_faults(error, known))


def refuse_faults(faults: Sequence[Fault]) -> Refused:
    """Return 400 with the first fault as detail and all faults in `errors`."""
    return Refused(400, f"{faults[0]['name']}: {faults[0]['detail']}", errors=list(faults))


def list_faults(error: ValidationError, known: Iterable[str] = ()) -> list[Fault]:
    """Return the errors of pydantic as faults."""
    names = tuple(known)
    faults: list[Fault] = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        name = ".".join(map(str, fault["loc"])) or "body"
        if fault["type"] == "extra_forbidden":
            # A resource without parameters has no names to suggest.
            message = f"unknown name. {suggest_names(name, names, 'Remove it.')}"
        else:
            message = fault["msg"].removeprefix("Value error, ")
        faults.append({"name": name, "detail": message})
    return faults


def answer_problem(error: HTTPException) -> Response:
    """Return an HTTP error as problem details, without internal details."""
    status = error.code or 500
    is_own = isinstance(error, Refused)
    phrase = HTTPStatus(status).phrase
    detail = error.description if is_own or status != 500 else INTERNAL_ERROR
    members = error.members if isinstance(error, Refused) else {}
    problem = {"type": "about:blank", "title": phrase, "status": status, "detail": detail or phrase, **members}
    answer = Response(json.dumps(problem, ensure_ascii=False), status, content_type=MEDIA_TYPE)
    # Headers of werkzeug: Allow, Retry-After, WWW-Authenticate.
    for name, value in error.get_headers():
        if name.lower() != "content-type":
            answer.headers[name] = value
    if isinstance(error, Refused):
        answer.headers.update(error.more_headers)
    answer.headers["Cache-Control"] = "no-store"
    return answer
