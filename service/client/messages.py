"""Messages of the socket: lines of JSON with progress, and at the end a result or an error.

An error has the name of its class, its text, its fields and whether the operation can be retried.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from service.errors import HandoffError, LoadError, RowError, ServiceError, ThresholdError

ROWS = TypeAdapter(tuple[RowError, ...])
# What to do if the two ends have different versions.
SAME_VERSION = "run the command with the version of the service"


@dataclass(frozen=True)
class Result:
    """The result of an operation, as JSON data."""

    data: Any


def write_progress(stage: str, share: float | None) -> str:
    """Return the line that reports progress."""
    return json.dumps({"stage": stage, "share": share}) + "\n"


def write_result(data: Any) -> str:
    """Return the line with the result."""
    return json.dumps({"result": data}) + "\n"


def write_error(error: ServiceError) -> str:
    """Return the line with an error. `is_load` and `is_threshold` are read by clients of release 0.1."""
    fields = to_jsonable_python({name: value for name, value in vars(error).items() if name != "can_retry"})
    legacy: dict[str, Any] = {"is_load": isinstance(error, LoadError), "is_threshold": isinstance(error, ThresholdError)}
    if isinstance(error, LoadError):
        legacy |= {"rows": [_rename(row, "fix", "mend") for row in fields["rows"]], "total": error.total}
    text = error.message if isinstance(error, LoadError) else str(error)
    body = {"class": type(error).__name__, "message": text, "fields": fields, "can_retry": error.can_retry, **legacy}
    return json.dumps({"error": body}) + "\n"


def read_messages(lines: Iterator[bytes], report: Callable[[str, float | None], None]) -> Result:
    """Return the result in a response, reporting progress until then. Raises the error in it, or HandoffError."""
    for line in lines:
        if not line.endswith(b"\n"):
            break
        message = _parse(line)
        if "result" in message:
            return Result(message["result"])
        if "error" in message:
            raise _read_error(message["error"])
        report(str(message.get("stage", "")), message.get("share"))
    raise HandoffError("the service stopped before the operation was finished; start it and run this command again")


def read_refusal(status: int, body: bytes) -> ServiceError:
    """Return the error of a response with a status other than 200."""
    try:
        error = _parse(body).get("error")
        return _read_error(error) if isinstance(error, dict) else _refuse(f"{status}: {error}")
    except HandoffError:
        return _refuse(str(status))


def _parse(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except ValueError:
        raise _refuse("a message that is not JSON") from None
    if not isinstance(message, dict):
        raise _refuse("an unknown message")
    return message


def _refuse(answer: str) -> HandoffError:
    return HandoffError(f"the service answered {answer}; {SAME_VERSION}")


def _read_error(error: Any) -> ServiceError:
    if not isinstance(error, dict):
        return _refuse(f"with the error {error}")
    message = str(error.get("message", "unknown error"))
    # A service of release 0.1 sends no class.
    legacy = "LoadError" if error.get("is_load") else "ThresholdError" if error.get("is_threshold") else ""
    found = _list_classes(ServiceError).get(str(error.get("class") or legacy), HandoffError)
    fields = dict(error.get("fields") or {})
    if found is LoadError:
        rows = fields.get("rows") or [_rename(row, "mend", "fix") for row in error.get("rows") or ()]
        return LoadError(message, ROWS.validate_python(rows), error.get("total") or 0)
    rebuilt = found.__new__(found)
    Exception.__init__(rebuilt, message)
    vars(rebuilt).update(fields)
    rebuilt.can_retry = bool(error.get("can_retry", found.can_retry))
    return rebuilt


def _rename(row: dict[str, Any], name: str, new_name: str) -> dict[str, Any]:
    # Release 0.1 has another name for the fix.
    return {new_name if key == name else key: value for key, value in row.items()}


def _list_classes(parent: type[ServiceError]) -> dict[str, type[ServiceError]]:
    classes = {parent.__name__: parent}
    for child in parent.__subclasses__():
        classes |= _list_classes(child)
    return classes
