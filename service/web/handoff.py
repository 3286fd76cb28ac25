"""The WSGI application of the Unix socket: operations that commands request from the service."""

from __future__ import annotations

import queue
import secrets
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from flask import Flask, Response, request
from pydantic import ValidationError

from service.application import Application
from service.client.address import SECRET_HEADER, SECRET_NAME
from service.client.local import ApplicationClient
from service.client.messages import write_error, write_progress, write_result
from service.client.protocol import (
    ALERTS,
    BACKUP,
    JOBS,
    LOAD,
    PREVIEW,
    SNAPSHOT,
    THRESHOLDS,
    VERIFY,
    Operation,
    Request,
)
from service.errors import HandoffError, ServiceError
from service.progress import Progress

MEDIA_TYPE = "application/x-ndjson"
R = TypeVar("R", bound=Request)
T = TypeVar("T")


def write_refusal(message: str) -> str:
    """Return the body of a refused request; clients of all versions show it."""
    return write_error(HandoffError(message))


def make_handoff_app(application: Application, secret: str) -> Flask:
    """Return the WSGI application behind the socket; every request must have the secret."""
    app = Flask("a4p-handoff")
    client = ApplicationClient(application, with_history=True)

    @app.before_request
    def check_secret() -> Response | None:
        given = request.headers.get(SECRET_HEADER, "")
        if secrets.compare_digest(given.encode(), secret.encode()):
            return None
        message = (
            f"the service refused this command: its secret, in the file {SECRET_NAME} of the data directory, was not sent "
            "or is another one. Run the command with the version of the service, or restart the service"
        )
        return Response(write_refusal(message), 403, mimetype=MEDIA_TYPE)

    @app.errorhandler(ValidationError)
    def refuse(error: ValidationError) -> Response:
        return Response(write_refusal(f"invalid request: {error}"), 400, mimetype=MEDIA_TYPE)

    def serve(operation: Operation[R, T], work: Callable[[R, Progress], T]) -> None:
        def answer() -> Response:
            requested = operation.request.model_validate_json(request.get_data() or b"{}")
            return _stream(lambda progress: operation.result.dump_python(work(requested, progress), mode="json"))

        app.add_url_rule(f"/{operation.path}", operation.path, answer, methods=["POST"])

    serve(LOAD, client.load)
    serve(PREVIEW, client.preview)
    serve(SNAPSHOT, lambda _, progress: client.refresh(progress))
    serve(JOBS, lambda requested, _: client.list_runs(requested))
    serve(THRESHOLDS, client.change_threshold)
    serve(ALERTS, lambda requested, _: client.use_alerts(requested))
    serve(BACKUP, client.back_up)
    serve(VERIFY, lambda _, progress: client.verify(progress))
    return app


def _stream(work: Callable[[Progress], Any]) -> Response:
    """Return a response with the progress of `work`, and its result or error at the end."""
    messages: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def run() -> None:
        try:
            messages.put(write_result(work(lambda stage, share: messages.put(write_progress(stage, share)))))
        except ServiceError as error:
            messages.put(write_error(error))
        except Exception as error:
            messages.put(write_refusal(f"the service failed: {error}"))
            raise
        finally:
            messages.put(None)

    def lines() -> Iterator[str]:
        # The work continues if the client disconnects: it is finished or rolled back.
        threading.Thread(target=run).start()
        while (message := messages.get()) is not None:
            yield message

    return Response(lines(), mimetype=MEDIA_TYPE)
