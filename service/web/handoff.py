"""The WSGI application of the Unix socket: operations that commands request from the service."""

from __future__ import annotations

import queue
import secrets
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from flask import Flask, Response, request
from pydantic import BaseModel, ValidationError

from service.application import Application
from service.client.address import SECRET_HEADER, SECRET_NAME
from service.client.local import ApplicationClient
from service.client.messages import write_error, write_progress, write_result
from service.client.protocol import (
    ALERTS,
    BACKUP,
    CANCEL_PATH,
    EVENTS,
    JOBS,
    LOAD,
    PREVIEW,
    ROUNDS,
    SNAPSHOT,
    THRESHOLDS,
    VERIFY,
    WORK_HEADER,
    CancelRequest,
    Operation,
)
from service.errors import HandoffError, ServiceError
from service.loading.interrupt import Interrupt
from service.system.progress import Progress
from service.system.time_limit import is_never_abandoned

MEDIA_TYPE = "application/x-ndjson"
R = TypeVar("R", bound=BaseModel)
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

    # The interrupts of running loads and previews, by the name in the header.
    running: dict[str, Interrupt] = {}

    @app.post(f"/{CANCEL_PATH}")
    def cancel() -> dict[str, bool]:
        interrupt = running.get(CancelRequest.model_validate_json(request.get_data()).work)
        if interrupt is not None:
            interrupt.request()
        return {"is_found": interrupt is not None}

    def with_interrupt(work: Callable[[R, Progress, Interrupt], T]) -> Callable[[R], Callable[[Progress], T]]:
        def prepare(requested: R) -> Callable[[Progress], T]:
            name = request.headers.get(WORK_HEADER, "")
            interrupt = Interrupt(request.environ.get("waitress.client_disconnected", is_never_abandoned))
            # A client of release 0.1 sends no name, and cannot cancel.
            if name:
                running[name] = interrupt

            def run(progress: Progress) -> T:
                try:
                    return work(requested, progress, interrupt)
                finally:
                    running.pop(name, None)

            return run

        return prepare

    def serve(operation: Operation[R, T], prepare: Callable[[R], Callable[[Progress], T]]) -> None:
        def answer() -> Response:
            work = prepare(operation.request.model_validate_json(request.get_data() or b"{}"))
            return _stream(lambda progress: operation.result.dump_python(work(progress), mode="json"))

        app.add_url_rule(f"/{operation.path}", operation.path, answer, methods=["POST"])

    serve(LOAD, with_interrupt(client.load))
    serve(PREVIEW, with_interrupt(client.preview))
    serve(EVENTS, with_interrupt(client.load_events))
    serve(SNAPSHOT, lambda _: client.refresh)
    serve(JOBS, lambda requested: lambda _: client.list_runs(requested))
    serve(THRESHOLDS, lambda requested: partial(client.change_threshold, requested))
    serve(ALERTS, lambda requested: lambda _: client.use_alerts(requested))
    serve(ROUNDS, lambda requested: lambda _: client.use_rounds(requested))
    serve(BACKUP, lambda requested: partial(client.back_up, requested))
    serve(VERIFY, lambda _: client.verify)
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
        # The work continues if the client disconnects, except a load before its commit, which is cancelled.
        threading.Thread(target=run).start()
        while (message := messages.get()) is not None:
            yield message

    return Response(lines(), mimetype=MEDIA_TYPE)
